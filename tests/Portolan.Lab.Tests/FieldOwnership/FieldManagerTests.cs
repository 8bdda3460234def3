using Portolan.Lab.ApiServer.FieldOwnership;
using Portolan.Lab.Tests.Schema;

namespace Portolan.Lab.Tests.FieldOwnership;

/// <summary>Who owns what after applies and updates, and what goes with its owner.</summary>
public sealed class FieldManagerTests
{
    private static Managed Thing() => new(Things.V2);

    [Theory]
    // What the manager no longer applies and nobody else owns goes.
    [InlineData("""{"numeric":1,"string":"x"}""", """{"numeric":1}""", """{"numeric":1}""")]
    [InlineData("""{"map":{"a":"1","b":"2"}}""", """{"map":{"a":"1"}}""", """{"map":{"a":"1"}}""")]
    [InlineData("""{"map":{"a":"1"},"numeric":1}""", """{"numeric":1}""", """{"numeric":1}""")]
    [InlineData("""{"set":["a","b"]}""", """{"set":["b"]}""", """{"set":["b"]}""")]
    [InlineData("""{"list":[{"name":"a","value":1},{"name":"b"}]}""", """{"list":[{"name":"a"}]}""", """{"list":[{"name":"a"}]}""")]
    [InlineData("""{"list":[{"name":"a","nested":["x","y"]}]}""", """{"list":[{"name":"a","nested":["y"]}]}""", """{"list":[{"name":"a","nested":["y"]}]}""")]
    [InlineData("""{"struct":{"a":1,"inner":{"c":1}}}""", """{"struct":{"a":1}}""", """{"struct":{"a":1}}""")]
    [InlineData("""{"struct":{"a":1}}""", """{}""", """{}""")]
    [InlineData("""{"byName":{"x":{"a":1},"y":{"b":1}}}""", """{"byName":{"y":{"b":1}}}""", """{"byName":{"y":{"b":1}}}""")]
    [InlineData("""{"ports":[{"port":80},{"port":80,"protocol":"UDP"}]}""", """{"ports":[{"port":80,"protocol":"UDP"}]}""", """{"ports":[{"port":80,"protocol":"UDP"}]}""")]
    [InlineData("""{"free":{"a":{"b":1},"c":[1]}}""", """{"free":{"c":[2]}}""", """{"free":{"c":[2]}}""")]
    // Whole lists and maps are replaced.
    [InlineData("""{"whole":["a","b"]}""", """{"whole":["c"]}""", """{"whole":["c"]}""")]
    [InlineData("""{"atomic":{"a":"1"}}""", """{"atomic":{"b":"2"}}""", """{"atomic":{"b":"2"}}""")]
    // The order is the last applied one.
    [InlineData("""{"set":["a","b","c"]}""", """{"set":["c","a","b"]}""", """{"set":["c","a","b"]}""")]
    public void AManagersSecondApplyTakesTheFirstsPlace(string first, string second, string expected)
    {
        var thing = Thing();
        thing.Apply("m", first);
        thing.Apply("m", second);
        Assert.Equal(expected, thing.State());
        Assert.True(ObjectFields.Of(Kinds.Json(second), Things.V2.Structure).Equals(thing.Managers.Entries.SingleOrDefault()?.Fields ?? FieldSet.Empty));
    }

    [Theory]
    [InlineData("""{"numeric":1}""", """{"numeric":2}""", "b .numeric")]
    [InlineData("""{"map":{"k":"1"}}""", """{"map":{"k":"2"}}""", "b .map.k")]
    [InlineData("""{"list":[{"name":"a","value":1}]}""", """{"list":[{"name":"a","value":2}]}""", "b .list[name=\"a\"].value")]
    [InlineData("""{"whole":["a"]}""", """{"whole":["b"]}""", "b .whole")]
    [InlineData("""{"atomic":{"a":"1"}}""", """{"atomic":{"b":"1"}}""", "b .atomic")]
    [InlineData("""{"byName":{"x":{"a":1}}}""", """{"byName":{"x":{"a":2}}}""", "b .byName.x.a")]
    [InlineData("""{"ports":[{"port":80,"target":"a"}]}""", """{"ports":[{"port":80,"protocol":"TCP","target":"b"}]}""", "b .ports[port=80,protocol=\"TCP\"].target")]
    public void AnotherValueForAnothersFieldIsAConflict_AndForceTakesTheField(string owned, string wanted, string conflict)
    {
        var thing = Thing();
        thing.Apply("b", owned);
        var before = thing.State();
        Assert.Equal([conflict], thing.Conflicts("a", wanted));
        Assert.Equal(before, thing.State());
        thing.Apply("a", wanted, force: true);
        Assert.DoesNotContain(conflict[2..], Paths(thing, "b"));
        Assert.Contains(conflict[2..], Paths(thing, "a"));
    }

    [Theory]
    [InlineData("""{"numeric":1}""", """{"numeric":1}""")]
    [InlineData("""{"set":["a"]}""", """{"set":["b"]}""")]
    [InlineData("""{"map":{"a":"1"}}""", """{"map":{"b":"1"}}""")]
    [InlineData("""{"list":[{"name":"a","value":1}]}""", """{"list":[{"name":"a","nested":["x"]},{"name":"b"}]}""")]
    [InlineData("""{"struct":{"a":1}}""", """{"struct":{"b":1}}""")]
    public void TheSameValueOrAnotherFieldIsNoConflict(string owned, string wanted)
    {
        var thing = Thing();
        thing.Apply("b", owned);
        thing.Apply("a", wanted);
        Assert.NotNull(thing.Fields("a"));
        Assert.NotNull(thing.Fields("b"));
    }

    [Fact]
    public void ASharedFieldStaysUntilItsLastOwnerLetsGo()
    {
        var thing = Thing();
        thing.Apply("a", """{"numeric":1,"set":["x","y"],"list":[{"name":"n","value":1}]}""");
        thing.Apply("b", """{"numeric":1,"set":["y"],"list":[{"name":"n"}]}""");
        thing.Apply("a", "{}");
        Assert.Equal("""{"numeric":1,"set":["y"],"list":[{"name":"n"}]}""", thing.State());
        Assert.Null(thing.Fields("a"));
        thing.Apply("b", "{}");
        Assert.Equal("{}", thing.State());
        Assert.True(thing.Managers.IsEmpty);
    }

    [Fact]
    public void AnUpdateTakesWhatItChangesAndLosesNothingItKeeps()
    {
        var thing = Thing();
        thing.Apply("a", """{"numeric":1,"string":"x","list":[{"name":"n","value":1}]}""");
        thing.Update("c", """{"numeric":2,"string":"x","list":[{"name":"n","value":1},{"name":"o"}]}""");
        Assert.Equal([".list[name=\"n\"]", ".list[name=\"n\"].name", ".list[name=\"n\"].value", ".string"], Paths(thing, "a"));
        Assert.Equal([".list[name=\"o\"]", ".list[name=\"o\"].name", ".numeric"], Paths(thing, "c"));
        Assert.Equal(["c .numeric"], thing.Conflicts("a", """{"numeric":1,"string":"x"}"""));
    }

    [Fact]
    public void AnUpdateThatRemovesTakesTheFieldFromItsOwners()
    {
        var thing = Thing();
        thing.Apply("a", """{"numeric":1,"map":{"k":"v"}}""");
        thing.Update("c", """{"numeric":1}""");
        Assert.Equal("""{"f:numeric":{}}""", thing.Fields("a"));
        Assert.Null(thing.Fields("c"));
    }

    [Fact]
    public void ADroppedItemGoesWithWhatOthersSetInIt_UnlessTheyOwnTheItem()
    {
        var thing = Thing();
        thing.Apply("a", """{"list":[{"name":"n","value":1}]}""");
        // Changing a field inside is not owning the item.
        thing.Update("c", """{"list":[{"name":"n","value":2}]}""");
        thing.Apply("a", "{}");
        Assert.Equal("{}", thing.State());
        Assert.True(thing.Managers.IsEmpty);

        thing.Apply("a", """{"list":[{"name":"n","value":1}]}""");
        thing.Apply("b", """{"list":[{"name":"n"}]}""");
        thing.Apply("a", "{}");
        Assert.Equal("""{"list":[{"name":"n"}]}""", thing.State());
    }

    [Fact]
    public void WhatNobodyOwnsGoesWithTheFieldAroundIt()
    {
        // As defaults do: the server filled in "b".
        var thing = Thing();
        thing.Apply("a", """{"struct":{"a":1},"numeric":1}""");
        thing.Object!["struct"]!["b"] = 7;
        thing.Apply("a", """{"numeric":1}""");
        Assert.Equal("""{"numeric":1}""", thing.State());
    }

    [Fact]
    public void WhatOthersOwnStays()
    {
        var thing = Thing();
        thing.Apply("a", """{"struct":{"a":1},"map":{"x":"1"}}""");
        thing.Update("c", """{"struct":{"a":1,"b":2},"map":{"x":"1","y":"2"}}""");
        thing.Apply("a", "{}");
        Assert.Equal("""{"struct":{"b":2},"map":{"y":"2"}}""", thing.State());
    }

    [Fact]
    public void ObjectsThatNobodyTrackedBelongToWhoWasThereBefore()
    {
        var thing = Thing();
        thing.Update("c", """{"numeric":1,"string":"x"}""");
        thing.Forget();
        thing.Update("c", """{"numeric":2,"string":"x"}""");
        Assert.True(thing.Managers.IsEmpty);
        Assert.Equal(["before-first-apply .numeric"], thing.Conflicts("a", """{"numeric":3}"""));
        thing.Apply("a", """{"numeric":2}""");
        Assert.Equal([".numeric", ".string"], Paths(thing, "before-first-apply"));
    }

    [Fact]
    public void AnApplyThatChangesNothingKeepsItsTime()
    {
        var thing = Thing();
        thing.Apply("a", """{"numeric":1}""");
        var time = thing.Managers.Entries[0].Time;
        thing.Apply("a", """{"numeric":1}""");
        Assert.Equal(time, thing.Managers.Entries[0].Time);
        thing.Apply("a", """{"numeric":2}""");
        Assert.NotEqual(time, thing.Managers.Entries[0].Time);
    }

    [Fact]
    public void EntriesOfAnotherVersionAreComparedInTheirs()
    {
        var thing = new Managed(Things.V2, Things.V1) { Rename = Things.Rename };
        thing.Apply("a", """{"number":1,"string":"x"}""", version: Things.V1);
        Assert.Equal("""{"numeric":1,"string":"x"}""", Sorted(thing.State()));
        Assert.Equal("example.io/v1", thing.Managers.Entries[0].ApiVersion);
        Assert.Equal(["a .number"], thing.Conflicts("b", """{"numeric":2}"""));
        thing.Update("c", """{"numeric":3,"string":"x"}""");
        Assert.Equal("""{"f:string":{}}""", thing.Fields("a"));
        // The manager comes back in another version: one entry still, and what it dropped goes.
        thing.Apply("a", """{"numeric":3}""");
        Assert.Equal("""{"numeric":3}""", thing.State());
        Assert.Equal("example.io/v2", Assert.Single(thing.Managers.Entries, e => e.Who.Manager == "a").ApiVersion);
    }

    [Fact]
    public async Task EntriesOfVersionsNoLongerServedAreDropped()
    {
        var both = new Managed(Things.V2, Things.V1) { Rename = Things.Rename };
        both.Apply("a", """{"number":1}""", version: Things.V1);
        var gone = new FieldManager(Things.V2, [Things.V2], (_, _) => throw new InvalidOperationException(), "2026-01-01T00:01:00Z");
        var after = await gone.UpdateAsync(both.Object, Kinds.Json("""{"apiVersion":"example.io/v2","kind":"Thing","numeric":2}"""), both.Managers, "c", null);
        Assert.Equal("c", Assert.Single(after.Entries).Who.Manager);
    }

    [Fact]
    public void TheOldestOfManyUpdatersAreGathered()
    {
        var thing = Thing();
        for (var i = 0; i < 12; i++) thing.Update($"u{i:00}", $$"""{"map":{ {{string.Join(',', Enumerable.Range(0, i + 1).Select(k => $"\"k{k:00}\":\"v\""))}} } }""");
        Assert.Equal(10, thing.Managers.Entries.Count);
        Assert.Equal([".map", ".map.k00", ".map.k01", ".map.k02"], Paths(thing, "ancient-changes"));
        Assert.Null(thing.Fields("u02"));
        Assert.Equal([".map.k03"], Paths(thing, "u03"));
        thing.Update("u99", thing.State().Replace("k11\":\"v", "k11\":\"w", StringComparison.Ordinal));
        Assert.Equal(10, thing.Managers.Entries.Count);
    }

    [Fact]
    public void ManagersOfTheOldKindOfManyNamesAreOneEachByWhatTheyDo()
    {
        var thing = Thing();
        thing.Apply("m", """{"numeric":1}""");
        thing.Update("m", """{"numeric":1,"string":"x"}""");
        Assert.Equal(["Apply m", "Update m"], thing.Managers.Write()!.Select(e => $"{e!["operation"]} {e["manager"]}"));
        Assert.Equal(["m .string"], thing.Conflicts("m", """{"numeric":1,"string":"y"}"""));
    }

    [Fact]
    public void AServersCreateIsTrackedAsServersDo()
    {
        var deployment = Kinds.Get("Deployment", "apps");
        var managed = new Managed(deployment);
        managed.Update("kubectl-create", """
            {"metadata":{"name":"web","namespace":"d","uid":"u","labels":{"app":"web"}},"spec":{"replicas":1,"selector":{"matchLabels":{"app":"web"}},
             "strategy":{"type":"RollingUpdate","rollingUpdate":{"maxSurge":"25%"}},
             "template":{"metadata":{"labels":{"app":"web"}},"spec":{"containers":[{"name":"c","image":"i","ports":[{"containerPort":80,"protocol":"TCP"}],"resources":{}}]}}}}
            """);
        // Pointers, slices and maps carry a "." of their own, structs that are always there do not.
        Assert.Equal(
            """{"f:metadata":{"f:labels":{".":{},"f:app":{}}},"f:spec":{"f:replicas":{},"f:selector":{},"f:strategy":{"f:rollingUpdate":{".":{},"f:maxSurge":{}},"f:type":{}},"f:template":{"f:metadata":{"f:labels":{".":{},"f:app":{}}},"f:spec":{"f:containers":{"k:{\"name\":\"c\"}":{".":{},"f:image":{},"f:name":{},"f:ports":{".":{},"k:{\"containerPort\":80,\"protocol\":\"TCP\"}":{".":{},"f:containerPort":{},"f:protocol":{}}},"f:resources":{}}}}}}}""",
            managed.Fields("kubectl-create"));
    }

    private static string[] Paths(Managed thing, string manager) =>
        [.. thing.Managers.Entries.Where(e => e.Who.Manager == manager).SelectMany(e => e.Fields.Paths()).Select(PathElement.Display).Order(StringComparer.Ordinal)];

    private static string Sorted(string json) =>
        new System.Text.Json.Nodes.JsonObject(Kinds.Json(json).OrderBy(p => p.Key, StringComparer.Ordinal).Select(p => KeyValuePair.Create(p.Key, p.Value?.DeepClone()))).ToJsonString();
}

using System.Diagnostics;
using System.Text.Json.Nodes;
using CsCheck;
using Portolan.Lab.ApiServer.FieldOwnership;
using Portolan.Lab.Tests.Schema;

namespace Portolan.Lab.Tests.FieldOwnership;

/// <summary>What holds of any history of applies and updates.</summary>
public sealed class OwnershipPropertyTests(ITestOutputHelper output)
{
    private static readonly Gen<string> Names = Kinds.OneOf("a", "b", "c");

    private static Gen<JsonNode> Map(Gen<JsonNode> values) => Gen.Dictionary(Names, values)[0, 3].Select(members => (JsonNode)new JsonObject(members.Select(m => KeyValuePair.Create(m.Key, (JsonNode?)m.Value.DeepClone()))));

    private static Gen<JsonNode> List(Gen<JsonNode> items) => items.Array[0, 3].Select(list => (JsonNode)new JsonArray([.. list.Select(i => (JsonNode?)i.DeepClone())]));

    private static Gen<JsonNode> Set(Gen<JsonNode> items) => List(items).Select(list => (JsonNode)new JsonArray([.. ((JsonArray)list).DistinctBy(i => i!.ToJsonString()).Select(i => i!.DeepClone())]));

    private static readonly Gen<JsonNode> Numbers = Gen.Int[0, 2].Select(i => (JsonNode)i);
    private static readonly Gen<JsonNode> Texts = Names.Select(n => (JsonNode)n);

    private static Gen<JsonNode> Struct(params (string Name, Gen<JsonNode> Values)[] fields) =>
        fields.Select(f => Gen.Select(Gen.Bool, f.Values, (there, value) => there ? KeyValuePair.Create(f.Name, (JsonNode?)value) : default)).Aggregate(
            Gen.Const(new JsonObject()), (all, field) => Gen.Select(all, field, (obj, f) =>
            {
                var copy = (JsonObject)obj.DeepClone();
                if (f.Key is not null) copy[f.Key] = f.Value?.DeepClone();
                return copy;
            })).Select(obj => (JsonNode)obj);

    private static Gen<JsonNode> Keyed(Gen<JsonNode> items) => Gen.Dictionary(Names, items)[0, 3].Select(entries => (JsonNode)new JsonArray([.. entries.Select(e =>
    {
        var item = (JsonObject)e.Value.DeepClone();
        item["name"] = e.Key;
        return (JsonNode)item;
    })]));

    private static readonly Gen<JsonObject> Bodies = Struct(
        ("numeric", Numbers), ("string", Texts), ("set", Set(Texts)), ("numbers", Set(Numbers)), ("whole", List(Texts)), ("atomic", Map(Texts)), ("map", Map(Texts)),
        ("struct", Struct(("a", Numbers), ("b", Numbers), ("inner", Struct(("c", Numbers))))), ("list", Keyed(Struct(("value", Numbers), ("nested", Set(Texts))))),
        ("byName", Map(Struct(("a", Numbers), ("b", Numbers)))), ("free", Map(Map(Texts)))).Select(node => (JsonObject)node);

    private static readonly Gen<(string Manager, bool Applies, JsonObject Body)[]> Histories = Gen.Select(Names, Gen.Bool, Bodies).Array[1, 6];

    private static Managed After((string Manager, bool Applies, JsonObject Body)[] history)
    {
        var thing = new Managed(Things.V2);
        foreach (var (manager, applies, body) in history)
        {
            if (applies) thing.Apply(manager, (JsonObject)body.DeepClone(), force: true);
            else thing.Update(manager, body.ToJsonString());
        }

        return thing;
    }

    [Fact]
    public void AnApplyTwiceIsAnApplyOnce() => Gen.Select(Histories, Names, Bodies).Sample((history, manager, body) =>
    {
        var thing = After(history);
        thing.Apply(manager, (JsonObject)body.DeepClone(), force: true);
        var (state, managers) = (thing.State(), thing.Managers.Write()?.ToJsonString());
        // The second time without force: what it owns is no conflict.
        thing.Apply(manager, (JsonObject)body.DeepClone());
        Assert.Equal((state, managers), (thing.State(), thing.Managers.Write()?.ToJsonString()));
    });

    [Fact]
    public void WhatIsAppliedIsThereAndItsAppliersOwn() => Gen.Select(Histories, Names, Bodies).Sample((history, manager, body) =>
    {
        var thing = After(history);
        thing.Apply(manager, (JsonObject)body.DeepClone(), force: true);
        var wanted = ObjectFields.Of(body, Things.V2.Structure);
        var owned = thing.Managers.Find(ManagerIdentity.Applier(manager, null))?.Fields ?? FieldSet.Empty;
        Assert.Equal(wanted, owned);
        var merged = AppliedMerge.Merge(thing.Object!, body, Things.V2.Structure);
        Assert.True(FieldChanges.Between(thing.Object!, merged, Things.V2.Structure) is { Changed.IsEmpty: true, Removed.IsEmpty: true });
    });

    [Fact]
    public void EveryOwnedFieldIsInTheObject() => Histories.Sample(history =>
    {
        var thing = After(history);
        var present = ObjectFields.WithNamedFields(ObjectFields.Of(thing.Object, Things.V2.Structure), Things.V2.Structure);
        foreach (var entry in thing.Managers.Entries)
            Assert.Empty(entry.Fields.Difference(present).Paths().Select(PathElement.Display));
    });

    [Fact]
    public void AFieldDroppedGoesExactlyWhenNobodyElseOwnsIt() => Gen.Select(Bodies, Bodies, Bodies).Sample((first, second, other) =>
    {
        var thing = new Managed(Things.V2);
        thing.Apply("m", (JsonObject)first.DeepClone());
        thing.Apply("o", (JsonObject)other.DeepClone(), force: true);
        thing.Apply("m", (JsonObject)second.DeepClone(), force: true);
        var structure = Things.V2.Structure;
        var present = ObjectFields.Of(thing.Object, structure);
        var dropped = ObjectFields.Of(first, structure).Difference(ObjectFields.Of(second, structure));
        var others = thing.Managers.Find(ManagerIdentity.Applier("o", null))?.Fields ?? FieldSet.Empty;
        // Leaves only: an emptied container may stay behind for the sake of who owns what is in it.
        foreach (var path in dropped.Intersection(present).Paths())
        {
            var single = FieldSet.OfPath(path);
            var kept = ObjectFields.WithNamedFields(others.Union(ObjectFields.Of(second, structure)), structure);
            var covered = !single.Intersection(kept).IsEmpty || kept.Paths().Any(k => k.Length > path.Length && k.AsSpan(0, path.Length).SequenceEqual(path));
            Assert.True(covered, $"{PathElement.Display(path)} stayed: {thing.State()}");
        }

        foreach (var path in dropped.Intersection(others).Difference(ObjectFields.WithNamedFields(present, structure)).Paths()) Assert.Fail($"{PathElement.Display(path)} went: {thing.State()}");
    });

    [Fact]
    public void TheSameStateThroughManyUpdatesOrOneIsOwnedByWhoWroteItLast() => Gen.Select(Bodies, Bodies).Sample((first, last) =>
    {
        // An object created without any field is not tracked until it is first applied to.
        first["numeric"] ??= 1;
        var stepwise = new Managed(Things.V2);
        stepwise.Update("u", first.ToJsonString());
        stepwise.Update("u", last.ToJsonString());
        var atOnce = new Managed(Things.V2);
        atOnce.Update("u", last.ToJsonString());
        Assert.Equal(atOnce.State(), stepwise.State());
        // All that is there was written by one: he owns all of it, both ways, but for the containers that came with the first state.
        var fields = ObjectFields.Of(last, Things.V2.Structure);
        if (!fields.IsEmpty) Assert.True(fields.Difference(stepwise.Managers.Find(ManagerIdentity.Updater("u", Things.V2.ApiVersion, null))?.Fields ?? FieldSet.Empty).IsEmpty);
    });

    [Fact]
    public async Task TellsWhatTrackingCosts()
    {
        var service = Kinds.Get("Service");
        var before = Kinds.Accept(service, """{"apiVersion":"v1","kind":"Service","metadata":{"name":"s","namespace":"d","labels":{"app":"web","tier":"front"},"annotations":{"a":"b"}},"spec":{"type":"LoadBalancer","selector":{"app":"web"},"ports":[{"name":"http","port":80},{"name":"https","port":443,"targetPort":8443}]}}""");
        var after = (JsonObject)before.DeepClone();
        after["metadata"]!["annotations"]!["a"] = "c";
        var manager = new FieldManager(service, [service], (_, _) => throw new InvalidOperationException(), "2026-01-01T00:00:00Z");
        var managers = await manager.UpdateAsync(null, before, ManagedFields.None, "kubectl-create", null);
        var stored = managers.Write()!.ToJsonString();
        const int Rounds = 2000;
        for (var round = 0; round < 2; round++)
        {
            var (allocated, watch) = (GC.GetAllocatedBytesForCurrentThread(), Stopwatch.StartNew());
            for (var i = 0; i < Rounds; i++) (await manager.UpdateAsync(null, before, ManagedFields.None, "kubectl-create", null)).Write();
            var (created, createdBytes) = (watch.Elapsed, GC.GetAllocatedBytesForCurrentThread() - allocated);
            (allocated, watch) = (GC.GetAllocatedBytesForCurrentThread(), Stopwatch.StartNew());
            for (var i = 0; i < Rounds; i++)
            {
                var kept = ManagedFields.Read(JsonNode.Parse(stored))!;
                (await manager.UpdateAsync(before, after, kept, "controller", null)).Write();
            }

            if (round == 0) continue;
            output.WriteLine($"create of a Service: {created.TotalMicroseconds / Rounds:0.0} µs, {createdBytes / Rounds} B; update: {watch.Elapsed.TotalMicroseconds / Rounds:0.0} µs, {(GC.GetAllocatedBytesForCurrentThread() - allocated) / Rounds} B; stored: {stored.Length} B");
        }

        Assert.Equal("kubectl-create", Assert.Single(managers.Entries).Who.Manager);
    }
}

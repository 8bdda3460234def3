using System.Text.Json.Nodes;
using CsCheck;
using Portolan.Lab.ApiServer.Schema;
using Portolan.Lab.Tests.Schema;

namespace Portolan.Lab.Tests.StrategicMerge;

public sealed class StrategicMergeTests
{
    [Theory]
    // Lists with a merge key are merged by it; without one they are replaced.
    [InlineData("Pod", """{"spec":{"containers":[{"name":"a","image":"1"},{"name":"b","image":"1"}]}}""", """{"spec":{"containers":[{"name":"b","image":"2"}]}}""",
        """{"spec":{"containers":[{"name":"a","image":"1"},{"name":"b","image":"2"}]}}""")]
    [InlineData("Pod", """{"spec":{"tolerations":[{"key":"a"}]}}""", """{"spec":{"tolerations":[{"key":"b"}]}}""", """{"spec":{"tolerations":[{"key":"b"}]}}""")]
    [InlineData("Service", """{"spec":{"ports":[{"port":80,"name":"a"}]}}""", """{"spec":{"ports":[{"port":81,"name":"b"}]}}""",
        """{"spec":{"ports":[{"port":81,"name":"b"},{"port":80,"name":"a"}]}}""")]
    [InlineData("Service", """{"metadata":{"finalizers":["a","b"]}}""", """{"metadata":{"finalizers":["b","c"]}}""", """{"metadata":{"finalizers":["a","b","c"]}}""")]
    [InlineData("Service", """{"metadata":{"labels":{"a":"b","c":"d"}}}""", """{"metadata":{"labels":{"a":null,"e":"f"}}}""", """{"metadata":{"labels":{"c":"d","e":"f"}}}""")]
    // Directives.
    [InlineData("Pod", """{"spec":{"containers":[{"name":"a"},{"name":"b"}]}}""", """{"spec":{"containers":[{"name":"a","$patch":"delete"}]}}""", """{"spec":{"containers":[{"name":"b"}]}}""")]
    [InlineData("Pod", """{"spec":{"containers":[{"name":"a"},{"name":"b"}]}}""", """{"spec":{"containers":[{"name":"c"},{"$patch":"replace"}]}}""", """{"spec":{"containers":[{"name":"c"}]}}""")]
    [InlineData("Pod", """{"spec":{"nodeSelector":{"a":"b"}}}""", """{"spec":{"nodeSelector":{"c":"d","$patch":"replace"}}}""", """{"spec":{"nodeSelector":{"c":"d"}}}""")]
    [InlineData("Service", """{"metadata":{"finalizers":["a","b"]}}""", """{"metadata":{"$deleteFromPrimitiveList/finalizers":["a"]}}""", """{"metadata":{"finalizers":["b"]}}""")]
    [InlineData("Pod", """{"spec":{"containers":[{"name":"a"},{"name":"b"},{"name":"c"}]}}""", """{"spec":{"$setElementOrder/containers":[{"name":"c"},{"name":"a"}],"containers":[{"name":"b","$patch":"delete"}]}}""",
        """{"spec":{"containers":[{"name":"c"},{"name":"a"}]}}""")]
    [InlineData("Pod", """{"spec":{"containers":[{"name":"a"},{"name":"b"}]}}""", """{"spec":{"$setElementOrder/containers":[{"name":"b"},{"name":"a"}]}}""", """{"spec":{"containers":[{"name":"b"},{"name":"a"}]}}""")]
    [InlineData("Deployment", """{"spec":{"strategy":{"type":"RollingUpdate","rollingUpdate":{"maxSurge":1}}}}""", """{"spec":{"strategy":{"$retainKeys":["type"],"type":"Recreate"}}}""",
        """{"spec":{"strategy":{"type":"Recreate"}}}""")]
    [InlineData("Pod", """{"spec":{"volumes":[{"name":"v","emptyDir":{}}]}}""", """{"spec":{"volumes":[{"$retainKeys":["name","hostPath"],"name":"v","hostPath":{"path":"/"}}]}}""",
        """{"spec":{"volumes":[{"name":"v","hostPath":{"path":"/"}}]}}""")]
    // Nulls and directives inside what was not there before mean nothing.
    [InlineData("Pod", """{}""", """{"spec":{"nodeSelector":{"a":null,"b":"c"},"containers":[{"name":"a","$patch":"delete"},{"name":"b","image":null}]}}""",
        """{"spec":{"nodeSelector":{"b":"c"},"containers":[{"name":"b"}]}}""")]
    public void Merges(string kind, string original, string patch, string expected)
    {
        var before = Kinds.Json(original);
        var change = Kinds.Json(patch);
        var merged = Kinds.Get(kind, kind == "Deployment" ? "apps" : "").StrategicMerge(before, change);
        Assert.Equal(expected, merged.ToJsonString());
        Assert.Equal(Kinds.Json(original).ToJsonString(), before.ToJsonString());
        Assert.Equal(Kinds.Json(patch).ToJsonString(), change.ToJsonString());
    }

    [Theory]
    [InlineData("""{"spec":{"containers":[{"image":"x"}]}}""", "does not contain declared merge key: name")]
    [InlineData("""{"spec":{"containers":["x"]}}""", "a list of objects cannot be merged with \"x\"")]
    [InlineData("""{"spec":{"$patch":"explode"}}""", "unknown patch type found: \"explode\"")]
    [InlineData("""{"spec":{"$retainKeys":["a"],"nodeName":"b"}}""", "its own $retainKeys list does not keep")]
    public void RefusesAPatchThatMakesNoSense(string patch, string expected)
    {
        var e = Assert.Throws<FormatException>(() => Kinds.Get("Pod").StrategicMerge(Kinds.Json("""{"spec":{"containers":[{"name":"a"}]}}"""), Kinds.Json(patch)));
        Assert.Contains(expected, e.Message, StringComparison.Ordinal);
    }

    /// <summary>A pod with some containers, their images and variables, labels, finalizers and tolerations.</summary>
    private static readonly Gen<JsonObject> _pods =
        Gen.Select(
            Gen.Dictionary(Kinds.OneOf("a", "b", "c", "d"), Gen.Select(Gen.Int[0, 3], Gen.Dictionary(Kinds.OneOf("X", "Y", "Z"), Gen.Int[0, 2])[0, 3]))[0, 4],
            Gen.Dictionary(Kinds.OneOf("l", "m", "n"), Gen.Int[0, 2])[0, 3],
            Kinds.OneOf("f", "g", "h").HashSet[0, 3],
            Kinds.OneOf("t", "u").List[0, 2]).Select((containers, labels, finalizers, tolerations) => new JsonObject
            {
                ["metadata"] = new JsonObject
                {
                    ["labels"] = new JsonObject(labels.Select(label => KeyValuePair.Create(label.Key, (JsonNode?)label.Value.ToString()))),
                    ["finalizers"] = new JsonArray([.. finalizers.Select(finalizer => (JsonNode)finalizer)]),
                },
                ["spec"] = new JsonObject
                {
                    ["containers"] = new JsonArray([.. containers.Select(container => (JsonNode)new JsonObject
                    {
                        ["name"] = container.Key,
                        ["image"] = $"image:{container.Value.Item1}",
                        ["env"] = new JsonArray([.. container.Value.Item2.Select(variable => (JsonNode)new JsonObject { ["name"] = variable.Key, ["value"] = variable.Value.ToString() })]),
                    })]),
                    ["tolerations"] = new JsonArray([.. tolerations.Select(key => (JsonNode)new JsonObject { ["key"] = key })]),
                },
            });

    [Fact]
    public void APatchMadeFromTwoObjectsTurnsOneIntoTheOther() => Gen.Select(_pods, _pods).Sample((from, to) =>
    {
        var type = TypeLibrary.Instance.Get("core/v1.Pod");
        var patch = PatchMaker.Between(from, to, type);
        var merged = Kinds.Get("Pod").StrategicMerge(from, patch);
        return JsonNode.DeepEquals(to, merged);
    });

    [Fact]
    public void APatchAppliedTwiceIsAppliedOnce() => Gen.Select(_pods, _pods).Sample((from, to) =>
    {
        var patch = PatchMaker.Between(from, to, TypeLibrary.Instance.Get("core/v1.Pod"));
        var kind = Kinds.Get("Pod");
        var once = kind.StrategicMerge(from, patch);
        return JsonNode.DeepEquals(once, kind.StrategicMerge(once, patch));
    });
}

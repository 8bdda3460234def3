using System.Text.Json.Nodes;
using Portolan.Commands.Install;

namespace Portolan.Tests.Install;

public sealed class ThreeWayMergeTests
{
    private const string Manifest = """{"kind":"X","metadata":{"name":"a"},"spec":{"keep":1,"list":[{"name":"c","image":"i"}],"drop":true}}""";

    [Fact]
    public void ChangesNothing_WhenOnlyTheServersDefaultsDiffer()
    {
        var live = ThreeWayMerge.WithRecord(Object(Manifest));
        live["metadata"]!["uid"] = "u";
        live["spec"]!["list"]![0]!["pullPolicy"] = "Always";
        live["spec"]!["defaulted"] = 5;
        Assert.Null(ThreeWayMerge.Patch(Object(Manifest), live));
    }

    [Fact]
    public void TakesAwayWhatIsNoLongerWanted_AndKeepsWhatOthersAdded()
    {
        var live = ThreeWayMerge.WithRecord(Object(Manifest));
        live["metadata"]!["labels"] = new JsonObject { ["theirs"] = "1" };
        var patch = ThreeWayMerge.Patch(Object(Manifest.Replace(",\"drop\":true", "", StringComparison.Ordinal)), live)!;
        Assert.Equal("""{"drop":null}""", patch["spec"]!.ToJsonString());
        Assert.False(patch["metadata"]!.AsObject().ContainsKey("labels"));
        Assert.True(patch["metadata"]!["annotations"]!.AsObject().ContainsKey(ThreeWayMerge.LastApplied));
    }

    [Fact]
    public void ReplacesAListThatDiffers()
    {
        var live = ThreeWayMerge.WithRecord(Object(Manifest));
        var patch = ThreeWayMerge.Patch(Object(Manifest.Replace("\"i\"", "\"j\"", StringComparison.Ordinal)), live)!;
        Assert.Equal("""{"list":[{"name":"c","image":"j"}]}""", patch["spec"]!.ToJsonString());
    }

    [Fact]
    public void AdoptsAnObjectThatHasNoRecord()
    {
        var patch = ThreeWayMerge.Patch(Object(Manifest), Object(Manifest.Replace("\"keep\":1", "\"keep\":2", StringComparison.Ordinal)))!;
        Assert.Equal("""{"keep":1}""", patch["spec"]!.ToJsonString());
    }

    /// <summary>MetalLB's controller mounts a Secret that ours may not have: a volume left behind would keep the pod from starting.</summary>
    [Fact]
    public void ReplacesThePodsOfAWorkloadThatHasNoRecord()
    {
        const string ours = """{"kind":"Deployment","metadata":{"name":"controller"},"spec":{"strategy":{"type":"Recreate"},"template":{"spec":{"containers":[{"name":"controller"}]}}}}""";
        const string theirs = """{"kind":"Deployment","metadata":{"name":"controller"},"spec":{"paused":false,"strategy":{"type":"RollingUpdate","rollingUpdate":{"maxSurge":1}},"template":{"spec":{"volumes":[{"name":"cert"}],"containers":[{"name":"controller"}]}}}}""";
        var patch = ThreeWayMerge.Patch(Object(ours), Object(theirs))!;
        Assert.Equal("""{"strategy":{"type":"Recreate","rollingUpdate":null},"template":{"spec":{"volumes":null}}}""", patch["spec"]!.ToJsonString());
    }

    private static JsonObject Object(string json) => JsonNode.Parse(json)!.AsObject();
}

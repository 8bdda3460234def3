using System.Text;
using System.Text.Json.Nodes;
using CsCheck;
using Portolan.Lab.ApiServer.Patching;
using Portolan.Lab.Tests.Schema;

namespace Portolan.Lab.Tests.Patching;

public sealed class JsonPatchTests
{
    private static string Apply(string target, string patch) => JsonPatch.Apply(Kinds.Json(target), (JsonArray)JsonNode.Parse(patch)!).ToJsonString();

    [Theory]
    // The examples of RFC 6902, appendix A.
    [InlineData("""{"foo":"bar"}""", """[{"op":"add","path":"/baz","value":"qux"}]""", """{"foo":"bar","baz":"qux"}""")]
    [InlineData("""{"foo":["bar","baz"]}""", """[{"op":"add","path":"/foo/1","value":"qux"}]""", """{"foo":["bar","qux","baz"]}""")]
    [InlineData("""{"baz":"qux","foo":"bar"}""", """[{"op":"remove","path":"/baz"}]""", """{"foo":"bar"}""")]
    [InlineData("""{"foo":["bar","qux","baz"]}""", """[{"op":"remove","path":"/foo/1"}]""", """{"foo":["bar","baz"]}""")]
    [InlineData("""{"baz":"qux","foo":"bar"}""", """[{"op":"replace","path":"/baz","value":"boo"}]""", """{"baz":"boo","foo":"bar"}""")]
    [InlineData("""{"foo":{"bar":"baz","waldo":"fred"},"qux":{"corge":"grault"}}""", """[{"op":"move","from":"/foo/waldo","path":"/qux/thud"}]""", """{"foo":{"bar":"baz"},"qux":{"corge":"grault","thud":"fred"}}""")]
    [InlineData("""{"foo":["all","grass","cows","eat"]}""", """[{"op":"move","from":"/foo/1","path":"/foo/3"}]""", """{"foo":["all","cows","eat","grass"]}""")]
    [InlineData("""{"baz":"qux","foo":["a",2,"c"]}""", """[{"op":"test","path":"/baz","value":"qux"},{"op":"test","path":"/foo/1","value":2}]""", """{"baz":"qux","foo":["a",2,"c"]}""")]
    [InlineData("""{"foo":"bar"}""", """[{"op":"add","path":"/child","value":{"grandchild":{}}}]""", """{"foo":"bar","child":{"grandchild":{}}}""")]
    [InlineData("""{"foo":"bar"}""", """[{"op":"add","path":"/baz","value":"qux","xyz":123}]""", """{"foo":"bar","baz":"qux"}""")]
    [InlineData("""{"/":9,"~1":10}""", """[{"op":"test","path":"/~01","value":10}]""", """{"/":9,"~1":10}""")]
    [InlineData("""{"foo":["bar"]}""", """[{"op":"add","path":"/foo/-","value":["abc","def"]}]""", """{"foo":["bar",["abc","def"]]}""")]
    // And what it says besides.
    [InlineData("""{"a":1}""", """[{"op":"add","path":"/a","value":null}]""", """{"a":null}""")]
    [InlineData("""{"a":null}""", """[{"op":"test","path":"/a","value":null}]""", """{"a":null}""")]
    [InlineData("""{"a":{"b":1}}""", """[{"op":"copy","from":"/a","path":"/c"},{"op":"replace","path":"/c/b","value":2}]""", """{"a":{"b":1},"c":{"b":2}}""")]
    [InlineData("""{"a":{"b":1}}""", """[{"op":"copy","from":"","path":"/a/c"}]""", """{"a":{"b":1,"c":{"a":{"b":1}}}}""")]
    [InlineData("""{"a/b":{"~c":1}}""", """[{"op":"remove","path":"/a~1b/~0c"}]""", """{"a/b":{}}""")]
    [InlineData("""{"":1}""", """[{"op":"replace","path":"/","value":2}]""", """{"":2}""")]
    [InlineData("""{"a":1}""", """[{"op":"replace","path":"","value":{"b":2}}]""", """{"b":2}""")]
    [InlineData("""{"a":1}""", """[{"op":"move","from":"/a","path":"/a"}]""", """{"a":1}""")]
    [InlineData("""{"a":1}""", """[]""", """{"a":1}""")]
    public void DoesWhatTheRfcSays(string target, string patch, string expected) => Assert.Equal(expected, Apply(target, patch));

    [Theory]
    [InlineData("""[{"op":"add","path":"/x/y","value":1}]""", "doc is missing path: \"/x/y\"")]
    [InlineData("""[{"op":"remove","path":"/x"}]""", "doc is missing path: \"/x\"")]
    [InlineData("""[{"op":"replace","path":"/x","value":1}]""", "doc is missing path: \"/x\"")]
    [InlineData("""[{"op":"test","path":"/x","value":null}]""", "doc is missing path: \"/x\"")]
    [InlineData("""[{"op":"test","path":"/a","value":"1"}]""", "testing value /a failed")]
    [InlineData("""[{"op":"add","path":"/l/3","value":1}]""", "Unable to access invalid index: 3")]
    [InlineData("""[{"op":"add","path":"/l/01","value":1}]""", "Unable to access invalid index: 01")]
    [InlineData("""[{"op":"add","path":"/l/-1","value":1}]""", "Unable to access invalid index: -1")]
    [InlineData("""[{"op":"remove","path":"/l/-"}]""", "doc is missing path: \"/l/-\"")]
    [InlineData("""[{"op":"remove","path":"/l/2"}]""", "doc is missing path: \"/l/2\"")]
    [InlineData("""[{"op":"move","from":"/o","path":"/o/p"}]""", "cannot be moved into itself")]
    [InlineData("""[{"op":"move","from":"/x","path":"/y"}]""", "doc is missing path: \"/x\"")]
    [InlineData("""[{"op":"copy","path":"/y"}]""", "an operation has no from")]
    [InlineData("""[{"op":"add","path":"/y"}]""", "an operation has no value")]
    [InlineData("""[{"op":"add","value":1}]""", "an operation has no path")]
    [InlineData("""[{"path":"/y","value":1}]""", "an operation has no op")]
    [InlineData("""[{"op":"spam","path":"/a"}]""", "Unexpected kind: spam")]
    [InlineData("""[{"op":"add","path":"a","value":1}]""", "does not begin with /")]
    [InlineData("""[{"op":"replace","path":"","value":[1]}]""", "the result is not an object")]
    [InlineData("""[{"op":"remove","path":""}]""", "the result is not an object")]
    [InlineData("""[1]""", "an operation is not an object")]
    public void RefusesWhatDoesNotFit_AndChangesNothing(string patch, string message)
    {
        var target = Kinds.Json("""{"a":1,"l":[1,2],"o":{}}""");
        var e = Assert.Throws<JsonPatchException>(() => JsonPatch.Apply(target, (JsonArray)JsonNode.Parse(patch)!));
        Assert.Contains(message, e.Message, StringComparison.Ordinal);
        Assert.Equal("""{"a":1,"l":[1,2],"o":{}}""", target.ToJsonString());
    }

    [Fact]
    public void ACopyBombIsRefused()
    {
        var patch = new JsonArray([.. Enumerable.Range(0, 40).Select(i => (JsonNode)new JsonObject { ["op"] = "copy", ["from"] = "/a", ["path"] = $"/a/{i}" })]);
        Assert.Contains("the accumulated size increase of copy is", Assert.Throws<JsonPatchException>(() => JsonPatch.Apply(Kinds.Json("""{"a":{"x":"0123456789"}}"""), patch)).Message, StringComparison.Ordinal);
    }

    [Theory]
    // Each pair of moves puts the whole one level deeper.
    [InlineData("""{"op":"add","path":"/t","value":{}},{"op":"move","from":"/a","path":"/t/a"},{"op":"move","from":"/t","path":"/a"}""")]
    public void ADeepeningPatchIsRefusedBeforeItBreaksAnyStack(string step)
    {
        var patch = (JsonArray)JsonNode.Parse($"[{string.Join(',', Enumerable.Repeat(step, 3000))}]")!;
        Assert.Contains("nested deeper than 256", Assert.Throws<JsonPatchException>(() => JsonPatch.Apply(Kinds.Json("""{"a":{}}"""), patch)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void MovingALotManyTimesIsRefused()
    {
        var big = new StringBuilder("{\"a\":[").AppendJoin(',', Enumerable.Repeat("0", 100_000)).Append("]}").ToString();
        var patch = (JsonArray)JsonNode.Parse($"[{string.Join(',', Enumerable.Repeat("""{"op":"move","from":"/a","path":"/b"},{"op":"move","from":"/b","path":"/a"}""", 1000))}]")!;
        Assert.Contains("moves and copies too much", Assert.Throws<JsonPatchException>(() => JsonPatch.Apply(Kinds.Json(big), patch)).Message, StringComparison.Ordinal);
    }

    /// <summary>The patch from one object to another, as a simple client makes it.</summary>
    private static void Between(JsonObject from, JsonObject to, string path, JsonArray operations)
    {
        foreach (var (name, value) in from)
            if (!to.ContainsKey(name))
                operations.Add((JsonNode)new JsonObject { ["op"] = "remove", ["path"] = $"{path}/{Escape(name)}" });
        foreach (var (name, value) in to)
        {
            var at = $"{path}/{Escape(name)}";
            if (from[name] is JsonObject before && value is JsonObject after) Between(before, after, at, operations);
            else if (!from.ContainsKey(name) || !JsonNode.DeepEquals(from[name], value))
                operations.Add((JsonNode)new JsonObject { ["op"] = from.ContainsKey(name) ? "replace" : "add", ["path"] = at, ["value"] = value?.DeepClone() });
        }

        static string Escape(string name) => name.Replace("~", "~0", StringComparison.Ordinal).Replace("/", "~1", StringComparison.Ordinal);
    }

    private static readonly Gen<string> Names = Kinds.OneOf("a", "b", "c/d", "e~f", "~1", "");

    private static Gen<JsonNode?> Nodes(int depth) => depth == 0
        ? Gen.Int[0, 3].Select(i => i == 0 ? null : (JsonNode?)i)
        : Gen.Frequency((1, Nodes(0)), (1, Nodes(depth - 1).Array[0, 3].Select(items => (JsonNode?)new JsonArray([.. items.Select(i => i?.DeepClone())]))), (3, Objects(depth).Select(o => (JsonNode?)o)));

    private static Gen<JsonObject> Objects(int depth) =>
        Gen.Dictionary(Names, Nodes(depth - 1))[0, 4].Select(members => new JsonObject(members.Select(m => KeyValuePair.Create(m.Key, m.Value?.DeepClone()))));

    [Fact]
    public void APatchMadeFromTwoObjectsTurnsOneIntoTheOther() => Gen.Select(Objects(3), Objects(3)).Sample((from, to) =>
    {
        var operations = new JsonArray();
        Between(from, to, "", operations);
        Assert.True(JsonNode.DeepEquals(to, JsonPatch.Apply(from, operations)));
    });

    [Fact]
    public void AMergePatchOfAnObjectWithoutNullsMakesItSo() => Gen.Select(Objects(3), Objects(3)).Sample((from, to) =>
    {
        // RFC 7386: what the patch has, the result has; what it has as null, the result has not.
        var result = MergePatch.Apply(from, to);
        Assert.True(Holds(result, to));

        static bool Holds(JsonObject result, JsonObject patch) => patch.All(p => p.Value switch
        {
            null => !result.ContainsKey(p.Key),
            JsonObject inner => result[p.Key] is JsonObject there && Holds(there, inner),
            _ => JsonNode.DeepEquals(result[p.Key], p.Value),
        });
    });

    [Theory]
    // The examples of RFC 7386, appendix A, with objects on both sides.
    [InlineData("""{"a":"b"}""", """{"a":"c"}""", """{"a":"c"}""")]
    [InlineData("""{"a":"b"}""", """{"b":"c"}""", """{"a":"b","b":"c"}""")]
    [InlineData("""{"a":"b"}""", """{"a":null}""", """{}""")]
    [InlineData("""{"a":"b","b":"c"}""", """{"a":null}""", """{"b":"c"}""")]
    [InlineData("""{"a":["b"]}""", """{"a":"c"}""", """{"a":"c"}""")]
    [InlineData("""{"a":"c"}""", """{"a":["b"]}""", """{"a":["b"]}""")]
    [InlineData("""{"a":{"b":"c"}}""", """{"a":{"b":"d","c":null}}""", """{"a":{"b":"d"}}""")]
    [InlineData("""{"a":[{"b":"c"}]}""", """{"a":[1]}""", """{"a":[1]}""")]
    [InlineData("""{"e":null}""", """{"a":1}""", """{"e":null,"a":1}""")]
    [InlineData("""{}""", """{"a":{"bb":{"ccc":null}}}""", """{"a":{"bb":{}}}""")]
    public void AMergePatchDoesWhatTheRfcSays(string target, string patch, string expected) => Assert.Equal(expected, MergePatch.Apply(Kinds.Json(target), Kinds.Json(patch)).ToJsonString());
}

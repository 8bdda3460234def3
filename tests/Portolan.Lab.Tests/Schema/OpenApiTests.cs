using System.Text.Json;
using System.Text.Json.Nodes;
using Portolan.Lab.ApiServer.Schema;

namespace Portolan.Lab.Tests.Schema;

public sealed class OpenApiTests
{
    public static TheoryData<string> Groups => [.. BuiltInKinds.All.Select(kind => kind.Group).Distinct()];

    [Theory]
    [MemberData(nameof(Groups))]
    public void EveryReferenceLeadsSomewhere(string group)
    {
        var document = Document(group);
        var schemas = document["components"]!["schemas"]!.AsObject();
        foreach (var reference in References(document))
            Assert.True(schemas.ContainsKey(reference["#/components/schemas/".Length..]), reference);
    }

    [Theory]
    [MemberData(nameof(Groups))]
    public void EveryKindCanBePatchedWithFieldValidation(string group)
    {
        var paths = Document(group)["paths"]!.AsObject();
        foreach (var kind in BuiltInKinds.All.Where(kind => kind.Group == group))
        {
            var patch = paths.Select(path => path.Value!["patch"]).First(operation => (string?)operation?["x-kubernetes-group-version-kind"]!["kind"] == kind.Kind)!;
            var parameters = patch["parameters"]!.AsArray().Select(parameter => (string?)parameter!["name"]);
            Assert.Superset(new HashSet<string?> { "fieldValidation", "dryRun", "fieldManager" }, parameters.ToHashSet());
        }
    }

    [Fact]
    public void SaysHowListsAreMerged()
    {
        var ports = Document("")["components"]!["schemas"]!["io.k8s.api.core.v1.ServiceSpec"]!["properties"]!["ports"]!;
        Assert.Equal(
            """{"type":"array","items":{"$ref":"#/components/schemas/io.k8s.api.core.v1.ServicePort"},"x-kubernetes-list-type":"map","x-kubernetes-list-map-keys":["port","protocol"],"x-kubernetes-patch-strategy":"merge","x-kubernetes-patch-merge-key":"port"}""",
            ports.ToJsonString());
    }

    [Fact]
    public void EveryKindsListKeysAreFieldsOfItsElements()
    {
        foreach (var field in TypeLibrary.Instance.All.SelectMany(type => type.Fields))
        {
            foreach (var key in field.ListKeys.Concat(field.MergeKey is { } merge ? [merge] : []))
                Assert.True(field.Type.Object.Find(key) is not null, $"{field.Name}: {key}");
        }
    }

    private static JsonObject Document(string group) =>
        JsonSerializer.Deserialize<JsonObject>(new SchemaCatalogue().OpenApiV3(group, "v1", [.. BuiltInKinds.All.Where(kind => kind.Group == group)]))!;

    private static IEnumerable<string> References(JsonNode? node) => node switch
    {
        JsonObject body => body.SelectMany(member => member is { Key: "$ref", Value: JsonValue value } ? [value.GetValue<string>()] : References(member.Value)),
        JsonArray list => list.SelectMany(References),
        _ => [],
    };
}

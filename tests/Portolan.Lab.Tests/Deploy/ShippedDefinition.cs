using System.Text.Json.Nodes;
using Portolan.Lab.ApiServer.Http;
using Portolan.Lab.ApiServer.Schema;

namespace Portolan.Lab.Tests.Deploy;

/// <summary>A CustomResourceDefinition of <c>deploy/crds</c>, as it is applied.</summary>
internal sealed record ShippedDefinition(string File, JsonObject Json)
{
    public static IReadOnlyList<ShippedDefinition> All { get; } = Read();

    public JsonObject Spec => (JsonObject)Json["spec"]!;

    public IEnumerable<JsonObject> Versions => ((JsonArray)Spec["versions"]!).Select(version => (JsonObject)version!);

    public static JsonObject Schema(JsonObject version) => (JsonObject)version["schema"]!["openAPIV3Schema"]!;

    /// <summary>The kind that an API server makes of it, ready to judge objects.</summary>
    public static KindSchema Kind(string kind, string version) =>
        new SchemaCatalogue().Compile(All.Single(definition => (string?)definition.Spec["names"]!["kind"] == kind).Json).Single(made => made.Version == version);

    /// <summary>Every schema inside a schema, itself first, with its path.</summary>
    public static IEnumerable<(string Path, JsonObject Schema)> Walk(JsonObject schema, string path)
    {
        yield return (path, schema);
        foreach (var (name, child) in schema["properties"] as JsonObject ?? [])
            foreach (var inner in Walk((JsonObject)child!, $"{path}.{name}"))
                yield return inner;
        foreach (var name in (string[])["items", "additionalProperties"])
        {
            if (schema[name] is JsonObject child)
            {
                foreach (var inner in Walk(child, $"{path}[{(name == "items" ? "" : "*")}]"))
                    yield return inner;
            }
        }
    }

    /// <summary>The rules of a schema, each with the path of the schema that has it.</summary>
    public static IEnumerable<(string Path, JsonObject Rule)> Rules(JsonObject schema, string path) =>
        Walk(schema, path).SelectMany(part => (part.Schema["x-kubernetes-validations"] as JsonArray ?? []).Select(rule => (part.Path, (JsonObject)rule!)));

    private static List<ShippedDefinition> Read()
    {
        var root = AppContext.BaseDirectory;
        while (!Directory.Exists(Path.Combine(root, "deploy", "crds")))
            root = Path.GetDirectoryName(root) ?? throw new DirectoryNotFoundException("deploy/crds");
        return
        [
            .. Directory.GetFiles(Path.Combine(root, "deploy", "crds"), "*.yaml").Order(StringComparer.Ordinal)
                .Select(file => new ShippedDefinition(Path.GetFileName(file), BodyReader.ParseYaml(System.IO.File.ReadAllBytes(file)).Object)),
        ];
    }
}

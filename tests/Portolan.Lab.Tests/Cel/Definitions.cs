using Portolan.Lab.ApiServer.Schema;
using Portolan.Lab.Tests.Schema;

namespace Portolan.Lab.Tests.Cel;

/// <summary>Definitions around a schema: what is said against them, and the kind they make.</summary>
internal static class Definitions
{
    private static readonly KindSchema _definitions = Kinds.Get("CustomResourceDefinition", "apiextensions.k8s.io");

    public static string Text(string schema) => $$$"""
        {"apiVersion":"apiextensions.k8s.io/v1","kind":"CustomResourceDefinition","metadata":{"name":"things.example.io"},
         "spec":{"group":"example.io","scope":"Namespaced","names":{"plural":"things","singular":"thing","kind":"Thing","listKind":"ThingList"},
          "versions":[{"name":"v1","served":true,"storage":true,"subresources":{"status":{}},"schema":{"openAPIV3Schema":{{{schema}}}}}]}}
        """;

    /// <summary>A schema whose spec is the given one.</summary>
    public static string Spec(string spec) => $$"""{"type":"object","properties":{"status":{"type":"object","x-kubernetes-preserve-unknown-fields":true},"spec":{{spec}} } }""";

    /// <summary>What a user reads when creating the definition, the schema's own path left out.</summary>
    public static string[] Problems(string schema) =>
        [.. Kinds.Errors(_definitions, Text(schema)).Select(problem => problem.Replace("spec.versions[0].schema.openAPIV3Schema", "", StringComparison.Ordinal))];

    public static KindSchema Make(string schema)
    {
        Assert.Empty(Problems(schema));
        return new SchemaCatalogue().Compile(Kinds.Json(Text(schema))).Single();
    }

    public static string[] Create(KindSchema kind, string spec) => Kinds.Errors(kind, Whole(spec));

    public static string[] Change(KindSchema kind, string before, string after) => Kinds.ChangeErrors(kind, Kinds.Json(Whole(after)), Kinds.Json(Whole(before)));

    private static string Whole(string spec) => $$"""{"apiVersion":"example.io/v1","kind":"Thing","metadata":{"name":"a","namespace":"b"},"spec":{{spec}}}""";
}

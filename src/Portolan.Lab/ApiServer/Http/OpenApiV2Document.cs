using System.Text.Json;
using Portolan.Lab.ApiServer.Schema;

namespace Portolan.Lab.ApiServer.Http;

/// <summary>
/// The OpenAPI v2 document in its protobuf form (gnostic's <c>openapi.v2.Document</c>), made from the OpenAPI v3 documents. kubectl before 1.27 knows no other: it validates
/// fields by it, explains by it, and merges lists by it; until 1.28 it reads from it whether the server validates fields itself (a query parameter of PATCH).
/// </summary>
internal static class OpenApiV2Document
{
    /// <summary>What clients ask for; with its @ it is no media type, and so the answer's is spelt otherwise.</summary>
    public const string Accepted = "application/com.github.proto-openapi.spec.v2@v1.0+protobuf";

    public const string ContentType = "application/com.github.proto-openapi.spec.v2.v1.0+protobuf";

    // A definition's schema nests as deep as its author liked; what is stored has been parsed before with a smaller bound.
    private static readonly JsonDocumentOptions _deep = new() { MaxDepth = 1000 };

    /// <param name="kinds">Those whose paths are told.</param>
    /// <param name="documents">OpenAPI v3 documents; a schema that is in several is taken once.</param>
    public static byte[] Write(IEnumerable<KindSchema> kinds, IEnumerable<byte[]> documents)
    {
        var definitions = new MemoryStream();
        var seen = new HashSet<string>(StringComparer.Ordinal);
        foreach (var bytes in documents)
        {
            using var document = JsonDocument.Parse(bytes, _deep);
            foreach (var schema in document.RootElement.GetProperty("components").GetProperty("schemas").EnumerateObject())
                if (seen.Add(schema.Name))
                    definitions.Write(GnosticSchema.WriteNamed(1, schema));
        }

        return
        [
            .. Gnostic.Field(1, "2.0"),
            .. Gnostic.Field(2, [.. Gnostic.Field(1, "Kubernetes"), .. Gnostic.Field(2, "v1.33.0")]),
            .. Gnostic.Field(8, Paths(kinds)),
            .. Gnostic.Field(9, definitions.ToArray()),
        ];
    }

    private static byte[] Paths(IEnumerable<KindSchema> kinds)
    {
        var parameters = (byte[])[.. Gnostic.Field(8, QueryParameter("dryRun")), .. Gnostic.Field(8, QueryParameter("fieldManager")), .. Gnostic.Field(8, QueryParameter("fieldValidation"))];
        var paths = new MemoryStream();
        foreach (var kind in kinds)
        {
            var patch = (byte[])[.. parameters, .. Gnostic.Field(13, Gnostic.Extension("x-kubernetes-group-version-kind", $"group: \"{kind.Group}\"\nkind: {kind.Kind}\nversion: {kind.Version}\n"))];
            paths.Write(Gnostic.Field(2, [.. Gnostic.Field(1, Path(kind)), .. Gnostic.Field(2, Gnostic.Field(8, patch))]));
        }

        return paths.ToArray();
    }

    private static string Path(KindSchema kind)
    {
        var root = kind.Group.Length == 0 ? $"/api/{kind.Version}" : $"/apis/{kind.Group}/{kind.Version}";
        return $"{root}/{(kind.Namespaced ? "namespaces/{namespace}/" : "")}{kind.Plural}/{{name}}";
    }

    // ParametersItem { Parameter { NonBodyParameter { QueryParameterSubSchema } } }
    private static byte[] QueryParameter(string name) => Gnostic.Field(1, Gnostic.Field(2, Gnostic.Field(3, [.. Gnostic.Field(2, "query"), .. Gnostic.Field(4, name), .. Gnostic.Field(6, "string")])));
}

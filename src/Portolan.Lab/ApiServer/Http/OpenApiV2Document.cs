using System.Text;
using Portolan.Lab.ApiServer.Schema;

namespace Portolan.Lab.ApiServer.Http;

/// <summary>
/// The OpenAPI v2 document in its protobuf form (gnostic's <c>openapi.v2.Document</c>). kubectl before 1.29 reads it before it creates anything, to see
/// whether the server validates fields itself; so it holds what that question needs: for each kind its PATCH with the query parameters.
/// </summary>
internal static class OpenApiV2Document
{
    /// <summary>What clients ask for; with its @ it is no media type, and so the answer's is spelt otherwise.</summary>
    public const string Accepted = "application/com.github.proto-openapi.spec.v2@v1.0+protobuf";

    public const string ContentType = "application/com.github.proto-openapi.spec.v2.v1.0+protobuf";

    public static byte[] Write(IEnumerable<KindSchema> kinds)
    {
        var parameters = (byte[])[.. Field(8, QueryParameter("dryRun")), .. Field(8, QueryParameter("fieldManager")), .. Field(8, QueryParameter("fieldValidation"))];
        var paths = new MemoryStream();
        foreach (var kind in kinds)
        {
            var extension = (byte[])[.. Field(1, "x-kubernetes-group-version-kind"), .. Field(2, Field(2, $"group: \"{kind.Group}\"\nkind: {kind.Kind}\nversion: {kind.Version}\n"))];
            var patch = (byte[])[.. parameters, .. Field(13, extension)];
            paths.Write(Field(2, [.. Field(1, Path(kind)), .. Field(2, Field(8, patch))]));
        }

        return
        [
            .. Field(1, "2.0"),
            .. Field(2, [.. Field(1, "Kubernetes"), .. Field(2, "v1.33.0")]),
            .. Field(8, paths.ToArray()),
            .. Field(9, []),
        ];
    }

    private static string Path(KindSchema kind)
    {
        var root = kind.Group.Length == 0 ? $"/api/{kind.Version}" : $"/apis/{kind.Group}/{kind.Version}";
        return $"{root}/{(kind.Namespaced ? "namespaces/{namespace}/" : "")}{kind.Plural}/{{name}}";
    }

    // ParametersItem { Parameter { NonBodyParameter { QueryParameterSubSchema } } }
    private static byte[] QueryParameter(string name) => Field(1, Field(2, Field(3, [.. Field(2, "query"), .. Field(4, name), .. Field(6, "string")])));

    private static byte[] Field(int number, string text) => Field(number, Encoding.UTF8.GetBytes(text));

    /// <summary>A length-delimited field: its tag, its length, its bytes.</summary>
    private static byte[] Field(int number, byte[] value) => [.. Varint(((uint)number << 3) | 2), .. Varint((uint)value.Length), .. value];

    private static byte[] Varint(uint value)
    {
        var bytes = new List<byte>(5);
        for (; value >= 0x80; value >>= 7) bytes.Add((byte)(value | 0x80));
        bytes.Add((byte)value);
        return [.. bytes];
    }
}

using System.Security.Cryptography;
using System.Text.Json.Nodes;
using Portolan.Lab.ApiServer.Resources;
using Portolan.Lab.ApiServer.Schema;

namespace Portolan.Lab.ApiServer.Http;

/// <summary>A document that stays the same until what is served changes, and the hash that says so.</summary>
internal sealed record HashedDocument(byte[] Body, string Hash)
{
    public static HashedDocument Of(byte[] body) => new(body, Convert.ToHexString(SHA256.HashData(body)));
}

/// <summary>OpenAPI v3, an index and one document per group and version, and v2, all in one: made when first asked for and again when what is served changes.</summary>
internal sealed class OpenApiDocuments(ISchemaCatalogue catalogue, Discovery discovery, KindRegistry kinds)
{
    private readonly Lock _lock = new();
    private readonly Dictionary<string, HashedDocument> _documents = new(StringComparer.Ordinal);
    private int _generation;

    public HashedDocument Index()
    {
        var paths = new JsonObject();
        foreach (var (group, version) in discovery.GroupVersions())
        {
            var path = Path(group, version);
            paths[path] = new JsonObject { ["serverRelativeURL"] = $"/openapi/v3/{path}?hash={Document(path, group, version).Hash}" };
        }

        return HashedDocument.Of(JsonText.ToBytes(new JsonObject { ["paths"] = paths }));
    }

    /// <param name="path"><c>api/v1</c> or <c>apis/apps/v1</c>.</param>
    public HashedDocument? Document(string path)
    {
        foreach (var (group, version) in discovery.GroupVersions())
            if (Path(group, version) == path)
                return Document(path, group, version);
        return null;
    }

    /// <summary>All in one, in the older form.</summary>
    public HashedDocument V2() => Made("v2", () => OpenApiV2Document.Write(
        kinds.All.SelectMany(r => r.Versions), discovery.GroupVersions().Select(gv => catalogue.OpenApiV3(gv.Group, gv.Version, discovery.KindsOf(gv.Group, gv.Version)))));

    private static string Path(string group, string version) => group.Length == 0 ? $"api/{version}" : $"apis/{group}/{version}";

    private HashedDocument Document(string path, string group, string version) => Made(path, () => catalogue.OpenApiV3(group, version, discovery.KindsOf(group, version)));

    private HashedDocument Made(string name, Func<byte[]> make)
    {
        lock (_lock)
        {
            if (_generation != kinds.Generation)
            {
                _documents.Clear();
                _generation = kinds.Generation;
            }

            if (!_documents.TryGetValue(name, out var document)) _documents[name] = document = HashedDocument.Of(make());
            return document;
        }
    }
}

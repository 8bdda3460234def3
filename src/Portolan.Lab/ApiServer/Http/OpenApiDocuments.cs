using System.Security.Cryptography;
using System.Text.Json.Nodes;
using Portolan.Lab.ApiServer.Resources;
using Portolan.Lab.ApiServer.Schema;

namespace Portolan.Lab.ApiServer.Http;

/// <summary>OpenAPI v3: an index, and one document per group and version, made when first asked for and again when what is served changes.</summary>
internal sealed class OpenApiDocuments(ISchemaCatalogue catalogue, Discovery discovery, KindRegistry kinds)
{
    private readonly Lock _lock = new();
    private readonly Dictionary<string, (byte[] Body, string Hash)> _documents = new(StringComparer.Ordinal);
    private int _generation;
    private volatile MadeV2? _v2;

    private sealed record MadeV2(byte[] Body, int Generation);

    public byte[] Index()
    {
        var paths = new JsonObject();
        foreach (var (group, version) in discovery.GroupVersions())
        {
            var path = Path(group, version);
            paths[path] = new JsonObject { ["serverRelativeURL"] = $"/openapi/v3/{path}?hash={Make(path, group, version).Hash}" };
        }

        return JsonText.ToBytes(new JsonObject { ["paths"] = paths });
    }

    /// <param name="path"><c>api/v1</c> or <c>apis/apps/v1</c>.</param>
    public byte[]? Document(string path)
    {
        foreach (var (group, version) in discovery.GroupVersions())
            if (Path(group, version) == path)
                return Make(path, group, version).Body;
        return null;
    }

    /// <summary>All in one, in the older form.</summary>
    public byte[] V2()
    {
        var generation = kinds.Generation;
        if (_v2 is not { } made || made.Generation != generation)
            _v2 = made = new(OpenApiV2Document.Write(kinds.All.SelectMany(r => r.Versions)), generation);
        return made.Body;
    }

    private static string Path(string group, string version) => group.Length == 0 ? $"api/{version}" : $"apis/{group}/{version}";

    private (byte[] Body, string Hash) Make(string path, string group, string version)
    {
        lock (_lock)
        {
            if (_generation != kinds.Generation)
            {
                _documents.Clear();
                _generation = kinds.Generation;
            }

            if (_documents.TryGetValue(path, out var document)) return document;
            var body = catalogue.OpenApiV3(group, version, discovery.KindsOf(group, version));
            return _documents[path] = (body, Convert.ToHexString(SHA256.HashData(body)));
        }
    }
}

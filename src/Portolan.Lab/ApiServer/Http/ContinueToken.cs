using System.Buffers.Text;
using System.Text;
using System.Text.Json.Nodes;
using Portolan.Core.Cluster;
using Portolan.Lab.ApiServer.Resources;

namespace Portolan.Lab.ApiServer.Http;

/// <summary>Where the next page of a list begins, in the form of a real server's token: it holds all that is needed, so it survives a restart.</summary>
/// <param name="Revision">The moment all pages show; <see cref="Inconsistent"/> for whatever is there when the page is asked for.</param>
/// <param name="Start">The first key that may be on the page.</param>
internal readonly record struct ContinueToken(long Revision, ObjectKey Start)
{
    public const long Inconsistent = -1;

    /// <summary>Where to go on after an object: the least key greater than its own.</summary>
    public static ContinueToken After(ObjectKey key, long revision) => new(revision, key with { Name = key.Name + "\0" });

    /// <exception cref="ApiException">400: not a token.</exception>
    public static ContinueToken Parse(string text)
    {
        JsonObject? token = null;
        try
        {
            token = BodyReader.ParseJson(Base64Url.DecodeFromChars(text)).Root as JsonObject;
        }
        catch (Exception e) when (e is FormatException or ApiException)
        {
            // Told below, as any other wrong token.
        }

        if (token.Text("v") != "meta.k8s.io/v1" || token.Whole("rv") is not (> 0 or Inconsistent) || token.Text("start") is not { Length: > 0 } start)
            throw ApiErrors.BadRequest("invalid continue token: continue key is not valid");
        var slash = start.IndexOf('/');
        return new(token.Whole("rv")!.Value, slash < 0 ? new("", start) : new(start[..slash], start[(slash + 1)..]));
    }

    public override string ToString() => Base64Url.EncodeToString(Encoding.UTF8.GetBytes(
        new JsonObject { ["v"] = "meta.k8s.io/v1", ["rv"] = Revision, ["start"] = Start.ToString() }.ToJsonString()));
}

using System.Text.Json.Nodes;
using Portolan.Lab.ApiServer.Http;
using Portolan.Lab.ApiServer.Resources;
using Portolan.Lab.ApiServer.Schema;
using Portolan.Lab.ApiServer.Storage;
using Portolan.Lab.ApiServer.Validation;
using Portolan.Lab.ApiServer.Webhooks;

namespace Portolan.Lab.ApiServer.Conversion;

/// <summary>
/// Turns objects of a custom kind from one of its versions into another: by their apiVersion alone (strategy None), or by asking the definition's
/// webhook, whose answer may change everything but what the object is. What is in the version asked for already is not sent.
/// </summary>
internal sealed class VersionConversion(WebhookClient client)
{
    private static readonly TimeSpan Timeout = TimeSpan.FromSeconds(30);

    // Beyond this many objects, or bytes of them, a list is sent in several calls.
    private const int MaxObjects = 500;
    private const int MaxBytes = 4 * 1024 * 1024;

    /// <returns>The object in version <paramref name="to"/>: itself when it is in it already, else a new one.</returns>
    /// <exception cref="ApiException">The webhook cannot be asked, or does not do what it should.</exception>
    public async ValueTask<JsonObject> ConvertAsync(ServedResource resource, JsonObject obj, KindSchema to, CancellationToken cancellation)
    {
        if (obj.Text("apiVersion") == to.ApiVersion) return obj;
        if (resource.Converter is { } webhook) return (await AskAsync(webhook, [obj], to, cancellation))[0];
        var converted = (JsonObject)obj.DeepClone();
        converted["apiVersion"] = to.ApiVersion;
        return converted;
    }

    /// <summary>Stored objects for a reader who speaks the target's version. Without a webhook nothing is done here: replies put the apiVersion in front.</summary>
    /// <exception cref="ApiException">The webhook cannot be asked, or does not do what it should.</exception>
    public async ValueTask<IEnumerable<StoredObject>> ReadAsync(Target target, IEnumerable<StoredObject> objects, CancellationToken cancellation) =>
        target.Resource.Converter is { } webhook ? await ReadAsync(webhook, target.Kind, [.. objects], cancellation) : objects;

    /// <summary>The same for one object.</summary>
    public async ValueTask<StoredObject> ReadAsync(Target target, StoredObject obj, CancellationToken cancellation) =>
        target.Resource.Converter is { } webhook ? (await ReadAsync(webhook, target.Kind, [obj], cancellation))[0] : obj;

    private async Task<StoredObject[]> ReadAsync(WebhookAddress webhook, KindSchema to, StoredObject[] result, CancellationToken cancellation)
    {
        var places = new List<int>();
        var bytes = 0;
        for (var i = 0; i < result.Length; i++)
        {
            if (!StoredForm.IsIn(result[i], to))
            {
                places.Add(i);
                bytes += result[i].Json.Length;
            }

            if (places.Count == 0 || (i < result.Length - 1 && places.Count < MaxObjects && bytes < MaxBytes)) continue;
            var converted = await AskAsync(webhook, [.. places.Select(p => StoredForm.Parse(result[p]))], to, cancellation);
            for (var n = 0; n < places.Count; n++)
            {
                var stored = result[places[n]];
                result[places[n]] = ObjectWriter.Write(converted[n]).WithRevision(stored.Resource, stored.Key, stored.Revision);
            }

            places.Clear();
            bytes = 0;
        }

        return result;
    }

    private async Task<JsonObject[]> AskAsync(WebhookAddress webhook, JsonObject[] objects, KindSchema to, CancellationToken cancellation)
    {
        var uid = Guid.NewGuid().ToString();
        var what = $"{objects[0].Str("apiVersion")}, Kind={objects[0].Str("kind")}";
        JsonArray answer;
        try
        {
            answer = ConversionReview.Read(await client.PostAsync(webhook, ConversionReview.Write(objects, to.ApiVersion, uid), Timeout, cancellation), uid);
        }
        catch (WebhookUnreachableException e)
        {
            throw Failed($"conversion webhook for {what} failed: {e.Message}");
        }

        if (answer.Count != objects.Length) throw Failed($"conversion webhook for {what} returned {answer.Count} objects, expected {objects.Length}");
        var converted = new JsonObject[objects.Length];
        for (var i = 0; i < converted.Length; i++)
            converted[i] = ConvertedObject.TryTake(objects[i], answer[i], to, out var problem) ?? throw Failed($"conversion webhook for {what} returned invalid converted object at index {i}: {problem}");
        return converted;
    }

    private static ApiException Failed(string message) => new(500, "", message);
}

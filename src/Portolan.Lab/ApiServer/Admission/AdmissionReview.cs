using System.Buffers;
using System.Text.Json;
using System.Text.Json.Nodes;
using Portolan.Lab.ApiServer.Http;
using Portolan.Lab.ApiServer.Schema;
using Portolan.Lab.ApiServer.Storage;
using Portolan.Lab.ApiServer.Validation;
using Portolan.Lab.ApiServer.Webhooks;

namespace Portolan.Lab.ApiServer.Admission;

/// <summary>What a webhook says to a request.</summary>
/// <param name="Allowed">Whether it lets it pass.</param>
/// <param name="Status">Why not, as a <c>Status</c>; may be missing.</param>
/// <param name="Patch">A JSON patch (RFC 6902) of the object; null for none.</param>
/// <param name="Warnings">For the client, whatever is decided.</param>
internal sealed record AdmissionVerdict(bool Allowed, JsonObject? Status, JsonArray? Patch, IReadOnlyList<string> Warnings);

/// <summary>The <c>AdmissionReview</c> of admission.k8s.io/v1 on the wire.</summary>
internal static class AdmissionReview
{
    public const string ApiVersion = "admission.k8s.io/v1";

    /// <param name="request">What is asked for.</param>
    /// <param name="uid">Names this call; the answer repeats it.</param>
    /// <param name="seen">The version that the objects are in.</param>
    /// <param name="obj">The object in that version.</param>
    /// <param name="old">The old object in that version.</param>
    public static byte[] Write(AdmissionRequest request, string uid, KindSchema seen, JsonObject? obj, JsonObject? old)
    {
        var buffer = new ArrayBufferWriter<byte>(4096);
        using var json = new Utf8JsonWriter(buffer, ObjectWriter.Options);
        var kind = request.Target.Kind;
        var subresource = request.Target.Subresource;
        json.WriteStartObject();
        json.WriteString("kind"u8, "AdmissionReview"u8);
        json.WriteString("apiVersion"u8, ApiVersion);
        json.WriteStartObject("request"u8);
        json.WriteString("uid"u8, uid);
        WriteKind(json, "kind", request.BodyKind ?? (seen.Group, seen.Version, seen.Kind));
        WriteResource(json, "resource", seen);
        if (subresource is not null) json.WriteString("subResource"u8, subresource);
        WriteKind(json, "requestKind", request.BodyKind ?? (kind.Group, kind.Version, kind.Kind));
        WriteResource(json, "requestResource", kind);
        if (subresource is not null) json.WriteString("requestSubResource"u8, subresource);
        if (request.Name.Length > 0) json.WriteString("name"u8, request.Name);
        if (request.Namespace.Length > 0) json.WriteString("namespace"u8, request.Namespace);
        json.WriteString("operation"u8, request.Operation switch
        {
            AdmissionOperation.Create => "CREATE", AdmissionOperation.Update => "UPDATE", AdmissionOperation.Delete => "DELETE", _ => "CONNECT",
        });
        WriteUser(json, request);
        WriteNode(json, "object", obj);
        WriteNode(json, "oldObject", old);
        json.WriteBoolean("dryRun"u8, request.DryRun);
        WriteNode(json, "options", request.Options);
        json.WriteEndObject();
        json.WriteEndObject();
        json.Flush();
        return buffer.WrittenSpan.ToArray();
    }

    /// <exception cref="WebhookUnreachableException">The answer is not one to this call.</exception>
    public static AdmissionVerdict Read(byte[] answer, string uid)
    {
        JsonObject review;
        try
        {
            review = BodyReader.ParseJson(answer).Object;
        }
        catch (ApiException e)
        {
            throw Invalid(e.Message);
        }

        if (review.Str("apiVersion") != ApiVersion || review.Str("kind") != "AdmissionReview")
            throw Invalid($"expected webhook response of {ApiVersion}, Kind=AdmissionReview, got {review.Str("apiVersion")}, Kind={review.Str("kind")}");
        var response = review.Obj("response") ?? throw Invalid("webhook response was absent");
        if (response.Str("uid") != uid) throw Invalid($"expected response.uid=\"{uid}\", got \"{response.Str("uid")}\"");
        if (response["allowed"] is not null && ObjectReading.Flag(response, "allowed") is null) throw Invalid("response.allowed is not a boolean");
        return new(ObjectReading.Flag(response, "allowed") == true, response.Obj("status"), Patch(response), [.. response.Strings("warnings", "").Select(w => w.Item)]);
    }

    private static JsonArray? Patch(JsonObject response)
    {
        var (patch, type) = (response.Str("patch"), response.Str("patchType"));
        if (patch.Length == 0) return type.Length == 0 ? null : throw Invalid("webhook returned response.patchType but not response.patch");
        if (type.Length == 0) throw Invalid("webhook returned response.patch but not response.patchType");
        if (type != "JSONPatch") throw Invalid($"webhook returned invalid response.patchType of \"{type}\"");
        try
        {
            return BodyReader.ParseJson(Convert.FromBase64String(patch)).Root as JsonArray ?? throw Invalid("the patch is not an array of operations");
        }
        catch (Exception e) when (e is FormatException or ApiException)
        {
            throw Invalid($"the patch cannot be read: {e.Message}");
        }
    }

    private static WebhookUnreachableException Invalid(string why) => new($"received invalid webhook response: {why}");

    private static void WriteUser(Utf8JsonWriter json, AdmissionRequest request)
    {
        var who = request.Caller.Identity;
        json.WriteStartObject("userInfo"u8);
        json.WriteString("username"u8, who.User);
        if (who.Uid is not null) json.WriteString("uid"u8, who.Uid);
        json.WriteStartArray("groups"u8);
        foreach (var group in who.Groups) json.WriteStringValue(group);
        json.WriteEndArray();
        if (who.Extra.Count > 0)
        {
            json.WriteStartObject("extra"u8);
            foreach (var (name, values) in who.Extra)
            {
                json.WriteStartArray(name);
                foreach (var value in values) json.WriteStringValue(value);
                json.WriteEndArray();
            }

            json.WriteEndObject();
        }

        json.WriteEndObject();
    }

    private static void WriteKind(Utf8JsonWriter json, string name, (string Group, string Version, string Kind) kind)
    {
        json.WriteStartObject(name);
        json.WriteString("group"u8, kind.Group);
        json.WriteString("version"u8, kind.Version);
        json.WriteString("kind"u8, kind.Kind);
        json.WriteEndObject();
    }

    private static void WriteResource(Utf8JsonWriter json, string name, KindSchema kind)
    {
        json.WriteStartObject(name);
        json.WriteString("group"u8, kind.Group);
        json.WriteString("version"u8, kind.Version);
        json.WriteString("resource"u8, kind.Plural);
        json.WriteEndObject();
    }

    private static void WriteNode(Utf8JsonWriter json, string name, JsonNode? node)
    {
        json.WritePropertyName(name);
        if (node is null) json.WriteNullValue();
        else node.WriteTo(json);
    }
}

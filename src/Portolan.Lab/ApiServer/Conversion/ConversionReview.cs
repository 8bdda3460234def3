using System.Buffers;
using System.Text.Json;
using System.Text.Json.Nodes;
using Portolan.Lab.ApiServer.Http;
using Portolan.Lab.ApiServer.Storage;
using Portolan.Lab.ApiServer.Validation;
using Portolan.Lab.ApiServer.Webhooks;

namespace Portolan.Lab.ApiServer.Conversion;

/// <summary>The <c>ConversionReview</c> of apiextensions.k8s.io/v1 on the wire.</summary>
internal static class ConversionReview
{
    private const string ApiVersion = "apiextensions.k8s.io/v1";

    public static byte[] Write(IReadOnlyList<JsonObject> objects, string desiredApiVersion, string uid)
    {
        var buffer = new ArrayBufferWriter<byte>(4096);
        using var json = new Utf8JsonWriter(buffer, ObjectWriter.Options);
        json.WriteStartObject();
        json.WriteString("kind"u8, "ConversionReview"u8);
        json.WriteString("apiVersion"u8, ApiVersion);
        json.WriteStartObject("request"u8);
        json.WriteString("uid"u8, uid);
        json.WriteString("desiredAPIVersion"u8, desiredApiVersion);
        json.WriteStartArray("objects"u8);
        foreach (var obj in objects) obj.WriteTo(json);
        json.WriteEndArray();
        json.WriteEndObject();
        json.WriteEndObject();
        json.Flush();
        return buffer.WrittenSpan.ToArray();
    }

    /// <returns>The objects as the webhook gave them, unchecked.</returns>
    /// <exception cref="WebhookUnreachableException">The answer is not one to this call, or says that the conversion failed.</exception>
    public static JsonArray Read(byte[] answer, string uid)
    {
        JsonObject review;
        try
        {
            review = BodyReader.ParseJson(answer).Object;
        }
        catch (ApiException e)
        {
            throw new WebhookUnreachableException(e.Message);
        }

        if (review.Str("apiVersion") != ApiVersion || review.Str("kind") != "ConversionReview")
            throw new WebhookUnreachableException($"expected webhook response of {ApiVersion}, Kind=ConversionReview, got {review.Str("apiVersion")}, Kind={review.Str("kind")}");
        var response = review.Obj("response") ?? throw new WebhookUnreachableException("no response provided");
        if (response.Str("uid") != uid) throw new WebhookUnreachableException($"expected response.uid=\"{uid}\", got \"{response.Str("uid")}\"");
        var result = response.Obj("result");
        if (result.Str("status") != "Success")
            throw new WebhookUnreachableException(result.Str("message") is { Length: > 0 } why ? why : $"response.result.status was '{result.Str("status")}', not 'Success'");
        return response.List("convertedObjects") ?? [];
    }
}

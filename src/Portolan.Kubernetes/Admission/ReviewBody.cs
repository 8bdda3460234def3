using System.Diagnostics.CodeAnalysis;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace Portolan.Kubernetes.Admission;

/// <summary>The outer form that every review has. Whatever arrives is read without an exception, and not deeper than objects go.</summary>
internal static class ReviewBody
{
    private static readonly JsonDocumentOptions _options = new() { MaxDepth = 128, AllowDuplicateProperties = false };

    /// <param name="body">UTF-8 as it came from the network.</param>
    /// <param name="apiVersion">The version that is spoken.</param>
    /// <param name="kind">The review's kind.</param>
    /// <param name="request">The review's <c>request</c>.</param>
    /// <param name="uid">Its <c>uid</c>, which the answer repeats.</param>
    /// <param name="problem">What is wrong with the body, for whoever sent it.</param>
    public static bool TryRead(ReadOnlySpan<byte> body, string apiVersion, string kind, [NotNullWhen(true)] out JsonObject? request, out string uid, out string problem)
    {
        (request, uid, problem) = (null, "", "");
        JsonObject? review;
        try
        {
            review = JsonNode.Parse(body, null, _options) as JsonObject;
        }
        catch (JsonException e)
        {
            problem = $"not JSON: {e.Message}";
            return false;
        }

        if (Text(review, "apiVersion") != apiVersion || Text(review, "kind") != kind)
            problem = $"expected {apiVersion} {kind}";
        else if (review?["request"] is not JsonObject found)
            problem = "request is missing";
        else if ((uid = Text(found, "uid")).Length is 0 or > 256)
            problem = "request.uid is missing";
        else
            request = found;
        return request is not null;
    }

    /// <summary>A member's text; empty when it is missing or something else.</summary>
    public static string Text(JsonObject? parent, string name) => parent?[name] is JsonValue value && value.TryGetValue<string>(out var text) ? text : "";

    /// <summary>An answer: <c>response</c> is written between the review's own members and its end.</summary>
    public static byte[] Write(string apiVersion, string kind, JsonObject response)
    {
        var buffer = new System.Buffers.ArrayBufferWriter<byte>(512);
        using (var json = new Utf8JsonWriter(buffer))
            new JsonObject { ["apiVersion"] = apiVersion, ["kind"] = kind, ["response"] = response }.WriteTo(json);
        return buffer.WrittenSpan.ToArray();
    }
}

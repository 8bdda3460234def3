using System.Diagnostics.CodeAnalysis;
using System.Text.Json.Nodes;

namespace Portolan.Kubernetes.Admission;

/// <summary>What an API server asks a conversion webhook (<c>apiextensions.k8s.io/v1 ConversionReview</c>).</summary>
public sealed record ConversionRequest
{
    private const string ApiVersion = "apiextensions.k8s.io/v1";
    private const string Kind = "ConversionReview";

    /// <summary>Repeated by the answer.</summary>
    public required string Uid { get; init; }

    /// <summary>Group and version that the objects are wanted in.</summary>
    public required string DesiredApiVersion { get; init; }

    /// <summary>The objects, in whatever version each is.</summary>
    public required IReadOnlyList<JsonObject> Objects { get; init; }

    /// <summary>Reads a review.</summary>
    /// <param name="body">UTF-8 as it came from the network.</param>
    /// <param name="request">The request.</param>
    /// <param name="problem">Why there is none.</param>
    public static bool TryParse(ReadOnlySpan<byte> body, [NotNullWhen(true)] out ConversionRequest? request, out string problem)
    {
        request = null;
        if (!ReviewBody.TryRead(body, ApiVersion, Kind, out var json, out var uid, out problem))
            return false;
        var objects = json["objects"] as JsonArray;
        if (ReviewBody.Text(json, "desiredAPIVersion") is not { Length: > 0 } desired)
            problem = "request.desiredAPIVersion is missing";
        else if (objects is null || objects.Any(item => item is not JsonObject))
            problem = "request.objects is not a list of objects";
        else
            request = new ConversionRequest { Uid = uid, DesiredApiVersion = desired, Objects = [.. objects.Cast<JsonObject>()] };
        return request is not null;
    }

    /// <summary>The review that answers this request: every object converted, or why one could not be (and then none is).</summary>
    /// <param name="convert">Converts one object into the wanted version; on failure gives null and says why.</param>
    public byte[] Answer(Func<JsonObject, string, (JsonObject? Converted, string Problem)> convert)
    {
        var converted = new JsonArray();
        foreach (var item in Objects)
        {
            var (made, problem) = convert(item, DesiredApiVersion);
            if (made is null)
            {
                return ReviewBody.Write(ApiVersion, Kind, new JsonObject
                {
                    ["uid"] = Uid,
                    ["result"] = new JsonObject { ["status"] = "Failure", ["message"] = problem },
                });
            }

            converted.Add((JsonNode)made);
        }

        return ReviewBody.Write(ApiVersion, Kind, new JsonObject { ["uid"] = Uid, ["result"] = new JsonObject { ["status"] = "Success" }, ["convertedObjects"] = converted });
    }
}

using System.Diagnostics.CodeAnalysis;
using System.Text.Json.Nodes;

namespace Portolan.Kubernetes.Admission;

/// <summary>What an API server asks an admission webhook (<c>admission.k8s.io/v1 AdmissionReview</c>), as far as it is of use here.</summary>
public sealed record AdmissionRequest
{
    private const string ApiVersion = "admission.k8s.io/v1";
    private const string Kind = "AdmissionReview";

    /// <summary>Repeated by the answer.</summary>
    public required string Uid { get; init; }

    /// <summary>The API group of the object.</summary>
    public required string Group { get; init; }

    /// <summary>The version that the object is shown in.</summary>
    public required string Version { get; init; }

    /// <summary>The plural, <c>ipaddresspools</c>.</summary>
    public required string Resource { get; init; }

    /// <summary>CREATE, UPDATE, DELETE or CONNECT.</summary>
    public required string Operation { get; init; }

    /// <summary>Of the object; empty for one of the cluster.</summary>
    public required string Namespace { get; init; }

    /// <summary>Of the object; empty where the server makes it.</summary>
    public required string Name { get; init; }

    /// <summary>The object as it is to be; null for a delete.</summary>
    public JsonObject? Object { get; init; }

    /// <summary>The object as it is; null for a create.</summary>
    public JsonObject? OldObject { get; init; }

    /// <summary>Reads a review.</summary>
    /// <param name="body">UTF-8 as it came from the network.</param>
    /// <param name="request">The request.</param>
    /// <param name="problem">Why there is none.</param>
    public static bool TryParse(ReadOnlySpan<byte> body, [NotNullWhen(true)] out AdmissionRequest? request, out string problem)
    {
        request = null;
        if (!ReviewBody.TryRead(body, ApiVersion, Kind, out var json, out var uid, out problem))
            return false;
        var resource = json["resource"] as JsonObject;
        request = new AdmissionRequest
        {
            Uid = uid,
            Group = ReviewBody.Text(resource, "group"),
            Version = ReviewBody.Text(resource, "version"),
            Resource = ReviewBody.Text(resource, "resource"),
            Operation = ReviewBody.Text(json, "operation"),
            Namespace = ReviewBody.Text(json, "namespace"),
            Name = ReviewBody.Text(json, "name"),
            Object = json["object"] as JsonObject,
            OldObject = json["oldObject"] as JsonObject,
        };
        if (request.Operation.Length == 0)
            problem = "request.operation is missing";
        else if (request.Resource.Length == 0)
            problem = "request.resource is missing";
        else if (request is { Operation: "CREATE" or "UPDATE", Object: null })
            problem = "request.object is missing";
        return problem.Length == 0;
    }

    /// <summary>The review that answers this request.</summary>
    public byte[] Answer(AdmissionVerdict verdict)
    {
        var response = new JsonObject { ["uid"] = Uid, ["allowed"] = verdict.Refusal is null };
        if (verdict.Refusal is { } refusal)
            response["status"] = new JsonObject { ["status"] = "Failure", ["reason"] = "Forbidden", ["code"] = 403, ["message"] = refusal };
        if (verdict.Warnings.Count > 0)
            response["warnings"] = new JsonArray([.. verdict.Warnings.Select(warning => (JsonNode?)JsonValue.Create(warning))]);
        return ReviewBody.Write(ApiVersion, Kind, response);
    }
}

/// <summary>What is said to whoever wants to write an object.</summary>
/// <param name="Refusal">Why it may not be written; null when it may.</param>
/// <param name="Warnings">What kubectl shows although it may.</param>
public readonly record struct AdmissionVerdict(string? Refusal, IReadOnlyList<string> Warnings)
{
    /// <summary>It may be written, and there is nothing to say.</summary>
    public static readonly AdmissionVerdict Allowed = new(null, []);

    /// <summary>It may not be written.</summary>
    public static AdmissionVerdict Refused(string why) => new(why, []);
}

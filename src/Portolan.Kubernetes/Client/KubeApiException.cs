using System.Net;

namespace Portolan.Kubernetes.Client;

/// <summary>The API server answered a request with a <c>Status</c> other than success.</summary>
/// <param name="statusCode">The HTTP status.</param>
/// <param name="reason">The machine-readable reason (<c>NotFound</c>, <c>Conflict</c>, …), or empty.</param>
/// <param name="message">The server's words.</param>
public sealed class KubeApiException(HttpStatusCode statusCode, string reason, string message) : Exception(message)
{
    /// <summary>The HTTP status.</summary>
    public HttpStatusCode StatusCode { get; } = statusCode;

    /// <summary>The machine-readable reason.</summary>
    public string Reason { get; } = reason;

    /// <summary>How long the server asked us to wait, if it did.</summary>
    public TimeSpan? RetryAfter { get; init; }

    /// <summary>There is no such object (or no such kind).</summary>
    public bool IsNotFound => StatusCode is HttpStatusCode.NotFound;

    /// <summary>Somebody else wrote first: read again and decide anew.</summary>
    public bool IsConflict => StatusCode is HttpStatusCode.Conflict && Reason != "AlreadyExists";

    /// <summary>An object of this name exists.</summary>
    public bool IsAlreadyExists => StatusCode is HttpStatusCode.Conflict && Reason == "AlreadyExists";

    /// <summary>The resource version is too old to list or watch from.</summary>
    public bool IsExpired => StatusCode is HttpStatusCode.Gone;
}

using System.Text.Json.Nodes;
using Portolan.Lab.ApiServer.Auth;
using Portolan.Lab.ApiServer.Schema;

namespace Portolan.Lab.ApiServer.Http;

/// <summary>A request that fails the way Kubernetes says so: with a <c>Status</c>.</summary>
internal sealed class ApiException(int code, string reason, string message) : Exception(message)
{
    public int Code { get; } = code;
    public string Reason { get; } = reason;
    public string? Name { get; init; }
    public string? Group { get; init; }

    /// <summary>The plural resource, or the Kind for Invalid, as real servers have it.</summary>
    public string? Kind { get; init; }

    public string? Uid { get; init; }
    public int? RetryAfterSeconds { get; init; }

    /// <summary>With which a list can go on, inconsistently.</summary>
    public string? Continue { get; init; }

    public IReadOnlyList<FieldError> Causes { get; init; } = [];

    /// <summary>A cause that is not a field's error, such as NamespaceTerminating.</summary>
    public (string Reason, string Message, string? Field)? OtherCause { get => OtherCauses.Count > 0 ? OtherCauses[0] : null; init => OtherCauses = value is { } cause ? [cause] : []; }

    /// <summary>Several such causes, as conflicts with field managers are.</summary>
    public IReadOnlyList<(string Reason, string Message, string? Field)> OtherCauses { get; init; } = [];

    /// <summary>The whole <c>details</c>, where somebody else has decided on them.</summary>
    public JsonObject? Details { get; init; }

    public JsonObject ToStatus()
    {
        var status = new JsonObject
        {
            ["kind"] = "Status", ["apiVersion"] = "v1", ["metadata"] = Continue is null ? [] : new JsonObject { ["continue"] = Continue }, ["status"] = "Failure", ["message"] = Message,
        };
        if (Reason.Length > 0) status["reason"] = Reason;
        var details = (JsonObject?)Details?.DeepClone() ?? [];
        if (Name is { Length: > 0 }) details["name"] = Name;
        if (Group is { Length: > 0 }) details["group"] = Group;
        if (Kind is { Length: > 0 }) details["kind"] = Kind;
        if (Uid is { Length: > 0 }) details["uid"] = Uid;
        if (Causes.Count > 0 || OtherCauses.Count > 0)
        {
            var causes = new JsonArray();
            foreach (var cause in Causes)
                causes.Add((JsonNode)new JsonObject { ["reason"] = cause.Reason.ToString(), ["message"] = cause.Message, ["field"] = cause.Path });
            foreach (var (reason, message, field) in OtherCauses)
                causes.Add((JsonNode)new JsonObject { ["reason"] = reason, ["message"] = message, ["field"] = field });
            details["causes"] = causes;
        }

        if (RetryAfterSeconds is { } seconds) details["retryAfterSeconds"] = seconds;
        if (details.Count > 0) status["details"] = details;
        status["code"] = Code;
        return status;
    }
}

/// <summary>The refusals of a Kubernetes API server, in the words its users know.</summary>
internal static class ApiErrors
{
    public static ApiException NotFound(KindSchema kind, string name) => NotFound(kind.Group, kind.Plural, name);

    public static ApiException NotFound(string group, string resource, string name) =>
        new(404, "NotFound", $"{Qualified(group, resource)} \"{name}\" not found") { Name = name, Group = group, Kind = resource };

    public static ApiException NoSuchPath() => new(404, "NotFound", "the server could not find the requested resource");

    public static ApiException AlreadyExists(KindSchema kind, string name) =>
        new(409, "AlreadyExists", $"{Qualified(kind.Group, kind.Plural)} \"{name}\" already exists") { Name = name, Group = kind.Group, Kind = kind.Plural };

    public static ApiException Conflict(KindSchema kind, string name, string why) =>
        new(409, "Conflict", $"Operation cannot be fulfilled on {Qualified(kind.Group, kind.Plural)} \"{name}\": {why}") { Name = name, Group = kind.Group, Kind = kind.Plural };

    public static ApiException Modified(KindSchema kind, string name) =>
        Conflict(kind, name, "the object has been modified; please apply your changes to the latest version and try again");

    public static ApiException Invalid(KindSchema kind, string name, IReadOnlyList<FieldError> errors) => Invalid(kind.Group, kind.Kind, name, errors);

    public static ApiException Invalid(string group, string kind, string name, IReadOnlyList<FieldError> errors)
    {
        var lines = errors.Select(e => $"{e.Path}: {e.Message}").Distinct().ToList();
        var message = lines.Count == 1 ? lines[0] : $"[{string.Join(", ", lines)}]";
        var qualified = group.Length == 0 ? kind : $"{kind}.{group}";
        return new(422, "Invalid", $"{qualified} \"{name}\" is invalid: {message}") { Name = name, Group = group, Kind = kind, Causes = errors };
    }

    public static ApiException BadRequest(string message) => new(400, "BadRequest", message);

    public static ApiException Forbidden(KindSchema kind, string name, string why) =>
        new(403, "Forbidden", $"{Qualified(kind.Group, kind.Plural)} \"{name}\" is forbidden: {why}") { Name = name, Group = kind.Group, Kind = kind.Plural };

    /// <summary>Somebody asks for what no role gives them.</summary>
    /// <param name="request">What they asked for.</param>
    /// <param name="reason">Why not; may be empty.</param>
    /// <param name="explained">The reason says it all.</param>
    public static ApiException Forbidden(in AccessRequest request, string reason, bool explained = false)
    {
        var why = explained ? reason : reason.Length == 0 ? request.Refusal : $"{request.Refusal}: {reason}";
        if (request.Path is not null) return new(403, "Forbidden", $"forbidden: {why}");
        var subject = request.Name.Length == 0 ? Qualified(request.Group, request.Resource) : $"{Qualified(request.Group, request.Resource)} \"{request.Name}\"";
        return new(403, "Forbidden", $"{subject} is forbidden: {why}") { Name = request.Name, Group = request.Group, Kind = request.Resource };
    }

    public static ApiException Unauthorized() => new(401, "Unauthorized", "Unauthorized");

    public static ApiException MethodNotAllowed() => new(405, "MethodNotAllowed", "the server does not allow this method on the requested resource");

    public static ApiException UnsupportedMediaType(string? type, params string[] accepted) =>
        new(415, "UnsupportedMediaType", $"the body of the request was in an unknown format - accepted media types include: {string.Join(", ", accepted)}")
        { OtherCause = type is null ? null : ("UnexpectedServerResponse", $"the request's media type was {type}", null) };

    public static ApiException NotAcceptable() =>
        new(406, "NotAcceptable", "only the following media types are accepted: application/json, application/yaml");

    public static ApiException Expired(string message, string? continueWith = null) => new(410, "Expired", message) { Continue = continueWith };

    public static ApiException TooLargeVersion(long asked, long current) =>
        new(504, "Timeout", $"Too large resource version: {asked}, current: {current}")
        { RetryAfterSeconds = 1, OtherCause = ("ResourceVersionTooLarge", "Too large resource version", null) };

    public static ApiException TooLargeBody() => new(413, "RequestEntityTooLarge", "Request entity too large: limit is 3145728");

    public static ApiException Internal(string message) => new(500, "InternalError", $"Internal error occurred: {message}");

    public static ApiException Unavailable(string message) => new(503, "ServiceUnavailable", message);

    public static ApiException TooManyRequests(string message) => new(429, "TooManyRequests", message) { RetryAfterSeconds = 10 };

    private static string Qualified(string group, string resource) => group.Length == 0 ? resource : $"{resource}.{group}";
}

using Microsoft.AspNetCore.Http;
using Portolan.Lab.ApiServer.Auth;

namespace Portolan.Lab.ApiServer.Http;

/// <summary>What an HTTP request wants to do, in the terms roles are written in.</summary>
internal static class RequestAccess
{
#pragma warning disable CA1308 // verbs are lower case
    public static AccessRequest OfPath(Identity who, HttpRequest request, string path) => new(who, request.Method.ToLowerInvariant()) { Path = path };
#pragma warning restore CA1308

    public static AccessRequest OfResource(Identity who, HttpRequest request, in RequestPath path)
    {
        var query = request.Query;
        var verb = request.Method switch
        {
            "POST" => "create",
            "PUT" => "update",
            "PATCH" => "patch",
            "DELETE" => path.Name is null ? "deletecollection" : "delete",
            _ when path.WatchPrefix || IsSet(query["watch"]) => "watch",
            _ => path.Name is null ? "list" : "get",
        };
        var fields = query.TryGetValue("fieldSelector", out var selector) ? selector.ToString() : "";
        return new(who, verb)
        {
            Group = path.Group,
            Resource = path.Resource,
            Subresource = path.Subresource ?? "",
            // A Namespace is in itself, so that a role in it can allow to read it.
            Namespace = path.Namespace ?? (path is { Group: "", Resource: "namespaces", Name: { } itself } ? itself : ""),
            Name = path.Name ?? AccessRequest.Required(fields, "metadata.name") ?? "",
            FieldSelector = fields,
        };
    }

    private static bool IsSet(Microsoft.Extensions.Primitives.StringValues value) => value.Count > 0 && value[^1] is "true" or "1";
}

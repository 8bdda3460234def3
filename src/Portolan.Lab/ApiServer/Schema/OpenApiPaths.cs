using System.Text.Json;

namespace Portolan.Lab.ApiServer.Schema;

/// <summary>The paths of a kind in an OpenAPI document: collection, object and subresources, with the query parameters clients look for.</summary>
internal static class OpenApiPaths
{
    private static readonly string[] _write = ["dryRun", "fieldManager", "fieldValidation"];
    private static readonly string[] _patch = ["dryRun", "fieldManager", "fieldValidation", "force"];
    private static readonly string[] _list =
        ["allowWatchBookmarks", "continue", "fieldSelector", "labelSelector", "limit", "resourceVersion", "resourceVersionMatch", "sendInitialEvents", "timeoutSeconds", "watch"];

    private static readonly string[] _delete = ["dryRun", "gracePeriodSeconds", "orphanDependents", "propagationPolicy"];

    public static void Write(Utf8JsonWriter json, string group, string version, KindSchema kind)
    {
        var root = group.Length == 0 ? $"/api/{version}" : $"/apis/{group}/{version}";
        var collection = kind.Namespaced ? $"{root}/namespaces/{{namespace}}/{kind.Plural}" : $"{root}/{kind.Plural}";
        if (kind.Namespaced)
        {
            json.WriteStartObject($"{root}/{kind.Plural}");
            Operation(json, "get", "list", kind, _list, hasBody: false);
            json.WriteEndObject();
        }

        json.WriteStartObject(collection);
        Operation(json, "get", "list", kind, _list, hasBody: false);
        Operation(json, "post", "post", kind, _write, hasBody: true);
        Operation(json, "delete", "deletecollection", kind, [.. _list, .. _delete], hasBody: false);
        Parameters(json, kind.Namespaced, named: false);
        json.WriteEndObject();

        json.WriteStartObject(collection + "/{name}");
        Operation(json, "get", "get", kind, [], hasBody: false);
        Operation(json, "put", "put", kind, _write, hasBody: true);
        Operation(json, "patch", "patch", kind, _patch, hasBody: true);
        Operation(json, "delete", "delete", kind, _delete, hasBody: false);
        Parameters(json, kind.Namespaced, named: true);
        json.WriteEndObject();

        if (!kind.HasStatus)
            return;
        json.WriteStartObject(collection + "/{name}/status");
        Operation(json, "get", "get", kind, [], hasBody: false);
        Operation(json, "put", "put", kind, _write, hasBody: true);
        Operation(json, "patch", "patch", kind, _patch, hasBody: true);
        Parameters(json, kind.Namespaced, named: true);
        json.WriteEndObject();
    }

    private static void Operation(Utf8JsonWriter json, string method, string action, KindSchema kind, string[] queries, bool hasBody)
    {
        json.WriteStartObject(method);
        if (queries.Length > 0)
        {
            json.WriteStartArray("parameters");
            foreach (var query in queries)
                Parameter(json, query, "query");
            json.WriteEndArray();
        }

        if (hasBody)
        {
            json.WriteStartObject("requestBody");
            Content(json, kind, method == "patch" ? PatchTypes(kind) : ["application/json"]);
            json.WriteEndObject();
        }

        json.WriteStartObject("responses");
        json.WriteStartObject("200");
        json.WriteString("description", "OK");
        Content(json, kind, ["application/json"], action == "list" ? "List" : "");
        json.WriteEndObject();
        json.WriteEndObject();
        json.WriteString("x-kubernetes-action", action);
        json.WritePropertyName("x-kubernetes-group-version-kind");
        OpenApiDocument.WriteGroupVersionKind(json, kind);
        json.WriteEndObject();
    }

    // "kubectl apply" makes a strategic merge patch wherever one is offered.
    private static string[] PatchTypes(KindSchema kind)
    {
        string[] types = ["application/apply-patch+yaml", "application/json-patch+json", "application/merge-patch+json"];
        return kind.SupportsStrategicMerge ? [.. types, "application/strategic-merge-patch+json"] : types;
    }

    private static void Content(Utf8JsonWriter json, KindSchema kind, string[] mediaTypes, string suffix = "")
    {
        json.WriteStartObject("content");
        foreach (var mediaType in mediaTypes)
        {
            json.WriteStartObject(mediaType);
            json.WriteStartObject("schema");
            json.WriteString("$ref", $"#/components/schemas/{OpenApiDocument.NameOf(kind)}{suffix}");
            json.WriteEndObject();
            json.WriteEndObject();
        }

        json.WriteEndObject();
    }

    private static void Parameters(Utf8JsonWriter json, bool namespaced, bool named)
    {
        if (!namespaced && !named)
            return;
        json.WriteStartArray("parameters");
        if (named)
            Parameter(json, "name", "path");
        if (namespaced)
            Parameter(json, "namespace", "path");
        json.WriteEndArray();
    }

    private static void Parameter(Utf8JsonWriter json, string name, string place)
    {
        json.WriteStartObject();
        json.WriteString("name", name);
        json.WriteString("in", place);
        if (place == "path")
            json.WriteBoolean("required", true);
        json.WriteStartObject("schema");
        json.WriteString("type", name is "limit" or "timeoutSeconds" or "gracePeriodSeconds" ? "integer"
            : name is "watch" or "force" or "allowWatchBookmarks" or "sendInitialEvents" or "orphanDependents" ? "boolean" : "string");
        json.WriteBoolean("uniqueItems", true);
        json.WriteEndObject();
        json.WriteEndObject();
    }
}

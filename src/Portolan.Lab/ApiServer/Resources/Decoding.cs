using System.Text.Json.Nodes;
using Portolan.Lab.ApiServer.Http;
using Portolan.Lab.ApiServer.Schema;

namespace Portolan.Lab.ApiServer.Resources;

/// <summary>Reads a body as a kind, as strictly as the client asked.</summary>
internal static class Decoding
{
    public static void Decode(KindSchema kind, JsonObject obj, IReadOnlyList<string> duplicates, WriteOptions options)
    {
        if (Read(kind, obj, duplicates, options) is { } problem)
            throw ApiErrors.BadRequest($"{kind.Kind} in version \"{kind.Version}\" cannot be handled as a {kind.Kind}: {problem}");
    }

    /// <returns>Why the object cannot be read as the kind; null when it can, perhaps with warnings.</returns>
    public static string? Read(KindSchema kind, JsonObject obj, IReadOnlyList<string> duplicates, WriteOptions options)
    {
        RequireKind(kind, obj);
        var outcome = kind.Decode(obj);
        if (outcome.Failure is { } failure) return failure;
        if (options.Validation == FieldValidation.Ignore || (duplicates.Count == 0 && outcome.Problems.Count == 0)) return null;
        var problems = duplicates.Concat(outcome.Problems).ToList();
        if (options.Validation != FieldValidation.Warn) return $"strict decoding error: {string.Join(", ", problems)}";
        options.Warnings.AddRange(problems);
        return null;
    }

    /// <summary>The same for an object that the server itself made of a client's, and its defaults.</summary>
    public static JsonObject Reread(KindSchema kind, JsonObject obj, WriteOptions options)
    {
        Decode(kind, obj, [], options);
        kind.Default(obj);
        return obj;
    }

    /// <summary>Reads a body that is not stored: wrong types are refused, unknown fields dropped.</summary>
    public static JsonObject DecodeBody(KindSchema kind, JsonObject body)
    {
        if (kind.Decode(body).Failure is { } failure)
            throw ApiErrors.BadRequest($"{kind.Kind} in version \"{kind.Version}\" cannot be handled as a {kind.Kind}: {failure}");
        return body;
    }

    private static void RequireKind(KindSchema kind, JsonObject obj)
    {
        var apiVersion = obj.Text("apiVersion");
        var name = obj.Text("kind");
        if (string.IsNullOrEmpty(apiVersion)) obj["apiVersion"] = apiVersion = kind.ApiVersion;
        if (string.IsNullOrEmpty(name)) obj["kind"] = name = kind.Kind;
        if (name != kind.Kind)
            throw ApiErrors.BadRequest($"{name} in version \"{apiVersion}\" cannot be handled as a {kind.Kind}: converting ({apiVersion}.{name}) to ({kind.Kind}): unknown conversion");
        if (apiVersion != kind.ApiVersion)
            throw ApiErrors.BadRequest($"the API version in the data ({apiVersion}) does not match the expected API version ({kind.ApiVersion})");
    }
}

using System.Text.Json.Nodes;
using Portolan.Lab.ApiServer.Http;
using Portolan.Lab.ApiServer.Resources;
using Portolan.Lab.ApiServer.Schema;
using Portolan.Lab.ApiServer.Storage;

namespace Portolan.Lab.ApiServer.Patching;

/// <summary>PATCH in its four kinds. Each is a change of the current state, decoded, defaulted and validated like any other.</summary>
internal sealed class ObjectPatch(ObjectUpdate update, ObjectApply apply)
{
    public const string Apply = "application/apply-patch+yaml";

    private const string Json = "application/json-patch+json";
    private const string Merge = "application/merge-patch+json";
    private const string Strategic = "application/strategic-merge-patch+json";

    /// <returns>The object, and whether an apply created it.</returns>
    public async Task<(StoredObject Object, bool Created)> PatchAsync(Target target, byte[] body, string? contentType, WriteOptions options, CancellationToken cancellation)
    {
        var type = BodyReader.MediaType(contentType);
        if (type == Apply) return await apply.ApplyAsync(target, body, options, cancellation);
        var change = Change(target.Kind, type, body, options);
        return (await update.ChangeAsync(target, current => Patched(target, current, change, options), options, cancellation), false);
    }

    /// <summary>What a patch body does to an object of a kind. Used for <c>/scale</c> too.</summary>
    public static Func<JsonObject, JsonObject> Change(KindSchema kind, string type, byte[] body, WriteOptions options)
    {
        if (options.Force)
            throw ApiErrors.Invalid("meta.k8s.io", "PatchOptions", "", [new("force", FieldErrorReason.FieldValueForbidden, "Forbidden: may not be specified for non-apply patch")]);
        switch (type)
        {
            case Json:
                var operations = Operations(BodyReader.ParseJson(body), options);
                return current => Try(() => JsonPatch.Apply(current, operations));
            case Merge:
                var merge = Checked(BodyReader.ParseJson(body), options).Object;
                return current => MergePatch.Apply(current, merge);
            case Strategic when kind.SupportsStrategicMerge:
                var strategic = Checked(BodyReader.ParseJson(body), options).Object;
                return current => Try(() => kind.StrategicMerge(current, strategic));
            default:
                throw ApiErrors.UnsupportedMediaType(type, kind.SupportsStrategicMerge ? [Json, Merge, Strategic, Apply] : [Json, Merge, Apply]);
        }
    }

    private static JsonObject Try(Func<JsonObject> patch)
    {
        try
        {
            return patch();
        }
        catch (JsonPatchException e)
        {
            throw new ApiException(422, "Invalid", $"the server rejected our request due to an error in our request: {e.Message}");
        }
        catch (FormatException e)
        {
            throw ApiErrors.BadRequest(e.Message);
        }
    }

    private static JsonArray Operations(ParsedBody body, WriteOptions options)
    {
        var operations = Checked(body, options).Root as JsonArray ?? throw ApiErrors.BadRequest("error decoding patch: a JSON patch is an array of operations");
        if (operations.Count > JsonPatch.MaxOperations)
            throw new ApiException(413, "RequestEntityTooLarge", $"Request entity too large: The allowed maximum operations in a JSON patch is {JsonPatch.MaxOperations}, got {operations.Count}");
        var unknown = new List<string>();
        for (var i = 0; i < operations.Count; i++)
            foreach (var (name, _) in (IEnumerable<KeyValuePair<string, JsonNode?>>?)(operations[i] as JsonObject) ?? [])
                if (name is not ("op" or "path" or "from" or "value"))
                    unknown.Add($"json patch unknown field \"[{i}].{name}\"");
        Complain(unknown, body, options);
        return operations;
    }

    // A field twice in the patch itself.
    private static ParsedBody Checked(ParsedBody body, WriteOptions options)
    {
        Complain(body.Duplicates, body, options);
        return body;
    }

    private static void Complain(IReadOnlyList<string> problems, ParsedBody body, WriteOptions options)
    {
        if (problems.Count == 0 || options.Validation == FieldValidation.Ignore) return;
        if (options.Validation == FieldValidation.Warn) options.Warnings.AddRange(problems);
        else throw Unreadable(body.Root, $"strict decoding error: {string.Join(", ", problems)}");
    }

    private static JsonObject Patched(Target target, JsonObject current, Func<JsonObject, JsonObject> change, WriteOptions options)
    {
        var result = change(current);
        if (Decoding.Read(target.Kind, result, [], options) is { } problem) throw Unreadable(result, problem);
        var metadata = result.Child("metadata");
        if (metadata.Text("name") != target.Name)
            throw ApiErrors.BadRequest($"the name of the object ({metadata.Text("name")}) does not match the name on the URL ({target.Name})");
        if (target.Kind.Namespaced && metadata.Text("namespace") != target.Namespace)
            throw ApiErrors.BadRequest("the namespace of the provided object does not match the namespace sent on the request");
        return result;
    }

    private static ApiException Unreadable(JsonNode? value, string problem) =>
        ApiErrors.Invalid("", "", "", [new("patch", FieldErrorReason.FieldValueInvalid, $"Invalid value: {JsonValue.Create(Shortened(value?.ToJsonString() ?? "null")).ToJsonString()}: {problem}")]);

    // A message is for people; what they sent they have themselves.
    private static string Shortened(string text) => text.Length <= 4096 ? text : text[..4096] + "…";
}

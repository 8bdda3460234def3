using System.Text.Json.Nodes;
using Portolan.Lab.ApiServer.Http;
using Portolan.Lab.ApiServer.Resources;
using Portolan.Lab.ApiServer.Schema;
using Portolan.Lab.ApiServer.Storage;

namespace Portolan.Lab.ApiServer.Patching;

/// <summary>PATCH in its four kinds. Each is a change of the current state, decoded, defaulted and validated like any other.</summary>
internal sealed class ObjectPatch(ServerContext server, ObjectUpdate update, ObjectCreation creation)
{
    private readonly ObjectApply _apply = new(server, update, creation);
    private const string Json = "application/json-patch+json";
    private const string Merge = "application/merge-patch+json";
    private const string Strategic = "application/strategic-merge-patch+json";
    private const string Apply = "application/apply-patch+yaml";

    /// <returns>The object, and whether an apply created it.</returns>
    public async Task<(StoredObject Object, bool Created)> PatchAsync(Target target, byte[] body, string? contentType, WriteOptions options, CancellationToken cancellation)
    {
        var type = BodyReader.MediaType(contentType);
        if (type == Apply) return await _apply.ApplyAsync(target, body, options, cancellation);
        if (options.Force) throw ApiErrors.Invalid("meta.k8s.io", "PatchOptions", "", [new("force", FieldErrorReason.FieldValueForbidden, "Forbidden: may not be specified for non-apply patch")]);
        var change = Change(target.Kind, type, body);
        return (await update.ChangeAsync(target, current => Patched(target, current, change, options), options, cancellation), false);
    }

    /// <summary>What a patch body does to an object of a kind. Used for <c>/scale</c> too.</summary>
    public static Func<JsonObject, JsonObject> Change(KindSchema kind, string type, byte[] body)
    {
        switch (type)
        {
            case Json:
                var operations = BodyReader.ParseJson(body).Root as JsonArray ?? throw ApiErrors.BadRequest("error decoding patch: a JSON patch is an array of operations");
                return current =>
                {
                    try
                    {
                        return JsonPatch.Apply(current, operations);
                    }
                    catch (JsonPatchException e)
                    {
                        throw new ApiException(422, "Invalid", $"the server rejected our request due to an error in our request: {e.Message}");
                    }
                };
            case Merge:
                var merge = BodyReader.ParseJson(body).Object;
                return current => MergePatch.Apply(current, merge);
            case Strategic when kind.SupportsStrategicMerge:
                var strategic = BodyReader.ParseJson(body).Object;
                return current =>
                {
                    try
                    {
                        return kind.StrategicMerge(current, strategic);
                    }
                    catch (FormatException e)
                    {
                        throw ApiErrors.BadRequest(e.Message);
                    }
                };
            default:
                throw ApiErrors.UnsupportedMediaType(type, kind.SupportsStrategicMerge ? [Json, Merge, Strategic, Apply] : [Json, Merge, Apply]);
        }
    }

    private static JsonObject Patched(Target target, JsonObject current, Func<JsonObject, JsonObject> change, WriteOptions options)
    {
        var result = change(current);
        Decoding.Decode(target.Kind, result, [], options);
        var metadata = result.Child("metadata");
        if (metadata.Text("name") != target.Name)
            throw ApiErrors.BadRequest($"the name of the object ({metadata.Text("name")}) does not match the name on the URL ({target.Name})");
        if (target.Kind.Namespaced && metadata.Text("namespace") != target.Namespace)
            throw ApiErrors.BadRequest("the namespace of the provided object does not match the namespace sent on the request");
        return result;
    }
}

using System.Text.Json.Nodes;
using Portolan.Lab.ApiServer.Schema;
using Portolan.Lab.ApiServer.Validation;

namespace Portolan.Lab.ApiServer.Conversion;

/// <summary>What is taken of a webhook's converted object: everything but its metadata, of which only labels and annotations may differ.</summary>
internal static class ConvertedObject
{
    private static readonly string[] Identity = ["name", "namespace", "uid"];

    /// <param name="original">What was sent.</param>
    /// <param name="answer">What came back in its place.</param>
    /// <param name="to">The version asked for.</param>
    /// <param name="problem">Why it is not taken.</param>
    /// <returns>A new object that fits the version's schema in form, its defaults included; null when the answer is not this object in this version.</returns>
    public static JsonObject? TryTake(JsonObject original, JsonNode? answer, KindSchema to, out string problem)
    {
        problem = "";
        if (answer is not JsonObject given)
        {
            problem = "it is not an object";
            return null;
        }

        if (given.Str("apiVersion") != to.ApiVersion)
            problem = $"invalid groupVersion (expected {to.ApiVersion}, received {given.Str("apiVersion")})";
        else if (given.Str("kind") != original.Str("kind"))
            problem = $"invalid kind (expected {original.Str("kind")}, received {given.Str("kind")})";
        else if (given.Obj("metadata") is not { } metadata)
            problem = "missing metadata in converted object";
        else
            problem = Changed(original.Obj("metadata"), metadata) ?? "";
        if (problem.Length > 0)
            return null;

        var taken = (JsonObject)given.DeepClone();
        var kept = (JsonObject?)original.Obj("metadata")?.DeepClone() ?? [];
        foreach (var name in (ReadOnlySpan<string>)["labels", "annotations"])
        {
            kept.Remove(name);
            if (given.Obj("metadata").Obj(name) is { } values)
                kept[name] = values.DeepClone();
        }

        taken["metadata"] = kept;
        if (to.Decode(taken).Failure is { } failure)
        {
            problem = failure;
            return null;
        }

        to.Default(taken);
        return taken;
    }

    private static string? Changed(JsonObject? before, JsonObject after)
    {
        foreach (var name in Identity)
        {
            if (after.Str(name) != before.Str(name))
                return $"must have the same {(name == "uid" ? "UID" : name)}: {before.Str(name)} != {after.Str(name)}";
        }

        var errors = new ErrorList();
        MetadataRules.CheckLabels(after.Obj("labels"), "metadata.labels", errors);
        MetadataRules.CheckAnnotations(after.Obj("annotations"), "metadata.annotations", errors);
        return errors.Errors.Count == 0 ? null : string.Join(", ", errors.Errors.Select(e => $"{e.Path}: {e.Message}"));
    }
}

using System.Text.Json.Nodes;

namespace Portolan.Commands.Install;

/// <summary>
/// Finds what must change on the server: fields that differ from what is wanted, and fields that were wanted the last time and no longer are.
/// What others added, and what the server filled in, stays.
/// </summary>
internal static class ThreeWayMerge
{
    /// <summary>The record of what was wanted the last time; kubectl's own, so that <c>kubectl apply</c> can take over.</summary>
    public const string LastApplied = "kubectl.kubernetes.io/last-applied-configuration";

    /// <summary>A copy of the manifest that carries its own record.</summary>
    public static JsonObject WithRecord(JsonObject manifest)
    {
        var recorded = (JsonObject)manifest.DeepClone();
        var metadata = recorded["metadata"]!.AsObject();
        var annotations = metadata["annotations"] as JsonObject ?? [];
        metadata["annotations"] = annotations.DeepClone();
        metadata["annotations"]![LastApplied] = manifest.ToJsonString() + "\n";
        return recorded;
    }

    /// <summary>The merge patch (RFC 7386) to the live object, or null when it is as wanted.</summary>
    public static JsonObject? Patch(JsonObject manifest, JsonObject live)
    {
        JsonObject? last = null;
        if ((string?)(live["metadata"]?["annotations"] as JsonObject)?[LastApplied] is { } record)
            last = JsonNode.Parse(record) as JsonObject;
        // Pods that somebody else described are replaced, not mixed with ours: a volume of theirs that nothing mounts could still keep ours from starting.
        else if (live["spec"] is JsonObject spec && spec.ContainsKey("template"))
            last = new JsonObject { ["spec"] = new JsonObject(spec.Where(field => field.Key is "template" or "strategy" or "updateStrategy").Select(field => KeyValuePair.Create(field.Key, field.Value?.DeepClone()))) };
        return Difference(last, WithRecord(manifest), live);
    }

    private static JsonObject? Difference(JsonObject? last, JsonObject wanted, JsonObject live)
    {
        var patch = new JsonObject();
        foreach (var (name, value) in wanted)
        {
            var found = live[name];
            if (value is JsonObject part && found is JsonObject livePart)
            {
                if (Difference(last?[name] as JsonObject, part, livePart) is { } inner)
                    patch[name] = inner;
            }
            else if (!Covers(found, value) || (value is JsonArray && last?[name] is JsonArray before && !JsonNode.DeepEquals(before, value)))
                patch[name] = value?.DeepClone();
        }

        foreach (var (name, _) in last ?? [])
            if (!wanted.ContainsKey(name) && live.ContainsKey(name))
                patch[name] = null;
        return patch.Count > 0 ? patch : null;
    }

    // A list is as wanted when its elements are, apart from what the server filled in.
    private static bool Covers(JsonNode? live, JsonNode? wanted) => (live, wanted) switch
    {
        (_, null) => live is null,
        (JsonObject a, JsonObject b) => b.All(field => Covers(a[field.Key], field.Value)),
        (JsonArray a, JsonArray b) => a.Count == b.Count && a.Zip(b).All(pair => Covers(pair.First, pair.Second)),
        _ => JsonNode.DeepEquals(live, wanted),
    };
}

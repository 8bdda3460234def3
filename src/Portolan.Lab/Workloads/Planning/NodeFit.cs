using System.Text.Json.Nodes;

using Portolan.Kubernetes.Resources;

namespace Portolan.Lab.Workloads.Planning;

/// <summary>Whether a pod may run on a node: taints, selectors, affinity. Pure.</summary>
internal static class NodeFit
{
    /// <summary>The rule that keeps the pod off the node, in kubectl's words, or null.</summary>
    public static string? Obstacle(JsonNode? podSpec, IEnumerable<JsonObject> tolerations, UntypedObject node)
    {
        if (!MatchesSelectors(podSpec, node))
            return "node(s) didn't match Pod's node affinity/selector";
        return UntoleratedTaint(tolerations, node, "NoSchedule", "NoExecute") is { } taint
            ? $"node(s) had untolerated taint {{{taint.Text("key")}: {taint.Text("value")}}}"
            : null;
    }

    public static bool MatchesSelectors(JsonNode? podSpec, UntypedObject node)
    {
        var labels = node.Labels();
        if (!LabelMatcher.OfMap(podSpec.Map("nodeSelector")).Matches(labels))
            return false;
        var required = podSpec.At("affinity", "nodeAffinity", "requiredDuringSchedulingIgnoredDuringExecution");
        if (required is null)
            return true;
        var fields = new Dictionary<string, string>(StringComparer.Ordinal) { ["metadata.name"] = node.Metadata.Name ?? "" };
        return required.Objects("nodeSelectorTerms").Any(term =>
            (term.Objects("matchExpressions").Any() || term.Objects("matchFields").Any())       // an empty term matches nothing
            && LabelMatcher.OfExpressions(term.Objects("matchExpressions")).Matches(labels)
            && LabelMatcher.OfExpressions(term.Objects("matchFields")).Matches(fields));
    }

    /// <summary>The first taint with one of the effects that no toleration covers.</summary>
    public static JsonObject? UntoleratedTaint(IEnumerable<JsonObject> tolerations, UntypedObject node, params string[] effects)
    {
        var list = tolerations.ToList();
        return node.Json.Objects("spec", "taints").FirstOrDefault(t => effects.Contains(t.Text("effect")) && !list.Exists(toleration => Tolerates(toleration, t)));
    }

    /// <summary>How many taints say that the pod had better go elsewhere (<c>PreferNoSchedule</c>).</summary>
    public static int Avoided(IEnumerable<JsonObject> tolerations, UntypedObject node)
    {
        var list = tolerations.ToList();
        return node.Json.Objects("spec", "taints").Count(t => t.Text("effect") == "PreferNoSchedule" && !list.Exists(toleration => Tolerates(toleration, t)));
    }

    public static bool Tolerates(JsonObject toleration, JsonObject taint)
    {
        var (key, effect) = (toleration.Text("key") ?? "", toleration.Text("effect") ?? "");
        if (effect.Length > 0 && effect != taint.Text("effect"))
            return false;
        if (key.Length > 0 && key != taint.Text("key"))
            return false;
        return toleration.Text("operator") switch
        {
            "Exists" => true,
            _ => key.Length > 0 && (toleration.Text("value") ?? "") == (taint.Text("value") ?? ""),
        };
    }
}

using System.Text.Json.Nodes;

using Portolan.Kubernetes.Resources;

namespace Portolan.Lab.Workloads.Planning;

/// <summary>Where a pod may and would rather be because of the pods that are there: affinity, anti-affinity, topology spread. Pure.</summary>
/// <param name="pod">The pod to be placed.</param>
/// <param name="nodes">All nodes.</param>
/// <param name="placed">Pods that are bound and not finished.</param>
internal sealed class PodTopology(UntypedObject pod, IReadOnlyCollection<UntypedObject> nodes, IReadOnlyCollection<UntypedObject> placed)
{
    private readonly Dictionary<string, UntypedObject> _nodes = nodes.ToDictionary(n => n.Metadata.Name!, StringComparer.Ordinal);

    /// <summary>The rule that keeps the pod off the node, in kubectl's words, or null.</summary>
    public string? Obstacle(UntypedObject node)
    {
        if (Required(pod, "podAffinity").Any(term => !IsNear(term, node)))
            return "node(s) didn't match pod affinity rules";
        if (Required(pod, "podAntiAffinity").Any(term => Matching(term, pod, node).Any()))
            return "node(s) didn't match pod anti-affinity rules";
        if (placed.Any(other => Required(other, "podAntiAffinity").Any(term => Selects(term, other, pod) && InOneDomain(term, other, node))))
            return "node(s) didn't satisfy existing pods anti-affinity rules";
        foreach (var constraint in Spread("DoNotSchedule"))
        {
            if (Domain(constraint, node) is null)
                return "node(s) didn't match pod topology spread constraints (missing required label)";
            if (Skew(constraint, node) > (constraint.Number("maxSkew") ?? 1))
                return "node(s) didn't match pod topology spread constraints";
        }
        return null;
    }

    /// <summary>The weights of the preferences that the node meets; the larger, the better.</summary>
    public long Preference(UntypedObject node)
    {
        var affinity = pod.Json.At("spec", "affinity");
        var labels = node.Labels();
        var total = affinity.At("nodeAffinity").Objects("preferredDuringSchedulingIgnoredDuringExecution")
            .Where(p => LabelMatcher.OfExpressions(p.Objects("preference", "matchExpressions")).Matches(labels)).Sum(p => p.Number("weight") ?? 0);
        foreach (var (kind, sign) in new[] { ("podAffinity", 1), ("podAntiAffinity", -1) })
            foreach (var preferred in affinity.At(kind).Objects("preferredDuringSchedulingIgnoredDuringExecution"))
                if (preferred["podAffinityTerm"] is JsonObject term)
                    total += sign * (preferred.Number("weight") ?? 0) * Matching(term, pod, node).Count();
        return total - Spread("ScheduleAnyway").Sum(c => Domain(c, node) is null ? placed.Count : Skew(c, node));
    }

    private IEnumerable<JsonObject> Spread(string when) => pod.Json.Objects("spec", "topologySpreadConstraints").Where(c => (c.Text("whenUnsatisfiable") ?? "DoNotSchedule") == when);

    /// <summary>How many more matching pods the node's domain would have than the emptiest one.</summary>
    private long Skew(JsonObject constraint, UntypedObject node)
    {
        var counts = new Dictionary<string, long>(StringComparer.Ordinal);
        foreach (var eligible in nodes.Where(n => NodeFit.MatchesSelectors(pod.Json["spec"], n)))
            if (Domain(constraint, eligible) is { } domain)
                counts.TryAdd(domain, 0);
        var selector = LabelMatcher.Of(constraint["labelSelector"]);
        foreach (var other in placed)
            if (!other.IsDeleting() && other.Metadata.Namespace == pod.Metadata.Namespace && selector?.Matches(other.Labels()) == true
                && _nodes.TryGetValue(other.NodeName(), out var there) && Domain(constraint, there) is { } domain && counts.TryGetValue(domain, out var before))
                counts[domain] = before + 1;
        var own = selector?.Matches(pod.Labels()) == true ? 1 : 0;
        return Domain(constraint, node) is { } here && counts.TryGetValue(here, out var count) ? count + own - counts.Values.Min() : 0;
    }

    /// <summary>A group's first pod is near itself.</summary>
    private bool IsNear(JsonObject term, UntypedObject node) =>
        Domain(term, node) is not null && (Matching(term, pod, node).Any() || (!placed.Any(other => Selects(term, pod, other)) && Selects(term, pod, pod)));

    private IEnumerable<UntypedObject> Matching(JsonObject term, UntypedObject owner, UntypedObject node) =>
        placed.Where(other => Selects(term, owner, other) && InOneDomain(term, other, node));

    private bool InOneDomain(JsonObject term, UntypedObject other, UntypedObject node) =>
        Domain(term, node) is { } domain && _nodes.TryGetValue(other.NodeName(), out var there) && Domain(term, there) == domain;

    private static string? Domain(JsonObject term, UntypedObject node) => term.Text("topologyKey") is { } key ? node.Labels().GetValueOrDefault(key) : null;

    /// <param name="term">A pod affinity term.</param>
    /// <param name="owner">Whose term it is: without namespaces of its own it means the owner's.</param>
    /// <param name="other">The pod in question.</param>
    private static bool Selects(JsonObject term, UntypedObject owner, UntypedObject other)
    {
        var namespaces = term.Texts("namespaces").ToList();
        var everywhere = term["namespaceSelector"] is JsonObject { Count: 0 };
        return (everywhere || (namespaces.Count > 0 ? namespaces.Contains(other.Metadata.Namespace!) : other.Metadata.Namespace == owner.Metadata.Namespace))
            && LabelMatcher.Of(term["labelSelector"])?.Matches(other.Labels()) == true;
    }

    private static IEnumerable<JsonObject> Required(UntypedObject value, string kind) => value.Json.At("spec", "affinity", kind).Objects("requiredDuringSchedulingIgnoredDuringExecution");
}

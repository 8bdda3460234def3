using Portolan.Kubernetes.Resources;

namespace Portolan.Lab.Workloads.Planning;

/// <param name="Node">Where the pod goes, or null.</param>
/// <param name="Reason">Why nowhere, as <c>kubectl describe pod</c> shows it.</param>
internal sealed record Placement(string? Node, string Reason);

/// <summary>Where a pod runs: on a node that admits it, where it would rather be, apart from its own kind, then where fewest pods are. Pure.</summary>
internal static class SchedulePlan
{
    public static Placement Of(UntypedObject pod, IReadOnlyCollection<UntypedObject> nodes, IReadOnlyCollection<UntypedObject> pods)
    {
        var spec = pod.Json["spec"];
        var obstacles = new List<string>();
        var candidates = new List<UntypedObject>();
        var active = pods.Where(p => p.NodeName().Length > 0 && !p.IsFinished()).ToList();
        var byNode = active.ToLookup(p => p.NodeName(), StringComparer.Ordinal);
        var ports = HostPorts(pod).ToHashSet();
        var topology = new PodTopology(pod, nodes, active);
        foreach (var node in nodes)
        {
            var obstacle = node.Json.Flag("spec", "unschedulable") && !ToleratesUnschedulable(pod) ? "node(s) were unschedulable"
                : NodeFit.Obstacle(spec, spec.Objects("tolerations"), node)
                ?? (ports.Count > 0 && byNode[node.Metadata.Name!].SelectMany(HostPorts).Any(ports.Contains) ? "node(s) didn't have free ports for the requested pod ports" : null)
                ?? topology.Obstacle(node);
            if (obstacle is null)
                candidates.Add(node);
            else
                obstacles.Add(obstacle);
        }

        if (candidates.Count == 0)
        {
            var reasons = obstacles.GroupBy(o => o, StringComparer.Ordinal).OrderByDescending(g => g.Count()).ThenBy(g => g.Key, StringComparer.Ordinal).Select(g => $"{g.Count()} {g.Key}");
            return new Placement(null, nodes.Count == 0 ? "no nodes available to schedule pods" : $"0/{nodes.Count} nodes are available: {string.Join(", ", reasons)}.");
        }
        var best = candidates
            .OrderByDescending(topology.Preference)
            .ThenBy(n => NodeFit.Avoided(spec.Objects("tolerations"), n))
            .ThenBy(n => byNode[n.Metadata.Name!].Count(p => !p.IsDeleting() && IsSibling(pod, p)))
            .ThenBy(n => byNode[n.Metadata.Name!].Count())
            .ThenBy(n => n.Metadata.Name, StringComparer.Ordinal)
            .First();
        return new Placement(best.Metadata.Name, "");
    }

    /// <summary>Of one owner, or without one by the same labels: what a Service would pick together.</summary>
    private static bool IsSibling(UntypedObject pod, UntypedObject other) =>
        pod.Metadata.Namespace == other.Metadata.Namespace
        && (pod.Controller() is { } owner
            ? other.Controller()?.Uid == owner.Uid
            : other.Controller() is null && pod.Labels().Count > 0 && pod.Labels().All(l => other.Labels().GetValueOrDefault(l.Key) == l.Value));

    private static bool ToleratesUnschedulable(UntypedObject pod)
    {
        var taint = new System.Text.Json.Nodes.JsonObject { ["key"] = "node.kubernetes.io/unschedulable", ["effect"] = "NoSchedule" };
        return pod.Json.Objects("spec", "tolerations").Any(t => NodeFit.Tolerates(t, taint));
    }

    private static IEnumerable<(string Protocol, long Port)> HostPorts(UntypedObject pod)
    {
        var onHost = pod.Json.Flag("spec", "hostNetwork");
        foreach (var port in pod.Json.Objects("spec", "containers").SelectMany(c => c.Objects("ports")))
            if ((port.Number("hostPort") ?? (onHost ? port.Number("containerPort") : null)) is > 0 and { } number)
                yield return (port.Text("protocol") ?? "TCP", number);
    }
}

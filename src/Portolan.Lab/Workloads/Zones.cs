using Portolan.Core.Cluster;
using Portolan.Kubernetes.Resources;
using Portolan.Lab.ApiServer.Schema;

namespace Portolan.Lab.Workloads;

/// <summary>Where nodes stand.</summary>
internal static class Zones
{
    public const string Label = "topology.kubernetes.io/zone";

    public static string? Of(ClusterCache cache, string node) =>
        node.Length == 0 ? null : cache.Find(WorkloadKinds.Nodes, new ObjectKey("", node))?.Labels().GetValueOrDefault(Label);

    /// <summary>CPUs of the zones' Ready nodes; null when one of these has no zone. Control-plane nodes don't count: they serve nobody.</summary>
    public static Dictionary<string, double>? Cpus(ClusterCache cache)
    {
        var cpus = new Dictionary<string, double>(StringComparer.Ordinal);
        foreach (var node in cache.All(WorkloadKinds.Nodes))
        {
            if (!node.HasCondition("Ready") || node.Labels().ContainsKey("node-role.kubernetes.io/control-plane"))
                continue;
            if (node.Labels().GetValueOrDefault(Label) is not { Length: > 0 } zone)
                return null;
            cpus[zone] = cpus.GetValueOrDefault(zone) + CpusOf(node);
        }
        return cpus;
    }

    /// <summary>Whether a change of a node is one that endpoints' zones or hints may show.</summary>
    public static bool Matter(CacheChange change) =>
        change.Is(WorkloadKinds.Nodes) && Of(change.Old) != Of(change.New) && (HasZone(change.Old) || HasZone(change.New));

    private static bool HasZone(UntypedObject? node) => node?.Labels().ContainsKey(Label) == true;

    private static (string? Zone, bool Ready, double Cpus) Of(UntypedObject? node) =>
        node is null ? default : (node.Labels().GetValueOrDefault(Label), node.HasCondition("Ready"), CpusOf(node));

    private static double CpusOf(UntypedObject node) =>
        Quantity.TryParse(node.Json.Text("status", "allocatable", "cpu") ?? "0", out var nanos, out _) ? (double)nanos / 1e9 : 0;
}

using Portolan.Core.Cluster;

namespace Portolan.Proxy.Health;

/// <summary>Whether load balancers outside the cluster may still send connections through this Node (KEP-3836).</summary>
internal enum NodeStanding
{
    /// <summary>The API was not read yet: a node that forwards is not taken out of service because the API server is away.</summary>
    Unknown,

    /// <summary>It is there and stays.</summary>
    Present,

    /// <summary>There is no Node of this name.</summary>
    Missing,

    /// <summary>It is being deleted.</summary>
    Deleting,

    /// <summary>The cluster autoscaler is about to remove it.</summary>
    ScaledDown,
}

/// <summary>Reads a Node's standing.</summary>
internal static class NodeStandings
{
    // cluster-autoscaler/utils/taints: ToBeDeletedTaint
    private const string ToBeDeleted = "ToBeDeletedByClusterAutoscaler";

    internal static NodeStanding Of(NodeFacts node) =>
        node.Deleting ? NodeStanding.Deleting : node.TaintKeys.Contains(ToBeDeleted) ? NodeStanding.ScaledDown : NodeStanding.Present;

    internal static bool IsEligible(this NodeStanding standing) => standing is NodeStanding.Unknown or NodeStanding.Present;
}

using Portolan.Core.Cluster;

namespace Portolan.Core.Announcements;

/// <summary>
/// What all speakers know of all nodes. What a node's object says, everyone reads there, so that all agree about it even where that node's speaker is
/// dead; the rest only that speaker can know, and tells.
/// </summary>
public static class NodeReports
{
    /// <summary>The cluster autoscaler is about to delete the node.</summary>
    public const string ToBeDeletedTaint = "ToBeDeletedByClusterAutoscaler";

    /// <summary>The node is known to be shut down and not to come back soon (KEP-2268).</summary>
    public const string OutOfServiceTaint = "node.kubernetes.io/out-of-service";

    /// <summary>What the Node object says.</summary>
    /// <param name="node">The node.</param>
    /// <param name="ignoreCordon"><c>spec.unschedulable</c> says nothing (<c>--ignore-cordon</c>).</param>
    public static NodeConditions OfObject(NodeFacts node, bool ignoreCordon)
    {
        var conditions = NodeConditions.None;
        if ((node.Unschedulable && !ignoreCordon) || node.Deleting || node.TaintKeys.Contains(ToBeDeletedTaint))
            conditions |= NodeConditions.Draining;
        if (node.TaintKeys.Contains(OutOfServiceTaint))
            conditions |= NodeConditions.OutOfService;
        return conditions;
    }

    /// <summary>Puts together what speakers say of their own nodes and what the nodes' objects say. Who is well is not in it.</summary>
    /// <param name="told">By node.</param>
    /// <param name="nodes">The cluster's nodes.</param>
    /// <param name="ignoreCordon">As for <see cref="OfObject"/>.</param>
    public static IReadOnlyDictionary<string, NodeReport> Merge(IReadOnlyDictionary<string, NodeReport> told, IEnumerable<NodeFacts> nodes, bool ignoreCordon)
    {
        var merged = new Dictionary<string, NodeReport>(told, StringComparer.Ordinal);
        foreach (var node in nodes)
        {
            var conditions = OfObject(node, ignoreCordon);
            if (conditions is NodeConditions.None)
                continue;
            var report = merged.GetValueOrDefault(node.Name, NodeReport.Well);
            // Its own speaker will say since when, a moment later. Until then what it holds stays there, if all others are as unwell.
            var standing = (conditions & ~report.Conditions) == 0 ? report.Standing : long.MaxValue;
            merged[node.Name] = report with { Conditions = report.Conditions | conditions, Standing = standing };
        }

        return merged;
    }
}

using Portolan.Core.Cluster;

namespace Portolan.Lab.Workloads.Controllers;

/// <summary>Removes pods of nodes that are no longer part of the cluster: no agent is left to say that they ended.</summary>
internal sealed class PodCollector(ClusterCache cache, ClusterWriter writer) : Controller("pod-garbage-collector")
{
    public override IEnumerable<ObjectKey> Touches(CacheChange change)
    {
        if (change.Is(WorkloadKinds.Nodes) && change.New is null)
            return cache.All(WorkloadKinds.Pods).Where(p => p.NodeName() == change.Key.Name).Select(p => p.Key());
        return change.Is(WorkloadKinds.Pods) && change.New is { } pod && HasLostItsNode(pod.NodeName()) ? [change.Key] : [];
    }

    public override async Task<TimeSpan?> ReconcileAsync(ObjectKey key, CancellationToken cancel)
    {
        if (cache.Find(WorkloadKinds.Pods, key) is { } pod && HasLostItsNode(pod.NodeName()))
            await writer.DeleteAsync(WorkloadKinds.Pods, pod, cancel, gracePeriodSeconds: 0).ConfigureAwait(false);
        return null;
    }

    private bool HasLostItsNode(string node) => node.Length > 0 && cache.Find(WorkloadKinds.Nodes, new ObjectKey("", node)) is null;
}

using Portolan.Lab.Workloads.Controllers;

namespace Portolan.Lab.Workloads;

/// <summary>Every controller of a cluster, and its scheduler.</summary>
internal static class ControllerSet
{
    /// <param name="cache">The cluster.</param>
    /// <param name="writer">Writes to it.</param>
    /// <param name="authority">The cluster's CA certificate, PEM.</param>
    /// <param name="grace">How long a node may be silent.</param>
    /// <param name="eviction">How long a pod that says nothing stays on a node that is not Ready.</param>
    public static IEnumerable<Controller> Of(ClusterCache cache, ClusterWriter writer, string authority, TimeSpan grace, TimeSpan eviction) =>
    [
        new NamespaceController(cache, writer, authority),
        new NodeLifecycleController(cache, writer, grace, eviction),
        new DeploymentController(cache, writer),
        new ReplicaSetController(cache, writer),
        new DaemonSetController(cache, writer),
        new JobController(cache, writer),
        new Scheduler(cache, writer),
        new EndpointSliceController(cache, writer),
        new EndpointsController(cache, writer),
        new EndpointsMirroringController(cache, writer),
        new DisruptionController(cache, writer),
        new PodCollector(cache, writer),
        new HollowNodeController(cache, writer),
        new HollowPodController(cache, writer),
    ];
}

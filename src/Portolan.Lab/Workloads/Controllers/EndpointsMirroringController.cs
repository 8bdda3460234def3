using Portolan.Core.Cluster;
using Portolan.Lab.Workloads.Planning;

namespace Portolan.Lab.Workloads.Controllers;

/// <summary>Shows hand-written Endpoints as EndpointSlices, which is all that proxies read.</summary>
internal sealed class EndpointsMirroringController(ClusterCache cache, ClusterWriter writer) : Controller("endpointslicemirroring-controller")
{
    private const string Manager = "endpointslicemirroring-controller.k8s.io";

    public override IEnumerable<ObjectKey> Touches(CacheChange change)
    {
        if (change.Is(WorkloadKinds.Endpoints) || (change.Is(WorkloadKinds.Services) && cache.Find(WorkloadKinds.Endpoints, change.Key) is not null))
            return [change.Key];
        return change.Is(WorkloadKinds.EndpointSlices) && ServiceSlices.IsOf(change.Latest, Manager) && ServiceSlices.ServiceOf(change.Latest) is { } service
            ? [new ObjectKey(change.Key.Namespace, service)] : [];
    }

    public override async Task<TimeSpan?> ReconcileAsync(ObjectKey key, CancellationToken cancel)
    {
        var slices = new ServiceSlices(cache, writer, Manager, key);
        List<AddressFamily> families = [];
        if (cache.Find(WorkloadKinds.Endpoints, key) is { } endpoints && MirrorPlan.IsMirrored(endpoints, cache.Find(WorkloadKinds.Services, key)))
        {
            var labels = endpoints.Json.Map("metadata", "labels");
            foreach (var family in Enum.GetValues<AddressFamily>())
            {
                var groups = MirrorPlan.Groups(endpoints, family);
                if (groups.Count == 0)
                    continue;
                families.Add(family);
                await slices.WriteAsync(family, groups, labels, Objects.ReferenceTo(WorkloadKinds.Endpoints, endpoints), cancel, MirrorPlan.MostPerSubset).ConfigureAwait(false);
            }
        }
        await slices.DeleteOthersAsync(families, cancel).ConfigureAwait(false);
        return null;
    }
}

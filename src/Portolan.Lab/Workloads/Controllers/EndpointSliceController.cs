using Portolan.Core.Cluster;
using Portolan.Kubernetes.Resources;
using Portolan.Lab.Workloads.Planning;

namespace Portolan.Lab.Workloads.Controllers;

/// <summary>Tells where each Service's pods are, family by family.</summary>
internal sealed class EndpointSliceController(ClusterCache cache, ClusterWriter writer) : Controller("endpointslice-controller")
{
    private const string Manager = "endpointslice-controller.k8s.io";
    private const string Headless = "service.kubernetes.io/headless";

    public override IEnumerable<ObjectKey> Touches(CacheChange change) => Zones.Matter(change)
        ? cache.All(WorkloadKinds.Services).Where(s => ServiceKeys.Selector(s) is not null).Select(s => s.Key())
        : ServiceKeys.Touched(cache, change, WorkloadKinds.EndpointSlices, slice => ServiceSlices.IsOf(slice, Manager) ? ServiceSlices.ServiceOf(slice) : null);

    public override async Task<TimeSpan?> ReconcileAsync(ObjectKey key, CancellationToken cancel)
    {
        // A Service that is gone takes its slices with it: it owns them.
        if (cache.Find(WorkloadKinds.Services, key) is not { } service || service.IsDeleting() || ServiceKeys.Selector(service) is not { } selector)
            return null;
        var pods = cache.In(WorkloadKinds.Pods, key.Namespace).Where(p => selector.Matches(p.Labels())).ToList();
        var preference = TrafficPreferences.Of(service);
        var cpus = preference is TrafficPreference.Auto ? Zones.Cpus(cache) : null;
        var families = AddressFamilies.OfService(service);
        var labels = Labels(service);
        var slices = new ServiceSlices(cache, writer, Manager, key);
        foreach (var family in families)
        {
            var groups = EndpointPlan.Groups(service, pods, family, node => Zones.Of(cache, node));
            HintPlan.Apply(groups, preference, cpus);
            await slices.WriteAsync(family, groups, labels, Objects.ReferenceTo(WorkloadKinds.Services, service), cancel).ConfigureAwait(false);
        }
        await slices.DeleteOthersAsync(families, cancel).ConfigureAwait(false);
        return null;
    }

    private static Dictionary<string, string> Labels(UntypedObject service)
    {
        var labels = service.Json.Map("metadata", "labels");
        if (service.Json.Text("spec", "clusterIP") == "None")
            labels[Headless] = "";
        else
            labels.Remove(Headless);
        return labels;
    }
}

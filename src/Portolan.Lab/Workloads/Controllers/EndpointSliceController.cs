using System.Text.Json.Nodes;

using Portolan.Core.Cluster;
using Portolan.Kubernetes.Resources;
using Portolan.Lab.Workloads.Planning;

namespace Portolan.Lab.Workloads.Controllers;

/// <summary>Tells where each Service's pods are.</summary>
internal sealed class EndpointSliceController(ClusterCache cache, ClusterWriter writer) : Controller("endpointslice-controller")
{
    private const string ServiceName = "kubernetes.io/service-name";
    private const string ManagedBy = "endpointslice.kubernetes.io/managed-by";
    private const string Manager = "endpointslice-controller.k8s.io";
    private const string Headless = "service.kubernetes.io/headless";
    private const string TriggerTime = "endpoints.kubernetes.io/last-change-trigger-time";

    public override IEnumerable<ObjectKey> Touches(CacheChange change) => ServiceKeys.Touched(cache, change, WorkloadKinds.EndpointSlices,
        slice => slice.Labels().GetValueOrDefault(ManagedBy) == Manager ? slice.Labels().GetValueOrDefault(ServiceName) : null);

    public override async Task<TimeSpan?> ReconcileAsync(ObjectKey key, CancellationToken cancel)
    {
        // A Service that is gone takes its slices with it: it owns them.
        if (cache.Find(WorkloadKinds.Services, key) is not { } service || service.IsDeleting() || ServiceKeys.Selector(service) is not { } selector)
            return null;
        var mine = cache.In(WorkloadKinds.EndpointSlices, key.Namespace)
            .Where(s => s.Labels().GetValueOrDefault(ServiceName) == key.Name && s.Labels().GetValueOrDefault(ManagedBy) == Manager && !s.IsDeleting())
            .ToDictionary(s => s.Metadata.Name!, StringComparer.Ordinal);
        var groups = EndpointPlan.Groups(service, cache.In(WorkloadKinds.Pods, key.Namespace).Where(p => selector.Matches(p.Labels())));
        var decision = EndpointPlan.Slices(groups, [.. mine.Values.Select(s => new SliceFacts(s.Metadata.Name, s.Json["ports"] as JsonArray ?? [], [.. s.Json.Objects("endpoints")]))]);

        foreach (var slice in decision.Write)
        {
            var endpoints = slice.Endpoints.Select(e => e.DeepClone()).ToJson();
            if (slice.Name is { } name)
                await writer.PatchAsync(WorkloadKinds.EndpointSlices, mine[name], new JsonObject { ["metadata"] = new JsonObject { ["annotations"] = Annotations() }, ["endpoints"] = endpoints }, cancel).ConfigureAwait(false);
            else
                await writer.CreateAsync(WorkloadKinds.EndpointSlices, NewSlice(service, slice.Ports, endpoints), cancel).ConfigureAwait(false);
        }
        foreach (var name in decision.Delete)
            await writer.DeleteAsync(WorkloadKinds.EndpointSlices, mine[name], cancel).ConfigureAwait(false);
        return null;
    }

    private UntypedObject NewSlice(UntypedObject service, JsonArray ports, JsonArray endpoints)
    {
        var labels = service.Json.Map("metadata", "labels");
        labels[ServiceName] = service.Metadata.Name!;
        labels[ManagedBy] = Manager;
        if (service.Json.Text("spec", "clusterIP") == "None")
            labels[Headless] = "";
        return new UntypedObject(new JsonObject
        {
            ["metadata"] = new JsonObject
            {
                ["generateName"] = service.Metadata.Name + "-",
                ["namespace"] = service.Metadata.Namespace,
                ["labels"] = labels.ToJson(),
                ["annotations"] = Annotations(),
                ["ownerReferences"] = new JsonArray(Objects.ReferenceTo(WorkloadKinds.Services, service)),
            },
            ["addressType"] = "IPv4",
            ["endpoints"] = endpoints,
            ["ports"] = ports.DeepClone(),
        });
    }

    private JsonObject Annotations() => new() { [TriggerTime] = writer.Now.Timestamp() };
}

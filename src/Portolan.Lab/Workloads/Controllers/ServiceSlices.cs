using System.Text.Json.Nodes;

using Portolan.Core.Cluster;
using Portolan.Kubernetes.Resources;
using Portolan.Lab.Workloads.Planning;

namespace Portolan.Lab.Workloads.Controllers;

/// <summary>The EndpointSlices that one manager keeps for one Service. Slices of others are left alone.</summary>
/// <param name="cache">The cluster.</param>
/// <param name="writer">Writes to it.</param>
/// <param name="manager">The value of <c>endpointslice.kubernetes.io/managed-by</c>.</param>
/// <param name="service">The Service.</param>
internal sealed class ServiceSlices(ClusterCache cache, ClusterWriter writer, string manager, ObjectKey service)
{
    private const string ServiceName = "kubernetes.io/service-name";
    private const string ManagedBy = "endpointslice.kubernetes.io/managed-by";
    private const string TriggerTime = "endpoints.kubernetes.io/last-change-trigger-time";

    public static bool IsOf(UntypedObject slice, string manager) => slice.Labels().GetValueOrDefault(ManagedBy) == manager;

    public static string? ServiceOf(UntypedObject slice) => slice.Labels().GetValueOrDefault(ServiceName);

    private List<UntypedObject> Mine => [.. cache.In(WorkloadKinds.EndpointSlices, service.Namespace).Where(s => ServiceOf(s) == service.Name && IsOf(s, manager) && !s.IsDeleting())];

    /// <summary>Makes the slices of a family what they should be, changing as few as possible.</summary>
    /// <param name="family">The family.</param>
    /// <param name="groups">The endpoints that are.</param>
    /// <param name="labels">Labels besides the two that say whose the slice is.</param>
    /// <param name="owner">An entry for <c>ownerReferences</c>.</param>
    /// <param name="cancel">Ends it.</param>
    /// <param name="most">How many endpoints a slice may have.</param>
    public async Task WriteAsync(AddressFamily family, IReadOnlyList<EndpointGroup> groups, Dictionary<string, string> labels, JsonObject owner, CancellationToken cancel, int most = SlicePlan.MostPerSlice)
    {
        labels = new(labels, StringComparer.Ordinal) { [ServiceName] = service.Name, [ManagedBy] = manager };
        var existing = Mine.Where(s => s.Json.Text("addressType") == $"{family}").ToDictionary(s => s.Metadata.Name!, StringComparer.Ordinal);
        var decision = SlicePlan.Of(groups, [.. existing.Values.Select(s => new SliceFacts(s.Metadata.Name, s.Json["ports"] as JsonArray ?? [], [.. s.Json.Objects("endpoints")]))], most);
        foreach (var slice in decision.Write)
        {
            var endpoints = slice.Endpoints.Select(e => e.DeepClone()).ToJson();
            if (slice.Name is { } name)
                await writer.PatchAsync(WorkloadKinds.EndpointSlices, existing[name], new JsonObject { ["metadata"] = Metadata(existing[name], labels), ["endpoints"] = endpoints }, cancel).ConfigureAwait(false);
            else
                await writer.CreateAsync(WorkloadKinds.EndpointSlices, NewSlice(family, slice.Ports, endpoints, labels, owner), cancel).ConfigureAwait(false);
        }
        var written = decision.Write.Select(s => s.Name).ToHashSet(StringComparer.Ordinal);
        foreach (var (name, slice) in existing.Where(s => !written.Contains(s.Key) && !decision.Delete.Contains(s.Key) && !HasLabels(s.Value, labels)))
            await writer.PatchAsync(WorkloadKinds.EndpointSlices, slice, new JsonObject { ["metadata"] = Metadata(slice, labels) }, cancel).ConfigureAwait(false);
        foreach (var name in decision.Delete)
            await writer.DeleteAsync(WorkloadKinds.EndpointSlices, existing[name], cancel).ConfigureAwait(false);
    }

    /// <summary>Slices of families that the Service no longer has.</summary>
    public async Task DeleteOthersAsync(IReadOnlyCollection<AddressFamily> families, CancellationToken cancel)
    {
        foreach (var slice in Mine.Where(s => !families.Any(f => s.Json.Text("addressType") == $"{f}")))
            await writer.DeleteAsync(WorkloadKinds.EndpointSlices, slice, cancel).ConfigureAwait(false);
    }

    private UntypedObject NewSlice(AddressFamily family, JsonArray ports, JsonArray endpoints, Dictionary<string, string> labels, JsonObject owner) => new(new JsonObject
    {
        ["metadata"] = new JsonObject
        {
            ["generateName"] = service.Name + "-",
            ["namespace"] = service.Namespace,
            ["labels"] = labels.ToJson(),
            ["annotations"] = new JsonObject { [TriggerTime] = writer.Now.Timestamp() },
            ["ownerReferences"] = new JsonArray(owner.DeepClone()),
        },
        ["addressType"] = $"{family}",
        ["endpoints"] = endpoints,
        ["ports"] = ports.DeepClone(),
    });

    /// <summary>For a merge patch: a label that is no longer wanted is a null.</summary>
    private JsonObject Metadata(UntypedObject slice, Dictionary<string, string> labels)
    {
        var patch = labels.ToJson();
        foreach (var name in slice.Labels().Keys.Where(n => !labels.ContainsKey(n)))
            patch[name] = null;
        return new JsonObject { ["labels"] = patch, ["annotations"] = new JsonObject { [TriggerTime] = writer.Now.Timestamp() } };
    }

    private static bool HasLabels(UntypedObject slice, Dictionary<string, string> labels) =>
        slice.Labels().Count == labels.Count && labels.All(l => slice.Labels().GetValueOrDefault(l.Key) == l.Value);
}

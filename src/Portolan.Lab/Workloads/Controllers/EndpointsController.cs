using System.Text.Json.Nodes;

using Portolan.Core.Cluster;
using Portolan.Kubernetes.Resources;
using Portolan.Lab.Workloads.Planning;

namespace Portolan.Lab.Workloads.Controllers;

/// <summary>The older form of a Service's endpoints, which older kubectls show.</summary>
internal sealed class EndpointsController(ClusterCache cache, ClusterWriter writer) : Controller("endpoints-controller")
{
    public override IEnumerable<ObjectKey> Touches(CacheChange change) =>
        ServiceKeys.Touched(cache, change, WorkloadKinds.Endpoints,
            // Endpoints may be there before their Service is: whoever wrote them comes to it.
            endpoints => cache.Find(WorkloadKinds.Services, endpoints.Key()) is null ? null : endpoints.Metadata.Name);

    public override async Task<TimeSpan?> ReconcileAsync(ObjectKey key, CancellationToken cancel)
    {
        var existing = cache.Find(WorkloadKinds.Endpoints, key);
        if (cache.Find(WorkloadKinds.Services, key) is not { } service || service.IsDeleting())
        {
            if (existing is not null)
                await writer.DeleteAsync(WorkloadKinds.Endpoints, existing, cancel).ConfigureAwait(false);
            return null;
        }
        if (ServiceKeys.Selector(service) is not { } selector)
            return null;

        // The older form knows one family, and no zones.
        var groups = EndpointPlan.Groups(service, cache.In(WorkloadKinds.Pods, key.Namespace).Where(p => selector.Matches(p.Labels())), AddressFamilies.OfService(service)[0], _ => null);
        var subsets = groups.Select(Subset).OfType<JsonNode>().ToJson();
        if (existing is null)
        {
            await writer.CreateAsync(WorkloadKinds.Endpoints, new UntypedObject(new JsonObject
            {
                ["metadata"] = new JsonObject { ["name"] = key.Name, ["namespace"] = key.Namespace, ["labels"] = service.Json.Map("metadata", "labels").ToJson() },
                ["subsets"] = subsets,
            }), cancel).ConfigureAwait(false);
        }
        else if (!JsonNode.DeepEquals(existing.Json["subsets"] as JsonArray ?? [], subsets))
        {
            await writer.PatchAsync(WorkloadKinds.Endpoints, existing, new JsonObject { ["subsets"] = subsets }, cancel).ConfigureAwait(false);
        }
        return null;
    }

    private static JsonObject? Subset(EndpointGroup group)
    {
        var ready = group.Endpoints.Where(e => e.Flag("conditions", "ready")).Select(Address).ToList();
        var others = group.Endpoints.Where(e => !e.Flag("conditions", "ready") && !e.Flag("conditions", "terminating")).Select(Address).ToList();
        if (ready.Count + others.Count == 0)
            return null;
        var subset = new JsonObject();
        if (ready.Count > 0)
            subset["addresses"] = ready.ToJson();
        if (others.Count > 0)
            subset["notReadyAddresses"] = others.ToJson();
        subset["ports"] = group.Ports.OfType<JsonObject>().Select(p =>
        {
            var port = (JsonObject)p.DeepClone();
            if (port.Text("name") is not { Length: > 0 })
                port.Remove("name");
            return (JsonNode)port;
        }).ToJson();
        return subset;
    }

    private static JsonNode Address(JsonObject endpoint) => new JsonObject
    {
        ["ip"] = endpoint.Texts("addresses").First(),
        ["nodeName"] = endpoint.Text("nodeName"),
        ["targetRef"] = endpoint["targetRef"]?.DeepClone(),
    };
}

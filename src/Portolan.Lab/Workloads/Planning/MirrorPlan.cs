using System.Text.Json.Nodes;

using Portolan.Kubernetes.Resources;

namespace Portolan.Lab.Workloads.Planning;

/// <summary>Endpoints that somebody wrote by hand, as EndpointSlices show them. Pure.</summary>
internal static class MirrorPlan
{
    /// <summary>As the real controller's default.</summary>
    public const int MostPerSubset = 1000;

    private const string SkipMirror = "endpointslice.kubernetes.io/skip-mirror";
    private const string Leader = "control-plane.alpha.kubernetes.io/leader";

    /// <summary>Those of a Service without a selector, unless they ask to be passed over or are an elector's.</summary>
    public static bool IsMirrored(UntypedObject endpoints, UntypedObject? service) =>
        service is not null && !endpoints.IsDeleting()
        && service.Json.Map("spec", "selector").Count == 0
        && endpoints.Labels().GetValueOrDefault(SkipMirror) is not ("true" or "True" or "1")
        && endpoints.Annotation(Leader) is null;

    public static IReadOnlyList<EndpointGroup> Groups(UntypedObject endpoints, AddressFamily family)
    {
        var groups = new Dictionary<string, (JsonArray Ports, List<JsonObject> Endpoints)>(StringComparer.Ordinal);
        foreach (var subset in endpoints.Json.Objects("subsets"))
        {
            var ports = Ports(subset);
            var key = ports.ToJsonString();
            var mirrored = subset.Objects("addresses").Select(a => (Address: a, Ready: true)).Concat(subset.Objects("notReadyAddresses").Select(a => (Address: a, Ready: false)))
                .Where(a => a.Address.Text("ip") is { } ip && AddressFamilies.Of(ip) == family)
                .Take(MostPerSubset).Select(a => Endpoint(a.Address, a.Ready));
            if (!groups.TryGetValue(key, out var group))
                groups[key] = group = (ports, []);
            foreach (var endpoint in mirrored)
                if (!group.Endpoints.Exists(e => JsonNode.DeepEquals(e["addresses"], endpoint["addresses"])))
                    group.Endpoints.Add(endpoint);
        }
        return [.. groups.Where(g => g.Value.Endpoints.Count > 0).OrderBy(g => g.Key, StringComparer.Ordinal).Select(g => new EndpointGroup(g.Value.Ports, g.Value.Endpoints))];
    }

    private static JsonArray Ports(JsonObject subset) => subset.Objects("ports").Select(p =>
    {
        var port = new JsonObject { ["name"] = p.Text("name") ?? "", ["port"] = p.Number("port"), ["protocol"] = p.Text("protocol") ?? "TCP" };
        if (p.Text("appProtocol") is { } application)
            port["appProtocol"] = application;
        return (JsonNode)port;
    }).ToJson();

    private static JsonObject Endpoint(JsonObject address, bool ready)
    {
        var endpoint = new JsonObject { ["addresses"] = new JsonArray((JsonNode)address.Text("ip")!), ["conditions"] = new JsonObject { ["ready"] = ready } };
        foreach (var field in (ReadOnlySpan<string>)["hostname", "nodeName", "targetRef"])
            if (address[field] is { } value)
                endpoint[field] = value.DeepClone();
        return endpoint;
    }
}

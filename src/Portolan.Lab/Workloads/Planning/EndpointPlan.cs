using System.Text.Json.Nodes;

using Portolan.Kubernetes.Resources;

namespace Portolan.Lab.Workloads.Planning;

/// <summary>Endpoints that share a list of ports: pods may give one name to different numbers.</summary>
/// <param name="Ports">As EndpointSlices write them.</param>
/// <param name="Endpoints">Ordered by pod.</param>
internal sealed record EndpointGroup(JsonArray Ports, IReadOnlyList<JsonObject> Endpoints);

/// <summary>From a Service and its pods to endpoints of one address family. Pure.</summary>
internal static class EndpointPlan
{
    /// <param name="service">The Service.</param>
    /// <param name="pods">Those its selector picks.</param>
    /// <param name="family">Which of the pods' addresses are told.</param>
    /// <param name="zoneOf">A node's <c>topology.kubernetes.io/zone</c>, or null.</param>
    public static IReadOnlyList<EndpointGroup> Groups(UntypedObject service, IEnumerable<UntypedObject> pods, AddressFamily family, Func<string, string?> zoneOf)
    {
        var publishAll = service.Json.Flag("spec", "publishNotReadyAddresses");
        var groups = new Dictionary<string, (JsonArray Ports, List<JsonObject> Endpoints)>(StringComparer.Ordinal);
        foreach (var pod in pods.Where(p => !p.IsFinished()).OrderBy(p => p.Metadata.Name, StringComparer.Ordinal))
        {
            if (AddressFamilies.AddressOf(pod, family) is not { } address)
                continue;
            var ports = Ports(service, pod);
            var key = ports.ToJsonString();
            if (!groups.TryGetValue(key, out var group))
                groups[key] = group = (ports, []);
            group.Endpoints.Add(Endpoint(service, pod, address, publishAll, zoneOf));
        }
        return [.. groups.OrderBy(g => g.Key, StringComparer.Ordinal).Select(g => new EndpointGroup(g.Value.Ports, g.Value.Endpoints))];
    }

    /// <summary>The port of a pod that a Service's port means; null when the pod has none of that name.</summary>
    public static int? TargetPort(JsonObject servicePort, UntypedObject pod)
    {
        var target = servicePort["targetPort"];
        if (target.Number() is { } number and > 0)
            return (int)number;
        if (target.Text() is not { Length: > 0 } name)
            return (int?)servicePort.Number("port");
        var protocol = servicePort.Text("protocol") ?? "TCP";
        // A sidecar (an init container that is always restarted) may be what serves.
        var sidecars = pod.Json.Objects("spec", "initContainers").Where(c => c.Text("restartPolicy") == "Always");
        return (int?)pod.Json.Objects("spec", "containers").Concat(sidecars).SelectMany(c => c.Objects("ports"))
            .FirstOrDefault(p => p.Text("name") == name && (p.Text("protocol") ?? "TCP") == protocol).Number("containerPort");
    }

    private static JsonArray Ports(UntypedObject service, UntypedObject pod)
    {
        var ports = new JsonArray();
        foreach (var port in service.Json.Objects("spec", "ports"))
        {
            if (TargetPort(port, pod) is not { } number)
                continue;
            var entry = new JsonObject { ["name"] = port.Text("name") ?? "", ["port"] = number, ["protocol"] = port.Text("protocol") ?? "TCP" };
            if (port.Text("appProtocol") is { } application)
                entry["appProtocol"] = application;
            ports.Add((JsonNode)entry);
        }
        return ports;
    }

    private static JsonObject Endpoint(UntypedObject service, UntypedObject pod, string address, bool publishAll, Func<string, string?> zoneOf)
    {
        var serving = pod.IsReady();
        var terminating = pod.IsDeleting();
        var endpoint = new JsonObject
        {
            ["addresses"] = new JsonArray((JsonNode)address),
            ["conditions"] = new JsonObject { ["ready"] = publishAll || (serving && !terminating), ["serving"] = serving, ["terminating"] = terminating },
            ["nodeName"] = pod.NodeName(),
            ["targetRef"] = new JsonObject { ["kind"] = "Pod", ["namespace"] = pod.Metadata.Namespace, ["name"] = pod.Metadata.Name, ["uid"] = pod.Uid() },
        };
        if (zoneOf(pod.NodeName()) is { Length: > 0 } zone)
            endpoint["zone"] = zone;
        if (pod.Json.Text("spec", "hostname") is { Length: > 0 } hostname && pod.Json.Text("spec", "subdomain") == service.Metadata.Name)
            endpoint["hostname"] = hostname;
        return endpoint;
    }
}

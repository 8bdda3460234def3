using System.Text.Json.Nodes;

using Portolan.Kubernetes.Resources;

namespace Portolan.Lab.Workloads.Planning;

/// <summary>Endpoints that share a list of ports: pods may give one name to different numbers.</summary>
/// <param name="Ports">As EndpointSlices write them.</param>
/// <param name="Endpoints">Ordered by pod.</param>
internal sealed record EndpointGroup(JsonArray Ports, IReadOnlyList<JsonObject> Endpoints);

/// <summary>A slice as it is.</summary>
/// <param name="Name">Null for one that is to be made.</param>
/// <param name="Ports">Its ports.</param>
/// <param name="Endpoints">Its endpoints.</param>
internal sealed record SliceFacts(string? Name, JsonArray Ports, IReadOnlyList<JsonObject> Endpoints);

/// <param name="Write">Slices to make (without a name) or to change.</param>
/// <param name="Delete">Slices to delete.</param>
internal sealed record SliceDecision(IReadOnlyList<SliceFacts> Write, IReadOnlyList<string> Delete);

/// <summary>From a Service and its pods to EndpointSlices. Pure.</summary>
internal static class EndpointPlan
{
    /// <summary>As the real controller's default.</summary>
    public const int MostPerSlice = 100;

    public static IReadOnlyList<EndpointGroup> Groups(UntypedObject service, IEnumerable<UntypedObject> pods)
    {
        var publishAll = service.Json.Flag("spec", "publishNotReadyAddresses");
        var groups = new Dictionary<string, (JsonArray Ports, List<JsonObject> Endpoints)>(StringComparer.Ordinal);
        foreach (var pod in pods.Where(IsReachable).OrderBy(p => p.Metadata.Name, StringComparer.Ordinal))
        {
            var ports = Ports(service, pod);
            var key = ports.ToJsonString();
            if (!groups.TryGetValue(key, out var group))
                groups[key] = group = (ports, []);
            group.Endpoints.Add(Endpoint(service, pod, publishAll));
        }
        return [.. groups.OrderBy(g => g.Key, StringComparer.Ordinal).Select(g => new EndpointGroup(g.Value.Ports, g.Value.Endpoints))];
    }

    /// <summary>Changes as few slices as possible: what is in a slice stays in it, newcomers fill the gaps.</summary>
    public static SliceDecision Slices(IReadOnlyList<EndpointGroup> groups, IReadOnlyCollection<SliceFacts> existing)
    {
        var write = new List<SliceFacts>();
        var kept = new HashSet<string>(StringComparer.Ordinal);
        // A Service without any pod has one empty slice: it says that somebody looked.
        var wanted = groups.Count > 0 ? groups : [new EndpointGroup([], [])];
        foreach (var group in wanted)
        {
            var remaining = group.Endpoints.ToDictionary(IdOf, StringComparer.Ordinal);
            var slices = existing.Where(s => JsonNode.DeepEquals(s.Ports, group.Ports)).OrderBy(s => s.Name, StringComparer.Ordinal)
                .Select(s => (Slice: s, Now: s.Endpoints.Select(e => remaining.Remove(IdOf(e), out var now) ? now : null).OfType<JsonObject>().ToList())).ToList();
            var newcomers = new Queue<JsonObject>(remaining.Values.OrderBy(IdOf, StringComparer.Ordinal));
            foreach (var (slice, now) in slices)
            {
                while (now.Count < MostPerSlice && newcomers.Count > 0)
                    now.Add(newcomers.Dequeue());
                if (now.Count == 0 && (group.Endpoints.Count > 0 || slice != slices[0].Slice))
                    continue;   // empty beside others: goes
                kept.Add(slice.Name!);
                if (!Same(slice.Endpoints, now))
                    write.Add(slice with { Endpoints = now });
            }
            while (newcomers.Count > 0 || (slices.Count == 0 && group.Endpoints.Count == 0))
            {
                write.Add(new SliceFacts(null, group.Ports, [.. Enumerable.Range(0, Math.Min(MostPerSlice, newcomers.Count)).Select(_ => newcomers.Dequeue())]));
                if (group.Endpoints.Count == 0)
                    break;
            }
        }
        return new SliceDecision(write, [.. existing.Select(s => s.Name!).Where(n => !kept.Contains(n))]);
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
        return (int?)pod.Json.Objects("spec", "containers").SelectMany(c => c.Objects("ports"))
            .FirstOrDefault(p => p.Text("name") == name && (p.Text("protocol") ?? "TCP") == protocol).Number("containerPort");
    }

    private static bool IsReachable(UntypedObject pod) => !pod.IsFinished() && pod.Json.Text("status", "podIP") is { Length: > 0 };

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

    private static JsonObject Endpoint(UntypedObject service, UntypedObject pod, bool publishAll)
    {
        var serving = pod.IsReady();
        var terminating = pod.IsDeleting();
        var endpoint = new JsonObject
        {
            ["addresses"] = new JsonArray((JsonNode)pod.Json.Text("status", "podIP")!),
            ["conditions"] = new JsonObject { ["ready"] = publishAll || (serving && !terminating), ["serving"] = serving, ["terminating"] = terminating },
            ["nodeName"] = pod.NodeName(),
            ["targetRef"] = new JsonObject { ["kind"] = "Pod", ["namespace"] = pod.Metadata.Namespace, ["name"] = pod.Metadata.Name, ["uid"] = pod.Uid() },
        };
        if (pod.Json.Text("spec", "hostname") is { Length: > 0 } hostname && pod.Json.Text("spec", "subdomain") == service.Metadata.Name)
            endpoint["hostname"] = hostname;
        return endpoint;
    }

    private static string IdOf(JsonObject endpoint) => endpoint.Text("targetRef", "uid") is { Length: > 0 } uid ? uid : endpoint["addresses"]?.ToJsonString() ?? "";

    private static bool Same(IReadOnlyList<JsonObject> a, List<JsonObject> b) => a.Count == b.Count && a.Zip(b).All(p => JsonNode.DeepEquals(p.First, p.Second));
}

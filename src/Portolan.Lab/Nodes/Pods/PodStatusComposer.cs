using System.Net;
using System.Text.Json.Nodes;

namespace Portolan.Lab.Nodes.Pods;

/// <summary>Puts a pod's status together from its containers, by the rules of a kubelet. Keeps only when each condition last changed.</summary>
internal sealed class PodStatusComposer(DateTimeOffset startTime, NodeFigures node)
{
    private static readonly string[] _own = ["PodReadyToStartContainers", "Initialized", "Ready", "ContainersReady"];
    private readonly Dictionary<string, (bool Status, DateTimeOffset Since)> _conditions = [];

    public JsonObject Compose(Pod pod, IPAddress? podAddress, IReadOnlyList<ContainerSnapshot> init, IReadOnlyList<ContainerSnapshot> containers, DateTimeOffset now, (string Reason, string Message)? failure = null)
    {
        var phase = failure is null ? Phase(pod.Spec.RestartPolicy ?? "Always", init, containers) : "Failed";
        var initialized = init.All(c => c.IsInitialized) || phase is "Succeeded";
        var unready = init.Where(c => c.IsSidecar).Concat(containers).Where(c => !c.Ready).Select(c => c.Name).ToList();
        var (reason, message) = phase switch
        {
            "Succeeded" => ("PodCompleted", null),
            "Failed" => ("PodFailed", null),
            _ => ("ContainersNotReady", $"containers with unready status: [{string.Join(' ', unready)}]"),
        };
        var ready = unready.Count == 0 && phase == "Running";
        var waiting = init.FirstOrDefault(c => !c.IsInitialized);

        var conditions = new JsonArray();
        foreach (var foreign in pod.Status?.Conditions?.Where(c => !_own.Contains((string?)c["type"])) ?? [])
            conditions.Add((JsonNode)foreign.DeepClone());
        conditions.Add((JsonNode)Condition("PodReadyToStartContainers", podAddress is not null && phase is not ("Succeeded" or "Failed"), now));
        conditions.Add((JsonNode)Condition("Initialized", initialized, now, initialized ? null : "ContainersNotInitialized", initialized ? null : $"containers with incomplete status: [{waiting?.Name}]"));
        conditions.Add((JsonNode)Condition("Ready", ready, now, ready ? null : reason, ready ? null : message));
        conditions.Add((JsonNode)Condition("ContainersReady", ready, now, ready ? null : reason, ready ? null : message));

        var status = new JsonObject
        {
            ["phase"] = phase,
            ["conditions"] = conditions,
            ["hostIP"] = node.Address.ToString(),
            ["hostIPs"] = Addresses(node.Address),
            ["startTime"] = ContainerSnapshot.Time(startTime),
            ["containerStatuses"] = new JsonArray([.. containers.Select(c => (JsonNode)c.ToJson(isInit: false))]),
        };
        if (init.Count > 0)
            status["initContainerStatuses"] = new JsonArray([.. init.Select(c => (JsonNode)c.ToJson(isInit: true))]);
        if (podAddress is not null)
        {
            status["podIP"] = podAddress.ToString();
            status["podIPs"] = Addresses(podAddress);
        }
        if (failure is { } failed)
        {
            status["reason"] = failed.Reason;
            status["message"] = failed.Message;
        }
        return status;
    }

    internal static string Phase(string restartPolicy, IReadOnlyList<ContainerSnapshot> init, IReadOnlyList<ContainerSnapshot> containers)
    {
        var once = init.Where(c => !c.IsSidecar).ToList();
        if (restartPolicy == "Never" && once.Exists(c => c.Terminated is { ExitCode: not 0 }))
            return "Failed";
        // A sidecar that runs on after the others have ended, or was ended with them, takes no part.
        var begun = containers.Any(c => c.RunningSince is not null || c.Terminated is not null || c.LastTerminated is not null);
        if (once.Exists(c => c.Terminated?.ExitCode != 0) || (!begun && init.Any(c => !c.IsInitialized)))
            return "Pending";
        var running = containers.Count(c => c.RunningSince is not null);
        // One that waits to be started again has stopped; one that never ran is still pending.
        var never = containers.Count(c => c.WaitingReason is not null && c.LastTerminated is null);
        var succeeded = containers.Count(c => c.Terminated?.ExitCode == 0);
        if (never > 0)
            return "Pending";
        // What has ended waits for its sidecars to end.
        if (running > 0 || (containers.All(c => c.Terminated is not null) && init.Any(c => c.IsSidecar && c.RunningSince is not null)))
            return "Running";
        if (restartPolicy == "Always")
            return "Running";
        if (succeeded == containers.Count)
            return "Succeeded";
        return restartPolicy == "Never" && containers.All(c => c.Terminated is not null) ? "Failed" : "Running";
    }

    private JsonArray Addresses(IPAddress first) => new([.. node.AddressesOf(first).Select(a => (JsonNode)new JsonObject { ["ip"] = a.ToString() })]);

    private JsonObject Condition(string type, bool status, DateTimeOffset now, string? reason = null, string? message = null)
    {
        if (!_conditions.TryGetValue(type, out var known) || known.Status != status)
            _conditions[type] = known = (status, now);
        var json = new JsonObject
        {
            ["type"] = type,
            ["status"] = status ? "True" : "False",
            ["lastProbeTime"] = null,
            ["lastTransitionTime"] = ContainerSnapshot.Time(known.Since),
        };
        if (reason is not null)
            json["reason"] = reason;
        if (message is not null)
            json["message"] = message;
        return json;
    }
}

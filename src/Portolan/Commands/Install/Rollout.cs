using System.Text.Json.Nodes;
using Portolan.Kubernetes.Client;
using Portolan.Kubernetes.Resources;

namespace Portolan.Commands.Install;

/// <summary>Waits until the workloads that were applied are there, and says meanwhile what is missing and why.</summary>
internal sealed class Rollout(KubeClient client, Progress progress, TimeProvider time)
{
    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(250);

    /// <returns>Null when all are there, otherwise what is missing after the time.</returns>
    public async Task<string?> WaitAsync(IReadOnlyList<JsonObject> workloads, TimeSpan patience, CancellationToken stop)
    {
        var started = time.GetTimestamp();
        while (true)
        {
            var states = new List<WorkloadState>();
            foreach (var workload in workloads)
                states.Add(WorkloadState.Of((await client.GetAsync(ManifestKind.Of(workload), Namespace(workload), Name(workload), stop)).Json));
            var summary = string.Join(", ", states);
            if (states.TrueForAll(state => state.IsComplete))
            {
                progress.Done(summary);
                return null;
            }

            var troubles = new List<string>();
            foreach (var ns in workloads.Select(Namespace).Distinct(StringComparer.Ordinal))
                troubles.AddRange(PodTrouble.Of((await client.ListAsync(Kinds.Pods, ns, ct: stop)).Items));
            var missing = troubles.Count > 0 ? $"{summary} ({string.Join("; ", troubles.Take(6))})" : summary;
            progress.Now("waiting for " + missing);
            if (time.GetElapsedTime(started) > patience)
                return missing;
            await Task.Delay(Pause, time, stop);
        }
    }

    private static string? Namespace(JsonObject workload) => (string?)workload["metadata"]!["namespace"];

    private static string Name(JsonObject workload) => (string)workload["metadata"]!["name"]!;
}

/// <summary>How far a Deployment or DaemonSet is.</summary>
internal readonly record struct WorkloadState(string Name, long Ready, long Wanted, bool IsComplete)
{
    public static WorkloadState Of(JsonObject workload)
    {
        var (spec, status) = (workload["spec"], workload["status"]);
        var seen = Number(status, "observedGeneration") >= Number(workload["metadata"], "generation");
        var name = (string)workload["metadata"]!["name"]!;
        if ((string?)workload["kind"] == "DaemonSet")
        {
            var (wanted, ready) = (Number(status, "desiredNumberScheduled"), Number(status, "numberReady"));
            return new WorkloadState(name, ready, wanted, seen && wanted > 0 && ready >= wanted && Number(status, "updatedNumberScheduled") >= wanted);
        }
        else
        {
            var (wanted, ready) = (spec?["replicas"] is null ? 1 : Number(spec, "replicas"), Number(status, "availableReplicas"));
            return new WorkloadState(name, ready, wanted, seen && ready >= wanted && Number(status, "updatedReplicas") >= wanted);
        }
    }

    public override string ToString() => $"{Name} {Ready}/{Wanted}";

    private static long Number(JsonNode? part, string field) => (part as JsonObject)?[field] is JsonValue value && value.TryGetValue<long>(out var number) ? number : 0;
}

/// <summary>Why pods are not what they should be, in a few words each.</summary>
internal static class PodTrouble
{
    public static IEnumerable<string> Of(IEnumerable<UntypedObject> pods)
    {
        foreach (var pod in pods)
        {
            var where = (string?)pod.Spec?["nodeName"] is { } node ? $"{pod.Metadata.Name} on {node}" : pod.Metadata.Name;
            foreach (var container in pod.Status?["containerStatuses"] as JsonArray ?? [])
                if (container?["state"]?["waiting"] is JsonObject waiting && (string?)waiting["reason"] is { } reason and not ("ContainerCreating" or "PodInitializing"))
                    yield return $"{where}: {reason}{Detail(waiting)}";
            foreach (var condition in pod.Status?["conditions"] as JsonArray ?? [])
                if ((string?)condition?["type"] == "PodScheduled" && (string?)condition["status"] == "False")
                    yield return $"{where}: {(string?)condition["reason"]}{Detail(condition.AsObject())}";
        }
    }

    private static string Detail(JsonObject state) => (string?)state["message"] is { Length: > 0 } message ? $" ({(message.Length > 120 ? message[..120] + "…" : message)})" : "";
}

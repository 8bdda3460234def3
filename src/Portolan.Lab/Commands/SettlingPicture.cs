using System.Text.Json.Nodes;

using Portolan.Core.Cluster;
using Portolan.Kubernetes.Resources;
using Portolan.Kubernetes.Watching;

namespace Portolan.Lab.Commands;

/// <summary>What is known of a namespace's workloads while one waits for them, and what is still missing. Pure.</summary>
internal sealed class SettlingPicture(int expectedNodes, string ns)
{
    private readonly Dictionary<(string Kind, ObjectKey Key), JsonObject> _objects = [];
    private readonly HashSet<string> _synced = new(StringComparer.Ordinal);

    public void Apply(string kind, Change<UntypedObject> change)
    {
        if (change.Kind is ChangeKind.Synced)
            _synced.Add(kind);
        else if (change.New is { } now)
            _objects[(kind, change.Key)] = now.Json;
        else
            _objects.Remove((kind, change.Key));
    }

    public bool IsSettled => _synced.Count == 4 && Missing.Length == 0;

    public string Summary
    {
        get
        {
            var workloads = Workloads().ToList();
            var ready = string.Join(", ", workloads.Select(w => $"{w.Name} {w.Ready}/{w.Wanted}"));
            return $"{ReadyNodes()} of {expectedNodes} nodes Ready{(workloads.Count == 0 ? "" : $"; {ns}: {ready}")}";
        }
    }

    /// <summary>In words, or empty.</summary>
    public string Missing
    {
        get
        {
            var missing = new List<string>();
            if (ReadyNodes() < expectedNodes)
                missing.Add($"{ReadyNodes()} of {expectedNodes} nodes are Ready");
            var workloads = Workloads().ToList();
            if (workloads.Count == 0)
                missing.Add($"nothing is in namespace {ns}");
            missing.AddRange(workloads.Where(w => w.Ready < w.Wanted || w.Wanted == 0).Select(w => $"{w.Name} has {w.Ready} of {w.Wanted} pods Ready"));
            if (missing.Count > 0)
                missing.AddRange(PodTroubles());
            return string.Join("; ", missing);
        }
    }

    public IEnumerable<string> SuspectLogs
    {
        get
        {
            yield return "controllers";
            var ready = Of("Node").Where(IsReady).Select(n => (string?)n["metadata"]?["name"]).ToHashSet();
            for (var n = 1; n <= expectedNodes; n++)
                if (!ready.Contains($"node{n}"))
                    yield return $"node{n}";
        }
    }

    private int ReadyNodes() => Of("Node").Count(IsReady);

    private IEnumerable<(string Name, long Ready, long Wanted)> Workloads()
    {
        foreach (var deployment in Of("Deployment"))
        {
            var current = IsObserved(deployment);
            var wanted = Number(deployment["spec"]?["replicas"]) ?? 1;
            yield return (Name(deployment), current ? Math.Min(Number(deployment["status"]?["availableReplicas"]) ?? 0, Number(deployment["status"]?["updatedReplicas"]) ?? 0) : 0, wanted);
        }
        foreach (var set in Of("DaemonSet"))
        {
            // A set that its controller has not looked at yet wants a pod on every node, as far as we know.
            var current = IsObserved(set);
            yield return (Name(set), current ? Number(set["status"]?["numberReady"]) ?? 0 : 0, current ? Number(set["status"]?["desiredNumberScheduled"]) ?? 0 : expectedNodes);
        }
    }

    private IEnumerable<string> PodTroubles()
    {
        foreach (var pod in Of("Pod"))
        {
            foreach (var status in (pod["status"]?["containerStatuses"] as JsonArray ?? []).OfType<JsonObject>())
                if (status["state"]?["waiting"] is JsonObject waiting)
                    yield return $"pod {Name(pod)}: {(string?)waiting["reason"]} {(string?)waiting["message"]}".TrimEnd();
        }
    }

    private static bool IsObserved(JsonObject workload) => Number(workload["status"]?["observedGeneration"]) >= (Number(workload["metadata"]?["generation"]) ?? 0);

    private static bool IsReady(JsonObject node) =>
        (node["status"]?["conditions"] as JsonArray ?? []).Any(c => (string?)c?["type"] == "Ready" && (string?)c?["status"] == "True");

    private static long? Number(JsonNode? node) => (long?)node;

    private static string Name(JsonObject value) => (string?)value["metadata"]?["name"] ?? "";

    private IEnumerable<JsonObject> Of(string kind) => _objects.Where(o => o.Key.Kind == kind).OrderBy(o => o.Key.Key).Select(o => o.Value);
}

using System.Text.Json;

namespace Portolan.Lab.ApiServer.Tables;

/// <summary>A pod's row: the STATUS column is the most telling of its phase, its containers' reasons, and its deletion.</summary>
internal static class PodPrinter
{
    public static RowPrinter Instance { get; } = new(
        [
            RowPrinter.Name, RowPrinter.Column("Ready"), RowPrinter.Column("Status"), RowPrinter.Column("Restarts"), RowPrinter.Age,
            RowPrinter.Wide("IP"), RowPrinter.Wide("Node"), RowPrinter.Wide("Nominated Node"), RowPrinter.Wide("Readiness Gates"),
        ],
        Write);

    private static void Write(JsonElement pod, Cells cells)
    {
        var spec = pod.At("spec");
        var status = pod.At("status");
        var summary = Summarize(pod);
        cells.Text(pod.Name());
        cells.Text($"{summary.Ready}/{summary.Total}");
        cells.Text(summary.Reason);
        cells.Text(summary is { Restarts: > 0, LastRestart: { } last } ? $"{summary.Restarts} ({HumanDuration.Format(cells.Now - last)} ago)" : $"{summary.Restarts}");
        cells.Age(pod);

        var addresses = status.At("podIPs").Items();
        cells.TextOrNone(addresses.Count > 0 ? addresses[0].At("ip").Str() : status.At("podIP").Str());
        cells.TextOrNone(spec.At("nodeName").Str());
        cells.TextOrNone(status.At("nominatedNodeName").Str());
        var gates = spec.At("readinessGates").Items();
        cells.Text(gates.Count == 0 ? "<none>" : $"{gates.Count(gate => status.HasCondition(gate.At("conditionType").Str()))}/{gates.Count}");
    }

    private static Summary Summarize(JsonElement pod)
    {
        var spec = pod.At("spec");
        var status = pod.At("status");
        var phase = status.At("phase").Str();
        var podReason = status.At("reason").Str();
        var summary = new Summary { Reason = podReason.Length > 0 ? podReason : phase, Total = spec.At("containers").Count() };
        foreach (var condition in status.At("conditions").Items())
        {
            if (condition.At("type").Str() == "PodScheduled" && condition.At("reason").Str() == "SchedulingGated")
                summary.Reason = "SchedulingGated";
        }

        var initContainers = spec.At("initContainers").Items();
        var sidecars = initContainers.Where(container => container.At("restartPolicy").Str() == "Always").Select(container => container.At("name").Str()).ToHashSet();
        summary.Total += sidecars.Count;

        var initializing = AddInitContainers(summary, status, initContainers.Count, sidecars);
        if (!initializing || status.HasCondition("Initialized"))
            AddContainers(summary, status);

        var deleted = pod.At("metadata", "deletionTimestamp").Exists();
        if (deleted && podReason == "NodeLost")
            summary.Reason = "Unknown";
        else if (deleted && phase is not ("Succeeded" or "Failed"))
            summary.Reason = "Terminating";
        return summary;
    }

    /// <returns>Whether an init container still keeps the others waiting.</returns>
    private static bool AddInitContainers(Summary summary, JsonElement status, int count, HashSet<string> sidecars)
    {
        var done = 0;
        foreach (var container in status.At("initContainerStatuses").Items())
        {
            var isSidecar = sidecars.Contains(container.At("name").Str());
            summary.AddRestarts(container, isSidecar);
            var terminated = container.At("state", "terminated");
            var waiting = container.At("state", "waiting", "reason").Str();
            if (terminated.Exists() && terminated.At("exitCode").Int() == 0)
            {
                done++;
                continue;
            }

            if (isSidecar && container.At("started").IsTrue())
            {
                if (container.At("ready").IsTrue())
                    summary.Ready++;
                done++;
                continue;
            }

            if (terminated.Exists())
                summary.Reason = "Init:" + TerminationReason(terminated);
            else if (waiting.Length > 0 && waiting != "PodInitializing")
                summary.Reason = "Init:" + waiting;
            else
                summary.Reason = $"Init:{done}/{count}";
            return true;
        }

        return false;
    }

    private static void AddContainers(Summary summary, JsonElement status)
    {
        // Once the pod is initialized, only what still runs beside the containers counts.
        summary.Restarts = summary.SidecarRestarts;
        summary.LastRestart = summary.LastSidecarRestart;
        var hasRunning = false;
        foreach (var container in status.At("containerStatuses").Items().Reverse())
        {
            summary.AddRestarts(container, isSidecar: false);
            var waiting = container.At("state", "waiting", "reason").Str();
            var terminated = container.At("state", "terminated");
            if (waiting.Length > 0)
                summary.Reason = waiting;
            else if (terminated.Exists())
                summary.Reason = TerminationReason(terminated);
            else if (container.At("ready").IsTrue() && container.At("state", "running").Exists())
            {
                hasRunning = true;
                summary.Ready++;
            }
        }

        if (summary.Reason == "Completed" && hasRunning)
            summary.Reason = status.HasCondition("Ready") ? "Running" : "NotReady";
    }

    private static string TerminationReason(JsonElement terminated)
    {
        var reason = terminated.At("reason").Str();
        if (reason.Length > 0)
            return reason;
        var signal = terminated.At("signal").Int();
        return signal != 0 ? $"Signal:{signal}" : $"ExitCode:{terminated.At("exitCode").Int()}";
    }

    private sealed class Summary
    {
        public required string Reason { get; set; }
        public required int Total { get; set; }
        public int Ready { get; set; }
        public long Restarts { get; set; }
        public DateTimeOffset? LastRestart { get; set; }
        public long SidecarRestarts { get; private set; }
        public DateTimeOffset? LastSidecarRestart { get; private set; }

        public void AddRestarts(JsonElement container, bool isSidecar)
        {
            var restarts = container.At("restartCount").Int();
            var finished = container.At("lastState", "terminated", "finishedAt").Time();
            Restarts += restarts;
            LastRestart = Later(LastRestart, finished);
            if (isSidecar)
            {
                SidecarRestarts += restarts;
                LastSidecarRestart = Later(LastSidecarRestart, finished);
            }
        }

        private static DateTimeOffset? Later(DateTimeOffset? a, DateTimeOffset? b) => a is null || b > a ? b ?? a : a;
    }
}

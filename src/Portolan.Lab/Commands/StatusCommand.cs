using System.CommandLine;
using System.Text.Json;
using System.Text.Json.Nodes;

using Portolan.Kubernetes.Client;
using Portolan.Kubernetes.Resources;
using Portolan.Lab.Hollow;
using Portolan.Lab.Network;
using Portolan.Lab.Network.Faults;
using Portolan.Lab.Supervision;

namespace Portolan.Lab.Commands;

/// <param name="Name">The lab's.</param>
/// <param name="Well">Everything that should run does.</param>
/// <param name="Server">The API server as the machine reaches it, or null without a supervisor.</param>
/// <param name="Hosts">In the switch's order.</param>
/// <param name="Partition">Groups of hosts that are kept apart; empty without a partition.</param>
/// <param name="Loss">Hosts that lose packets.</param>
/// <param name="Processes">What the supervisor keeps running.</param>
/// <param name="Nodes">As Kubernetes sees them, without the hollow ones; null when the API server does not answer.</param>
/// <param name="HollowNodes">How many nodes are objects without a host.</param>
/// <param name="PodsReady">Pods that are Ready.</param>
/// <param name="Pods">All pods that are not finished.</param>
/// <param name="Problem">What keeps this picture from being whole, or null.</param>
internal sealed record LabStatus(string Name, bool Well, string? Server, IReadOnlyList<HostStatus> Hosts,
    IReadOnlyList<IReadOnlyList<string>> Partition, IReadOnlyList<PacketLoss> Loss, IReadOnlyList<ProcessStatus> Processes,
    IReadOnlyList<NodeStatus>? Nodes, int HollowNodes, int PodsReady, int Pods, string? Problem);

/// <param name="Name">The host's.</param>
/// <param name="Address">On the lab's LAN.</param>
/// <param name="State"><c>up</c>, <c>cut</c>, <c>frozen</c>, <c>off</c>, or <c>missing</c> when its namespace is not there.</param>
internal sealed record HostStatus(string Name, string Address, string State);

internal sealed record NodeStatus(string Name, bool Ready);

internal static class StatusCommand
{
    public static Command Create()
    {
        var (name, output) = (LabOptions.Name(), LabOptions.Output());
        var command = new Command("status", "Print the lab's hosts, processes, nodes and pods; exit code 1 when something is not well.") { name, output };
        command.SetAction(async (parsed, cancel) =>
        {
            LabOptions.RequireRoot();
            var layout = new LabLayout(parsed.GetValue(name)!);
            var spec = LabSpec.Read(layout) ?? throw new LabException(LabRemoval.Exists(layout)
                ? $"lab '{layout.Name}' is half made: 'portolan lab up' makes it whole, 'portolan lab down' removes it"
                : $"there is no lab '{layout.Name}': portolan lab up makes one");
            var status = await ReadAsync(layout, spec, cancel).ConfigureAwait(false);
            if (parsed.GetValue(output) == "json")
                Console.WriteLine(JsonSerializer.Serialize(status, CommandsJson.Default.LabStatus));
            else
                Print(status);
            return status.Well ? CommandLine.Done : CommandLine.NotWell;
        });
        return command;
    }

    private static async Task<LabStatus> ReadAsync(LabLayout layout, LabSpec spec, CancellationToken cancel)
    {
        var topology = spec.Topology(layout);
        var supervisor = await SupervisorClient.TryAskAsync(layout, new ControlRequest("status"), cancel).ConfigureAwait(false);
        var hosts = topology.Hosts.Select(h => new HostStatus(h.Name, h.Address.ToString(), StateOf(layout, h, supervisor))).ToList();
        var processes = supervisor?.Processes ?? [];
        if (supervisor is null)
            return new LabStatus(layout.Name, false, null, hosts, [], [], processes, null, 0, 0, 0, "its supervisor is not running: portolan lab up starts it again");

        var faults = supervisor.Faults;
        var server = $"https://127.0.0.1:{supervisor.Port}";
        try
        {
            using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancel);
            limit.CancelAfter(TimeSpan.FromSeconds(5));
            using var client = new KubeClient(ClusterConnection.Load(layout.Kubeconfig("admin")));
            var nodes = await client.ListAsync(Kinds.Nodes, ct: limit.Token).ConfigureAwait(false);
            var pods = await client.ListAsync(Kinds.Pods, ct: limit.Token).ConfigureAwait(false);
            var open = pods.Items.Where(p => (string?)p.Status?["phase"] is not ("Succeeded" or "Failed")).ToList();
            var ready = open.Count(p => IsReady(p.Status));
            var real = nodes.Items.Where(n => n.Metadata.Labels?.ContainsKey(HollowCluster.Label) != true).ToList();
            var nodeStates = real.Select(n => new NodeStatus(n.Metadata.Name!, n.Status?.Conditions?.Any(c => c.Type == "Ready" && c.Status == "True") == true))
                .OrderBy(n => n.Name, StringComparer.Ordinal).ToList();
            var well = hosts.All(h => h.State == "up") && faults.Partition.Count == 0 && faults.Loss.Count == 0 && processes.All(p => p.State == "running") && nodeStates.Count == spec.Nodes && nodeStates.All(n => n.Ready) && ready == open.Count;
            return new LabStatus(layout.Name, well, server, hosts, faults.Partition, faults.Loss, processes, nodeStates, nodes.Items.Count - real.Count, ready, open.Count, null);
        }
        catch (Exception e) when (e is HttpRequestException or KubeApiException or OperationCanceledException && !cancel.IsCancellationRequested)
        {
            return new LabStatus(layout.Name, false, server, hosts, faults.Partition, faults.Loss, processes, null, 0, 0, 0, $"the API server does not answer: {e.Message}");
        }
    }

    private static string StateOf(LabLayout layout, LabHost host, ControlReply? supervisor) =>
        File.Exists(LabLayout.NamespacePath(layout.Namespace(host.Name))) ? supervisor?.Faults.StateOf(host.Name) ?? "up" : "missing";

    private static bool IsReady(JsonObject? status) =>
        (status?["conditions"] as JsonArray ?? []).Any(c => (string?)c?["type"] == "Ready" && (string?)c?["status"] == "True");

    private static void Print(LabStatus status)
    {
        Console.WriteLine($"lab '{status.Name}'{(status.Server is null ? "" : $", API server {status.Server}")}");
        Columns.Print(["HOST", "ADDRESS", "STATE"], status.Hosts.Select(h => (string[])[h.Name, h.Address, h.State]));
        if (status.Partition.Count > 0)
            Console.WriteLine($"apart: {Partition.ToString(status.Partition)}");
        foreach (var loss in status.Loss)
            Console.WriteLine($"lost: {loss}");
        Console.WriteLine();
        Columns.Print(["PROCESS", "HOST", "STATE", "PID", "RESTARTS"], status.Processes.Select(p => (string[])[p.Name, p.Host, p.State, p.Pid == 0 ? "-" : $"{p.Pid}", $"{p.Restarts}"]));
        Console.WriteLine();
        if (status.Nodes is { } nodes)
            Console.WriteLine($"{nodes.Count(n => n.Ready)} of {nodes.Count} nodes Ready{(status.HollowNodes > 0 ? $" and {status.HollowNodes} hollow ones" : "")}, {status.PodsReady} of {status.Pods} pods Ready");
        if (status.Problem is { } problem)
            Console.WriteLine(problem);
    }
}

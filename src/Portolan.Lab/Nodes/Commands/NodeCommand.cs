using System.CommandLine;
using System.Globalization;

using Portolan.Kubernetes.Client;
using Portolan.Lab.Commands;
using Portolan.Lab.Network;
using Portolan.Lab.Supervision;

namespace Portolan.Lab.Nodes.Commands;

/// <summary>The node agent, started by the supervisor in the node's network namespace and cgroup.</summary>
internal static class NodeCommand
{
    public static Command Create()
    {
        var lab = new Option<string>("--lab") { Description = "The lab.", DefaultValueFactory = _ => LabLayout.DefaultName };
        var name = new Option<string>("--name") { Description = "The node: node1, node2, …", Required = true };
        var zone = new Option<string?>("--zone") { Description = "Its topology.kubernetes.io/zone." };
        var command = new Command("node", "Run a node's pods.") { lab, name, zone };
        command.SetAction(async (parsed, cancel) =>
        {
            var layout = new LabLayout(parsed.GetRequiredValue(lab));
            var host = HostOf(layout, parsed.GetRequiredValue(name));
            using var loggers = LabLogging.ToConsole();
            using var client = new KubeClient(ClusterConnection.Load(layout.Kubeconfig(host.Name)));
            await new NodeAgent(layout, host, client, Executables.Portolan, parsed.GetValue(zone), loggers).RunAsync(cancel).ConfigureAwait(false);
            return CommandLine.Done;
        });
        return command;
    }

    private static LabHost HostOf(LabLayout layout, string name) =>
        name.StartsWith("node", StringComparison.Ordinal) && int.TryParse(name["node".Length..], CultureInfo.InvariantCulture, out var number) && number is >= 1 and <= Topology.MaximumNodes
            ? new Topology(layout, number, LabSpec.Read(layout)?.DualStack == true).Find(name)!
            : throw new LabException($"'{name}' is not a node's name: nodes are node1 to node{Topology.MaximumNodes}", CommandLine.WrongUsage);
}

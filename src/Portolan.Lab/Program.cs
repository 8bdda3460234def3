using System.CommandLine;

using Portolan.Lab.ApiServer;
using Portolan.Lab.Commands;
using Portolan.Lab.Nodes.Commands;
using Portolan.Lab.Workloads;

namespace Portolan.Lab;

/// <summary>The lab executable: <c>portolan lab ARGS</c> runs <c>portolan-lab ARGS</c>.</summary>
internal static class Program
{
    private static async Task<int> Main(string[] args)
    {
        var root = new RootCommand("A Kubernetes cluster on real wires, inside network namespaces of this machine.");
        foreach (var command in ForPeople())
            root.Subcommands.Add(command);
        foreach (var command in ForTheLabItself())
        {
            command.Hidden = true;
            root.Subcommands.Add(command);
        }
        return await CommandLine.RunAsync(root, args).ConfigureAwait(false);
    }

    private static IEnumerable<Command> ForPeople() =>
    [
        UpCommand.Create(),
        DownCommand.Create(),
        StatusCommand.Create(),
        KubeconfigCommand.Create(),
        ExecCommand.Create(),
        FaultCommands.Kill(),
        FaultCommands.Start(),
        FaultCommands.Cut(),
        FaultCommands.Heal(),
        FaultCommands.Freeze(),
        FaultCommands.Thaw(),
        PartitionCommand.Create(),
        LossCommand.Create(),
        CaptureCommand.Create(),
        ImageCommands.Create(),
        HollowCommand.Create(),
    ];

    /// <summary>What the supervisor, a node agent or a pod starts. One line each; every command is made by a static <c>Create()</c> in its own room.</summary>
    private static IEnumerable<Command> ForTheLabItself() =>
    [
        SuperviseCommand.Create(),
        ApiServerCommand.Create(),
        Dns.DnsCommand.Create(),
        NodeCommand.Create(),
        ContainerCommands.CreateInit(),
        ContainerCommands.CreateExec(),
        WebCommand.Create(),
        ControllersCommand.Create(),
    ];
}

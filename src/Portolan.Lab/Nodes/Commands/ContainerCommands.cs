using System.CommandLine;

using Portolan.Lab.Nodes.Containers;

namespace Portolan.Lab.Nodes.Commands;

/// <summary>What the node agent starts to make a container, and to add a process to one.</summary>
internal static class ContainerCommands
{
    public static Command CreateInit()
    {
        var spec = new Argument<string>("spec") { Description = "File that describes the container." };
        var isSealed = new Option<bool>("--sealed") { Description = "The executable runs from a read-only mount already." };
        var command = new Command("container-init", "Become the first process of a container.") { spec, isSealed };
        command.SetAction(parsed => ContainerInit.Run(parsed.GetRequiredValue(spec), parsed.GetValue(isSealed)));
        return command;
    }

    public static Command CreateExec()
    {
        var spec = new Argument<string>("spec") { Description = "The process, as JSON." };
        var isSealed = new Option<bool>("--sealed") { Description = "The executable runs from a read-only mount already." };
        var command = new Command("container-exec", "Become a process of a running container.") { spec, isSealed };
        command.SetAction(parsed => ContainerInit.RunExec(parsed.GetRequiredValue(spec), parsed.GetValue(isSealed)));
        return command;
    }
}

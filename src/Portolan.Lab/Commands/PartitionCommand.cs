using System.CommandLine;

using Portolan.Lab.Network.Faults;
using Portolan.Lab.Supervision;

namespace Portolan.Lab.Commands;

internal static class PartitionCommand
{
    public static Command Create()
    {
        var name = LabOptions.Name();
        var groups = new Argument<string[]>("groups") { Description = "Groups of hosts with '/' between them: node1,node2 / node3,control", Arity = ArgumentArity.OneOrMore };
        var command = new Command("partition", "Groups of hosts cannot talk to each other any more; hosts in no group talk to everybody. Replaces an earlier partition; 'heal --all' ends it.") { name, groups };
        command.Validators.Add(result =>
        {
            if (Partition.TryParse(result.GetValue(groups) ?? [], out _) is { } wrong)
                result.AddError($"partition: {wrong}");
        });
        command.SetAction(async (parsed, cancel) =>
        {
            LabOptions.RequireRoot();
            var layout = new LabLayout(parsed.GetValue(name)!);
            _ = Partition.TryParse(parsed.GetValue(groups)!, out var partition);
            foreach (var host in partition.SelectMany(g => g))
                LabOptions.Find(layout, host);
            var reply = await SupervisorClient.AskAsync(layout, new ControlRequest("partition", Partition: partition), cancel).ConfigureAwait(false);
            Console.WriteLine($"{(reply.Changed ? "" : "already ")}apart: {Partition.ToString(partition)}");
            return CommandLine.Done;
        });
        return command;
    }
}

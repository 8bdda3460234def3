using System.CommandLine;

using Portolan.Lab.Supervision;

namespace Portolan.Lab.Commands;

internal static class DownCommand
{
    public static Command Create()
    {
        var name = LabOptions.Name();
        var command = new Command("down", "Remove the lab and everything of it: processes, network, files.") { name };
        command.SetAction(async (parsed, cancel) =>
        {
            LabOptions.RequireRoot();
            var layout = new LabLayout(parsed.GetValue(name)!);
            using var only = LabLock.Take(layout);
            if (!LabRemoval.Exists(layout))
            {
                Console.WriteLine($"there is no lab '{layout.Name}'");
                return CommandLine.Done;
            }
            await LabRemoval.RemoveAsync(layout, cancel).ConfigureAwait(false);
            Console.WriteLine($"lab '{layout.Name}' is removed");
            return CommandLine.Done;
        });
        return command;
    }
}

using System.CommandLine;

using Microsoft.Win32.SafeHandles;

using Portolan.Lab.Supervision;

namespace Portolan.Lab.Commands;

/// <summary>Started by <c>up</c>, in a session of its own.</summary>
internal static class SuperviseCommand
{
    public static Command Create()
    {
        var name = LabOptions.Name();
        var ready = new Option<int?>("--ready-fd") { Description = "A descriptor that gets one line when commands are taken, and is closed." };
        var command = new Command("supervise", "Keep a lab's programs running.") { name, ready };
        command.SetAction(async (parsed, cancel) =>
        {
            var layout = new LabLayout(parsed.GetValue(name)!);
            var spec = LabSpec.Read(layout) ?? throw new LabException($"there is no lab '{layout.Name}'");
            using var loggers = LabLogging.ToConsole();
            using var supervisor = new Supervisor(layout, spec, loggers.CreateLogger("supervisor"));
            try
            {
                await supervisor.RunAsync(() => Tell(parsed.GetValue(ready)), cancel).ConfigureAwait(false);
            }
            catch (OperationCanceledException) when (cancel.IsCancellationRequested)
            {
            }
            return CommandLine.Done;
        });
        return command;
    }

    private static void Tell(int? descriptor)
    {
        if (descriptor is not { } number)
            return;
        using var stream = new FileStream(new SafeFileHandle(number, ownsHandle: true), FileAccess.Write);
        stream.Write("ready\n"u8);
    }
}

using System.CommandLine;

using Portolan.Lab.Network;
using Portolan.Lab.Supervision;

namespace Portolan.Lab.Commands;

/// <summary>Faults: power (<c>kill</c>, <c>start</c>) and cable (<c>cut</c>, <c>heal</c>).</summary>
internal static class FaultCommands
{
    public static Command Kill() => Power("kill", "Take a host's power away: every process on it dies at once, its cable goes dead.", "is without power");

    public static Command Start() => Power("start", "Give a killed host its power back: it boots with an empty kernel.", "has power");

    public static Command Cut() => Cable("cut", "Pull a host's cable out of the switch; its processes go on.", "is cut off", (network, host, cancel) => network.CutAsync(host, cancel));

    public static Command Heal() => Cable("heal", "Put a host's cable back.", "is on the network", (network, host, cancel) => network.HealAsync(host, cancel));

    private static Command Power(string verb, string description, string done)
    {
        var (name, host) = (LabOptions.Name(), LabOptions.Host());
        var command = new Command(verb, description) { name, host };
        command.SetAction(async (parsed, cancel) =>
        {
            LabOptions.RequireRoot();
            var layout = new LabLayout(parsed.GetValue(name)!);
            var (_, found) = LabOptions.Find(layout, parsed.GetValue(host)!);
            await SupervisorClient.AskAsync(layout, new ControlRequest(verb, found.Name), cancel).ConfigureAwait(false);
            Console.WriteLine($"{found.Name} {done}");
            return CommandLine.Done;
        });
        return command;
    }

    private static Command Cable(string verb, string description, string done, Func<LabNetwork, LabHost, CancellationToken, Task> act)
    {
        var (name, host) = (LabOptions.Name(), LabOptions.Host());
        var command = new Command(verb, description) { name, host };
        command.SetAction(async (parsed, cancel) =>
        {
            LabOptions.RequireRoot();
            var layout = new LabLayout(parsed.GetValue(name)!);
            var (topology, found) = LabOptions.Find(layout, parsed.GetValue(host)!);
            // A host without power has a dead cable; healing the cable alone would be half a start.
            if ((await SupervisorClient.TryAskAsync(layout, new ControlRequest("status"), cancel).ConfigureAwait(false))?.Off.Contains(found.Name) == true)
                throw new LabException($"{found.Name} is without power: portolan lab start {found.Name}");
            try
            {
                await act(new LabNetwork(layout, topology), found, cancel).ConfigureAwait(false);
            }
            catch (ToolFailedException e)
            {
                throw new LabException(e.Message);
            }
            Console.WriteLine($"{found.Name} {done}");
            return CommandLine.Done;
        });
        return command;
    }
}

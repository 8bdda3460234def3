using System.CommandLine;

using Portolan.Lab.Supervision;

namespace Portolan.Lab.Commands;

/// <summary>Faults of one host: power (<c>kill</c>, <c>start</c>), cable (<c>cut</c>, <c>heal</c>), processes (<c>freeze</c>, <c>thaw</c>). What is so already is no error.</summary>
internal static class FaultCommands
{
    public static Command Kill() => Create("kill", "Take a host's power away: every process on it dies at once, its cable goes dead.", "without power");

    public static Command Start() => Create("start", "Give a killed host its power back: it boots with an empty kernel.", "powered");

    public static Command Cut() => Create("cut", "Pull a host's cable out of the switch; its processes go on.", "cut off");

    public static Command Freeze() => Create("freeze", "Stop every process of a host where it stands; its kernel still answers and forwards.", "frozen");

    public static Command Thaw() => Create("thaw", "Let a frozen host's processes go on.", "running");

    public static Command Heal()
    {
        var (name, host) = (LabOptions.Name(), LabOptions.Host());
        host.Arity = ArgumentArity.ZeroOrOne;
        var all = new Option<bool>("--all") { Description = "Every cable back, no partition, no loss." };
        var command = new Command("heal", "Put a host's cable back, a good one: nothing is lost on it any more.") { name, all, host };
        command.Validators.Add(result =>
        {
            if (result.GetValue(all) == result.GetValue(host) is not null)
                result.AddError("heal: give a host, or --all");
        });
        command.SetAction(async (parsed, cancel) =>
        {
            var layout = LabOf(parsed.GetValue(name)!);
            if (!parsed.GetValue(all))
                return await PerformAsync(layout, "heal", parsed.GetValue(host)!, "on the network", cancel).ConfigureAwait(false);
            var reply = await SupervisorClient.AskAsync(layout, new ControlRequest("heal-all"), cancel).ConfigureAwait(false);
            Console.WriteLine($"{(reply.Changed ? "" : "already: ")}every cable is in, no partition, no loss");
            return CommandLine.Done;
        });
        return command;
    }

    private static Command Create(string verb, string description, string state)
    {
        var (name, host) = (LabOptions.Name(), LabOptions.Host());
        var command = new Command(verb, description) { name, host };
        command.SetAction((parsed, cancel) => PerformAsync(LabOf(parsed.GetValue(name)!), verb, parsed.GetValue(host)!, state, cancel));
        return command;
    }

    private static LabLayout LabOf(string name)
    {
        LabOptions.RequireRoot();
        return new LabLayout(name);
    }

    private static async Task<int> PerformAsync(LabLayout layout, string verb, string host, string state, CancellationToken cancel)
    {
        var (_, found) = LabOptions.Find(layout, host);
        var reply = await SupervisorClient.AskAsync(layout, new ControlRequest(verb, found.Name), cancel).ConfigureAwait(false);
        Console.WriteLine($"{found.Name} is {(reply.Changed ? "" : "already ")}{state}");
        return CommandLine.Done;
    }
}

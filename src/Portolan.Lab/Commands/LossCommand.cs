using System.CommandLine;

using Portolan.Lab.Network.Faults;
using Portolan.Lab.Supervision;

namespace Portolan.Lab.Commands;

internal static class LossCommand
{
    public static Command Create()
    {
        var (name, host) = (LabOptions.Name(), LabOptions.Host());
        var percent = new Argument<int>("percent")
        {
            Description = "How much of what passes its cable, each way: 10%, 0.5%, 100%; 0% ends it.",
            CustomParser = result =>
            {
                if (!PacketLoss.TryParsePercent(result.Tokens[0].Value, out var hundredths))
                    result.AddError($"loss: '{result.Tokens[0].Value}' is no percentage from 0% to 100% with at most two decimals");
                return hundredths;
            },
        };
        var received = new Option<bool>("--in") { Description = "Only of what the host receives." };
        var sent = new Option<bool>("--out") { Description = "Only of what the host sends." };
        var command = new Command("loss", "Lose packets at random on a host's cable.") { name, received, sent, host, percent };
        command.SetAction(async (parsed, cancel) =>
        {
            LabOptions.RequireRoot();
            var layout = new LabLayout(parsed.GetValue(name)!);
            var (_, found) = LabOptions.Find(layout, parsed.GetValue(host)!);
            var rate = parsed.GetValue(percent);
            var (onlyReceived, onlySent) = (parsed.GetValue(received), parsed.GetValue(sent));
            var loss = new PacketLoss(found.Name, onlySent && !onlyReceived ? 0 : rate, onlyReceived && !onlySent ? 0 : rate);
            var reply = await SupervisorClient.AskAsync(layout, new ControlRequest("loss", Loss: loss), cancel).ConfigureAwait(false);
            Console.WriteLine($"{(reply.Changed ? "" : "already: ")}{(rate == 0 ? $"{found.Name} loses nothing" : $"lost: {loss}")}");
            return CommandLine.Done;
        });
        return command;
    }
}

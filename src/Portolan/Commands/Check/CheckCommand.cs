using System.CommandLine;
using Portolan.Hosting;
using Portolan.Linux.Links;
using Portolan.Linux.Netlink;

namespace Portolan.Commands.Check;

/// <summary><c>portolan check</c>: what on this node would stop a Service from being reached.</summary>
internal static class CheckCommand
{
    public static Command Create()
    {
        var command = new Command("check", "Say what on this node would stop a Service from being reached.");
        command.SetAction(parse =>
        {
            LinkSnapshot links;
            try
            {
                links = LinkSnapshot.Read();
            }
            catch (NetlinkException refusal)
            {
                Console.Error.WriteLine($"portolan check: {refusal.Message}");
                return ExitCode.NotWell;
            }

            var output = parse.InvocationConfiguration.Output;
            var isWell = true;
            foreach (var (what, problem) in NodeChecks.Of(links, NodeChecks.ReadSetting))
            {
                isWell &= problem is null;
                output.WriteLine(problem is null ? $"ok       {what}" : $"problem  {what}: {problem}");
            }

            return isWell ? ExitCode.Done : ExitCode.NotWell;
        });
        return command;
    }
}

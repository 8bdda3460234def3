using System.CommandLine;
using Portolan.Hosting;
using Portolan.Linux.Netlink;
using Portolan.Proxy.Ipvs;

namespace Portolan.Proxy;

/// <summary><c>portolan get virtual-servers</c>: this node's forwarding table, read back from the kernel.</summary>
internal static class VirtualServersCommand
{
    public static Command Create()
    {
        var numeric = new Option<bool>("--numeric", "-n") { Description = "Print port numbers instead of names." };
        var output = new Option<string?>("--output", "-o") { Description = "json prints JSON." };
        output.AcceptOnlyFromAmong("json");
        var connections = new Option<bool>("--connections") { Description = "Count open connections, too: every tracked flow of the node is looked at." };
        var statistics = new Option<bool>("--stats") { Description = "Print connections since the start, in the form of ipvsadm -l --stats." };
        var save = new Option<bool>("--save", "-S") { Description = "Print the virtual servers of IPVS as ipvsadm -S does, for ipvsadm -R." };
        var command = new Command("virtual-servers", "Print this node's forwarding table in the form of ipvsadm -l.") { numeric, connections, statistics, save, output };
        command.SetAction(parse =>
        {
            try
            {
                var ipvs = IpvsView.Read();
                if (parse.GetValue(save) && ipvs is null)
                {
                    Console.Error.WriteLine("portolan: IPVS does not forward Services here, and what does has no form that ipvsadm -R takes.");
                    return ExitCode.NotWell;
                }

                if ((ipvs ?? VirtualServerTable.Read(parse.GetValue(connections))) is not { } servers)
                {
                    Console.Error.WriteLine("portolan: this node's kernel has no forwarding table of Portolan. Is portolan proxy running here?");
                    return ExitCode.NotWell;
                }

                if (parse.GetValue(output) is "json")
                {
                    using var stream = Console.OpenStandardOutput();
                    VirtualServerPrinter.PrintJson(servers, stream);
                }
                else
                {
                    var printer = new VirtualServerPrinter(parse.GetValue(numeric) ? null : PortNames());
                    if (parse.GetValue(save))
                        printer.PrintRules(servers, parse.InvocationConfiguration.Output);
                    else if (parse.GetValue(statistics))
                        printer.PrintStatistics(servers, parse.InvocationConfiguration.Output);
                    else
                        printer.Print(servers, parse.InvocationConfiguration.Output);
                }

                return ExitCode.Done;
            }
            catch (NetlinkException refusal)
            {
                Console.Error.WriteLine($"portolan: {refusal.Message}" + (refusal.Errno == Errors.NotPermitted ? ". Reading the kernel's tables needs root." : ""));
                return ExitCode.NotWell;
            }
        });
        return command;
    }

    private static IEnumerable<string> PortNames() => File.Exists("/etc/services") ? File.ReadLines("/etc/services") : [];
}

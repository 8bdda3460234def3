using System.CommandLine;
using System.CommandLine.Parsing;
using System.Text.Json;

using Portolan.Kubernetes.Client;
using Portolan.Lab.Network;
using Portolan.Lab.Supervision;

namespace Portolan.Lab.Commands;

internal static class UpCommand
{
    private const string Pool = "192.168.100.240-192.168.100.249";

    public static Command Create()
    {
        var name = LabOptions.Name();
        var nodes = new Option<int>("--nodes") { Description = "How many nodes.", DefaultValueFactory = _ => 3 };
        nodes.Validators.Add(result =>
        {
            if (result.GetValueOrDefault<int>() is < 1 or > Topology.MaximumNodes)
                result.AddError($"--nodes: from 1 to {Topology.MaximumNodes}");
        });
        var without = new Option<bool>("--without-portolan") { Description = "The cluster before the load balancer: only portolan proxy, in kube-proxy's place." };
        var protocol = new Option<string>("--protocol") { Description = "How Portolan announces: layer2, or bgp to the router.", DefaultValueFactory = _ => "layer2" };
        protocol.AcceptOnlyFromAmong("layer2", "bgp");
        var proxy = new Option<string>("--proxy") { Description = "How the nodes forward Services: nftables, or ipvs where the kernel has it.", DefaultValueFactory = _ => "nftables" };
        proxy.AcceptOnlyFromAmong("nftables", "ipvs");
        var zones = AtLeast("--zones", 0, "In how many zones the nodes stand, in turn; 0 tells none.", 0);
        var grace = AtLeast("--node-monitor-grace-period", 8, "Seconds of silence after which a node is not Ready.", 3);
        var eviction = AtLeast("--pod-eviction-timeout", 300, "Seconds after which pods that say nothing of it leave a node that is not Ready.", 0);
        var ipv6 = new Option<bool>("--ipv6") { Description = "Dual stack: hosts, pods and Services have IPv6 addresses, too." };
        var timeout = AtLeast("--timeout", 90, "Seconds to wait for each of its parts to work.", 1);
        var vm = new Option<bool>("--vm") { Description = "In a virtual machine, with a kernel that has IPVS, for the time of one command.", Arity = ArgumentArity.Zero };
        var words = new Argument<string[]>("command") { Description = "With --vm: what to run in the machine, after --; without, a shell.", Arity = ArgumentArity.ZeroOrMore };
        var output = LabOptions.Output();
        var command = new Command("up", "Make a lab and wait until it works.") { name, nodes, without, protocol, proxy, ipv6, zones, grace, eviction, timeout, vm, output, words };
        command.Validators.Add(result => CheckCommand(result, vm, words));
        command.SetAction(async (parsed, cancel) =>
        {
            LabOptions.RequireRoot();
            var run = parsed.GetValue(words)!;
            if (parsed.GetValue(vm))
                throw VirtualMachine.Become(VirtualMachine.Options(Given(parsed, run)), parsed.GetValue(name)!, run);

            var layout = new LabLayout(parsed.GetValue(name)!);
            var json = parsed.GetValue(output) == "json";
            var progress = Progress.OnStandardError(silent: json);
            using var only = LabLock.Take(layout);
            try
            {
                var askedNodes = parsed.GetResult(nodes) is { Implicit: false } ? parsed.GetValue(nodes) : (int?)null;
                var (spec, created) = await UpAsync(layout, askedNodes, new LabSpec(askedNodes ?? 3, !parsed.GetValue(without), parsed.GetValue(ipv6))
                {
                    Protocol = parsed.GetValue(protocol)!,
                    Proxy = parsed.GetValue(proxy)!,
                    Zones = parsed.GetValue(zones),
                    NodeMonitorGracePeriod = parsed.GetValue(grace),
                    PodEvictionTimeout = parsed.GetValue(eviction),
                }, TimeSpan.FromSeconds(parsed.GetValue(timeout)), progress, cancel).ConfigureAwait(false);
                Report(layout, spec, created, json);
                return CommandLine.Done;
            }
            catch (Exception e) when (e is ToolFailedException or SettlingException or KubeApiException or HttpRequestException or IOException or UnauthorizedAccessException)
            {
                progress.Break();
                throw new LabException($"lab '{layout.Name}' did not come up: {e.Message}");
            }
            catch (OperationCanceledException) when (cancel.IsCancellationRequested)
            {
                progress.Break();
                throw new LabException($"interrupted: 'portolan lab up' goes on from here, 'portolan lab down' removes what is there");
            }
        });
        return command;
    }

    private static Option<int> AtLeast(string name, int value, string description, int least)
    {
        var option = new Option<int>(name) { Description = description, DefaultValueFactory = _ => value };
        option.Validators.Add(result =>
        {
            if (result.GetValueOrDefault<int>() < least)
                result.AddError($"{name}: at least {least}");
        });
        return option;
    }

    private static void CheckCommand(CommandResult result, Option<bool> vm, Argument<string[]> words)
    {
        if (result.GetValue(words) is not { Length: > 0 } given)
            return;
        if (!result.GetValue(vm))
            result.AddError($"'{given[0]}' is no option; a command to run belongs to --vm");
    }

    /// <summary>The options as they were given, without the command after them.</summary>
    private static List<string> Given(ParseResult parsed, string[] words)
    {
        List<Token> before = [.. parsed.Tokens.TakeWhile(token => token.Type != TokenType.DoubleDash)];
        if (words.Length > 0 && before.Count == parsed.Tokens.Count)
            throw new LabException($"the command to run is told from options by two hyphens: portolan lab up --vm -- {words[0]} …", CommandLine.WrongUsage);
        return [.. before.Where(token => token.Type is TokenType.Option or TokenType.Argument).Select(token => token.Value)];
    }

    /// <returns>Whether the lab is new.</returns>
    private static async Task<(LabSpec Spec, bool Created)> UpAsync(LabLayout layout, int? askedNodes, LabSpec wanted, TimeSpan patience, Progress progress, CancellationToken cancel)
    {
        var programs = Executables.Portolan;     // missing programs are found out before anything is made
        var known = LabSpec.Read(layout);
        if (known is not null && askedNodes is { } asked && asked != known.Nodes)
            throw new LabException($"lab '{layout.Name}' is there with {known.Nodes} nodes, not {asked}: portolan lab down removes it");
        if (known is { DualStack: false } && wanted.DualStack)
            throw new LabException($"lab '{layout.Name}' is there without IPv6: portolan lab down removes it");
        if (known is { HasBgp: false } && wanted.HasBgp)
            throw new LabException($"lab '{layout.Name}' is there without BGP: portolan lab down removes it");
        if (known is { HasIpvs: false } && wanted.HasIpvs)
            throw new LabException($"lab '{layout.Name}' is there without IPVS: portolan lab down removes it");
        var spec = known ?? wanted;
        if (spec.HasBgp)
            _ = Executables.Bird;
        if (spec.HasIpvs)
            await RequireIpvsAsync(cancel).ConfigureAwait(false);
        var topology = spec.Topology(layout);
        var boot = new LabBoot(layout, topology, progress);

        if (known is null)
        {
            if (LabRemoval.Exists(layout))
            {
                progress.Now("removing what an interrupted 'up' left");
                await LabRemoval.RemoveAsync(layout, cancel).ConfigureAwait(false);
            }
            await boot.CreateAsync(spec, cancel).ConfigureAwait(false);
        }
        else if (await SupervisorClient.TryAskAsync(layout, new ControlRequest("status"), cancel).ConfigureAwait(false) is null)
        {
            progress.Now("the lab's supervisor is gone: starting the lab again from its files");
            await LabRemoval.StopAsync(layout, cancel).ConfigureAwait(false);
            await boot.ConnectAsync(cancel).ConfigureAwait(false);
        }

        var settling = new LabSettling(layout, spec, patience, progress);
        await settling.RunAsync(cancel).ConfigureAwait(false);
        if (spec.Portolan)
            await InstallAsync(programs, layout, spec, settling, progress, cancel).ConfigureAwait(false);
        return (spec, known is null);
    }

    private static async Task RequireIpvsAsync(CancellationToken cancel)
    {
        if (await IpvsKernel.MissingAsync(cancel).ConfigureAwait(false) is not { Count: > 0 } missing)
            return;
        var modules = string.Join(" and ", missing.Select(module => $"the module {module}"));
        throw new LabException($"to forward by IPVS this machine's kernel lacks {modules}. A virtual machine has a kernel with {(missing.Count > 1 ? "them" : "it")}: "
            + "portolan lab up --proxy ipvs --vm -- COMMAND");
    }

    /// <summary>The load balancer, by the command that any cluster's owner would use.</summary>
    private static async Task InstallAsync(string program, LabLayout layout, LabSpec spec, LabSettling settling, Progress progress, CancellationToken cancel)
    {
        progress.Now("applying what Portolan lacks");
        await Tool.RunAsync(program, ["install", "--kubeconfig", layout.Kubeconfig("admin"), .. Announcing(layout, spec), "--no-wait"], null, cancel).ConfigureAwait(false);
        await settling.WaitAsync("metallb-system", cancel).ConfigureAwait(false);
    }

    private static string[] Announcing(LabLayout layout, LabSpec spec) => spec.HasBgp
        ?
        [
            "--protocol", "bgp", "--pool", RouterConfiguration.Pool, "--peer", Topology.RouterAddress, "--peer-asn", $"{RouterConfiguration.RouterAsn}", "--my-asn", $"{RouterConfiguration.NodeAsn}",
            "--bfd", "50", .. spec.DualStack ? (string[])["--pool", RouterConfiguration.Pool6, "--peer", $"{spec.Topology(layout).Find("router")!.Addresses[1]}"] : [],
        ]
        : ["--protocol", "layer2", "--pool", Pool];

    private static void Report(LabLayout layout, LabSpec spec, bool created, bool json)
    {
        var kubeconfig = layout.Kubeconfig("admin");
        if (json)
        {
            Console.WriteLine(JsonSerializer.Serialize(new LabReport(layout.Name, created, kubeconfig), CommandsJson.Default.LabReport));
            return;
        }
        var flag = layout.Name == LabLayout.DefaultName ? "" : $" --name {layout.Name}";
        var hosts = string.Join(", ", spec.Topology(layout).Hosts.Select(h => h.Name));
        Console.WriteLine($"lab '{layout.Name}' is {(created ? "" : "already ")}up: {hosts}{(spec.Portolan ? "" : "; without Portolan")}");
        Console.WriteLine($"  export KUBECONFIG=$(portolan lab kubeconfig{flag})");
        Console.WriteLine($"  portolan lab exec{flag} client -- curl http://ADDRESS");
    }
}

/// <param name="Name">The lab's.</param>
/// <param name="Created">False when it was there already.</param>
/// <param name="Kubeconfig">Path of the administrator's kubeconfig.</param>
internal sealed record LabReport(string Name, bool Created, string Kubeconfig);

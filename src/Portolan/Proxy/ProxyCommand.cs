using System.CommandLine;
using System.CommandLine.Parsing;
using System.Net;
using Portolan.Controller;
using Portolan.Core.Addresses;
using Portolan.Core.Forwarding;
using Portolan.Hosting;
using Portolan.Kubernetes.Client;
using Portolan.Kubernetes.Resources;
using Portolan.Kubernetes.Watching;

namespace Portolan.Proxy;

/// <summary><c>portolan proxy</c>: what kube-proxy does, under kube-proxy's own flags.</summary>
internal static class ProxyCommand
{
    private const string HeadlessLabel = "service.kubernetes.io/headless";

    public static Command Create()
    {
        var kubeconfig = RoleOptions.KubeconfigOption();
        var master = RoleOptions.MasterOption();
        var logLevel = RoleOptions.LogLevelOption();
        var hostname = new Option<string?>("--hostname-override") { Description = "Name of this Node; without it NODE_NAME, then the host's name." };
        var nodePortAddresses = Prefixes("--nodeport-addresses", "CIDRs of the node's addresses that node ports answer at; without it all but loopback.");
        var clusterCidr = Prefixes("--cluster-cidr", "CIDRs of the pods: traffic to ClusterIPs from elsewhere is masqueraded.");
        var masqueradeAll = new Option<bool>("--masquerade-all") { Description = "Masquerade all traffic sent to ClusterIPs." };
        var healthz = Address("--healthz-bind-address", "Where /healthz and /livez are served; empty for nowhere.", "0.0.0.0:10256");
        var metrics = Address("--metrics-bind-address", "Where /metrics is served; empty for nowhere.", "127.0.0.1:10249");
        var mode = new Option<string>("--proxy-mode") { Description = "How Services are forwarded.", DefaultValueFactory = _ => "nftables" };
        mode.AcceptOnlyFromAmong("nftables");
        var command = new Command("proxy", "Forward Services on this node, in kube-proxy's place.")
        {
            kubeconfig, master, hostname, nodePortAddresses, clusterCidr, masqueradeAll, healthz, metrics, mode, logLevel,
        };
        command.SetAction(async (parse, stop) =>
        {
            IPEndPoint[] addresses = [.. new[] { parse.GetValue(healthz), parse.GetValue(metrics) }.OfType<IPEndPoint>().Distinct()];
            using var host = new RoleHost("proxy", LogVerbosity.Parse(parse.GetValue(logLevel)!), addresses);
            var log = host.Logs.CreateLogger("proxy");
            using var client = new KubeClient(ClusterConnection.Load(parse.GetValue(kubeconfig), parse.GetValue(master)));
            var clusterCidrs = parse.GetValue(clusterCidr) ?? [];
            var context = new ForwardingContext
            {
                NodeName = parse.GetValue(hostname) ?? RoleOptions.FromEnvironment("NODE_NAME", Environment.MachineName.ToLowerInvariant()),
                MasqueradeAll = parse.GetValue(masqueradeAll),
                DetectsPodsIPv4 = clusterCidrs.Any(prefix => prefix.Address.IsIPv4),
                DetectsPodsIPv6 = clusterCidrs.Any(prefix => !prefix.Address.IsIPv4),
            };
            NodeSysctls.Apply(log);
            using var kernel = new ProxyKernel(clusterCidrs, Proxy.NodePortAddresses.From(parse.GetValue(nodePortAddresses) ?? []), log);
            var events = new EventRecorder(client, "portolan-proxy", host.Time, log);
            var loop = new ProxyLoop(context, kernel, host.Readiness, host.Time, log) { WarnAbout = (service, message) => events.Record(InvolvedObject.Of(service), true, "WrongAnnotation", message) };
            host.Supervise("events", events.RunAsync);
            Supervise(host, client, context.NodeName, kernel, loop);
            return await host.RunAsync(stop);
        });
        return command;
    }

    private static void Supervise(RoleHost host, KubeClient client, string nodeName, ProxyKernel kernel, ProxyLoop loop)
    {
        var services = new Reflector<Service>(client, Kinds.Services, timeProvider: host.Time, logger: host.Logs.CreateLogger("services"));
        var slices = new Reflector<EndpointSlice>(client, Kinds.EndpointSlices, timeProvider: host.Time, logger: host.Logs.CreateLogger("endpointslices"));
        var node = new Reflector<Node>(client, Kinds.Nodes, fieldSelector: "metadata.name=" + nodeName, timeProvider: host.Time, logger: host.Logs.CreateLogger("node"));
        host.Supervise("services", stop => services.RunAsync(change => loop.PostAsync(Event(change), stop), stop));
        host.Supervise("endpointslices", stop => slices.RunAsync(change => loop.PostAsync(Event(change), stop), stop));
        host.Supervise("node", stop => node.RunAsync(change => Event(change) is { } what ? loop.PostAsync(what, stop) : ValueTask.CompletedTask, stop));
        host.Supervise("foreign-changes", async stop =>
        {
            while (true)
                await loop.PostAsync(new ProxyEvent.KernelChanged(await kernel.ForeignChanges.ReceiveAsync(stop)), stop);
        });
        host.Supervise("program", loop.RunAsync);
    }

    private static ProxyEvent Event(Change<Service> change) => change switch
    {
        { Kind: ChangeKind.Synced } => new ProxyEvent.Synced(ProxySource.Services),
        { Kind: ChangeKind.Deleted } => new ProxyEvent.ServiceGone(change.Key),
        _ => new ProxyEvent.ServiceSet(change.New!.ToFacts()),
    };

    private static ProxyEvent Event(Change<EndpointSlice> change)
    {
        if (change.Kind is ChangeKind.Synced)
            return new ProxyEvent.Synced(ProxySource.EndpointSlices);
        return change is { Kind: not ChangeKind.Deleted, New: { } slice } && slice.Metadata.Labels?.ContainsKey(HeadlessLabel) is not true && slice.ToFacts() is { } facts
            ? new ProxyEvent.SliceSet(facts)
            : new ProxyEvent.SliceGone(change.Key);
    }

    // A Node that is gone has not moved to another zone: what was known of it stays.
    private static ProxyEvent? Event(Change<Node> change) => change switch
    {
        { Kind: ChangeKind.Synced } => new ProxyEvent.Synced(ProxySource.Node),
        { New: { } node } => new ProxyEvent.NodeSet(node.ToFacts()),
        _ => null,
    };

    private static Option<IpPrefix[]> Prefixes(string name, string description) => new(name)
    {
        Description = description,
        AllowMultipleArgumentsPerToken = true,
        CustomParser = result =>
        {
            var prefixes = new List<IpPrefix>();
            foreach (var text in result.Tokens.SelectMany(token => token.Value.Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries)))
            {
                if (IpPrefix.TryParse(text, out var prefix))
                    prefixes.Add(prefix);
                else
                    result.AddError($"{name}: '{text}' is not a CIDR such as 192.168.0.0/24");
            }

            return [.. prefixes];
        },
    };

    private static Option<IPEndPoint?> Address(string name, string description, string otherwise) => new(name)
    {
        Description = $"{description} Default {otherwise}.",
        DefaultValueFactory = _ => IPEndPoint.Parse(otherwise),
        CustomParser = result => Parse(name, result),
    };

    private static IPEndPoint? Parse(string name, ArgumentResult result)
    {
        var text = result.Tokens is [var token] ? token.Value : "";
        if (text.Length == 0)
            return null;
        if (IPEndPoint.TryParse(text, out var address) && address.Port != 0)
            return address;
        result.AddError($"{name}: '{text}' is not an address and a port such as 0.0.0.0:10256");
        return null;
    }
}

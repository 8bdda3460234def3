using System.CommandLine;
using System.Net;
using Microsoft.Extensions.Logging;
using Portolan.Controller;
using Portolan.Core.Addresses;
using Portolan.Core.Forwarding;
using Portolan.Hosting;
using Portolan.Kubernetes.Client;
using Portolan.Kubernetes.Resources;
using Portolan.Kubernetes.Watching;
using Portolan.Linux.Ipvs;
using Portolan.Linux.Links;
using Portolan.Proxy.Accounting;
using Portolan.Proxy.Cleanup;
using Portolan.Proxy.Configuration;
using Portolan.Proxy.Ipvs;
using Portolan.Proxy.Nftables;

namespace Portolan.Proxy;

/// <summary><c>portolan proxy</c>: what kube-proxy does, under kube-proxy's own flags.</summary>
internal static class ProxyCommand
{
    private const string HeadlessLabel = "service.kubernetes.io/headless";

    // As often as kube-proxy does its full synchronisation, beside what the kernel's notifications lead to.
    private static readonly TimeSpan _comparisonPeriod = TimeSpan.FromHours(1);

    public static Command Create()
    {
        var flags = new ProxyFlags();
        var command = new Command("proxy", "Forward Services on this node, in kube-proxy's place, under its flags and with its configuration file.");
        flags.AddTo(command);
        command.SetAction((parse, stop) => RunAsync(parse, flags, stop));
        return command;
    }

    private static async Task<int> RunAsync(ParseResult parse, ProxyFlags flags, CancellationToken stop)
    {
        var reading = flags.Read(parse);
        if (reading.Options is not { } options)
        {
            foreach (var error in reading.Errors)
                await Console.Error.WriteLineAsync($"portolan proxy: {error}");
            return ExitCode.Usage;
        }

        if (parse.GetValue(flags.WriteConfigTo) is { Length: > 0 } file)
            return ConfigurationFile.Write(options.Configuration, file, Console.Error) ? ExitCode.Done : ExitCode.NotWell;
        if (parse.GetValue(flags.CleanUp))
            return OwnTables.Remove(parse.InvocationConfiguration.Output, options.Ipvs.ExcludeCidrs);
        IPEndPoint[] addresses = [.. new[] { options.HealthzBindAddress, options.MetricsBindAddress }.OfType<IPEndPoint>().Distinct()];
        using var host = new RoleHost("proxy", flags.LogLevel(parse, options.Verbosity), []);
        var log = host.Logs.CreateLogger("proxy");
        foreach (var warning in reading.Warnings)
            log.LogWarning("{Warning}", warning);
        var settings = WantedSetting.Of(options.Conntrack, Environment.ProcessorCount);
        if (parse.GetValue(flags.InitOnly))
            return NodeSysctls.Apply([.. settings, .. ForIpvs(options)], log) ? ExitCode.Done : ExitCode.NotWell;
        if (options.BindAddressHardFail && ServedAddress.Refusal(addresses) is { } refusal)
        {
            log.LogError("{Refusal}", refusal);
            return ExitCode.NotWell;
        }

        ClusterConnection connection;
        try
        {
            connection = ClusterConnection.Load(options.Kubeconfig, options.Master);
        }
        catch (KubeConfigException problem)
        {
            log.LogError("{Problem}", problem.Message);
            return ExitCode.NotWell;
        }

        OomScore.Apply(options.OomScoreAdj, options.Configuration.Has(ConfigurationFields.OomScoreAdj), log);
        NodeSysctls.Apply(settings, log);
        using var end = CancellationTokenSource.CreateLinkedTokenSource(stop);
        if (reading.File is var (path, text))
        {
            host.Supervise("configuration", async ending =>
            {
                await new ConfigurationWatch(path, text, host.Time, log).RunAsync(ending);
                await end.CancelAsync();
            });
        }

        var code = await ForwardAsync(host, connection, options, log, end.Token);
        return end.IsCancellationRequested && !stop.IsCancellationRequested ? ExitCode.NotWell : code;
    }

    private static async Task<int> ForwardAsync(RoleHost host, ClusterConnection connection, ProxyOptions options, ILogger log, CancellationToken stop)
    {
        using var client = new KubeClient(connection);
        var context = new ForwardingContext
        {
            NodeName = options.HostnameOverride ?? RoleOptions.FromEnvironment("NODE_NAME", Environment.MachineName.ToLowerInvariant()),
            MasqueradeAll = options.MasqueradeAll,
            EndsTcpFlows = options.EndsTcpFlows,
        };
        var ipvs = Ipvs(options, log);
        context = context with { IsIpvs = ipvs is not null };
        using var kernel = new ProxyKernel(new TableSettings { MasqueradeBit = options.MasqueradeBit, ServiceCidrs = null }, log, options.Ipvs.ExcludeCidrs, ipvs) { Accounts = new TrafficAccounts(options.Account, log) };
        var events = new EventRecorder(client, "portolan-proxy", host.Time, log);
        using var reporting = new ProxyReporting(host, options, events, context.NodeName, kernel, () => kernel.Settings.NodePortAddresses);
        var loop = new ProxyLoop(context, kernel, host.Readiness, host.Time, log, reporting.Reports)
        {
            Options = options,
            Node = new NodeWatch(options, IpAddress.TryParse(RoleOptions.FromEnvironment("HOST_IP", ""), out var address) ? address : null),
            WarnAbout = (service, message) => events.Record(InvolvedObject.Of(service), true, "WrongAnnotation", message),
        };
        reporting.Feed(loop, () =>
        {
            // Who announces on layer 2 alone answers ARP, whatever the configuration says.
            if (ipvs is not null)
                NodeSysctls.Apply(WantedSetting.StrictArp, log);
        });
        host.Supervise("events", events.RunAsync);

        // The start alone leaves 7 MB behind, a third of all there is on a small cluster.
        host.Supervise("idle-trim", new IdleTrim(host.Time, worthWhile: 2 << 20).RunAsync);
        // The kernel tells nobody of what others do to its virtual servers.
        Supervise(host, client, context.NodeName, kernel, loop, ipvs is null ? _comparisonPeriod : options.SyncPeriod);
        if (ipvs is not null)
            host.Supervise("links", ending => FollowLinksAsync(loop, ending));
        return await host.RunAsync(stop);
    }

    // Before the proxy, which may not be allowed to: its settings are there once its module is. Whoever installs it so may well announce on layer 2.
    private static IEnumerable<WantedSetting> ForIpvs(ProxyOptions options)
    {
        if (options.Mode is not ProxyMode.Ipvs || IpvsConnection.TryLoad() is not { } ipvs)
            return [];
        ipvs.Dispose();
        return WantedSetting.ForIpvs(strictArp: true);
    }

    // Where the kernel has no IPVS traffic is better carried otherwise than not at all.
    private static IpvsForwarder? Ipvs(ProxyOptions options, ILogger log)
    {
        if (options.Mode is not ProxyMode.Ipvs)
            return null;
        if (IpvsForwarder.TryOpen(new IpvsSettings { Scheduler = options.Ipvs.Scheduler, Excluded = options.Ipvs.ExcludeCidrs }, log) is not { } ipvs)
        {
            log.LogError("this kernel has no IPVS, neither built in nor as the module ip_vs: Services are forwarded by nftables, with the addresses of node ports that the ipvs mode has");
            return null;
        }

        ipvs.Set(options.Ipvs);
        NodeSysctls.Apply(WantedSetting.ForIpvs(options.Ipvs.StrictArp), log);
        return ipvs;
    }

    private static async Task FollowLinksAsync(ProxyLoop loop, CancellationToken stop)
    {
        using var monitor = LinkMonitor.OpenWithout(ServiceLink.Name);
        for (var links = monitor.Current; ; links = await monitor.WaitAsync(stop))
            await loop.PostAsync(new ProxyEvent.LinksChanged(links), stop);
    }

    private static void Supervise(RoleHost host, KubeClient client, string nodeName, ProxyKernel kernel, ProxyLoop loop, TimeSpan comparisonPeriod)
    {
        var services = new Reflector<Service>(client, Kinds.Services, timeProvider: host.Time, logger: host.Logs.CreateLogger("services"), keepsObjects: false);
        var slices = new Reflector<EndpointSlice>(client, Kinds.EndpointSlices, timeProvider: host.Time, logger: host.Logs.CreateLogger("endpointslices"), keepsObjects: false);
        var node = new Reflector<Node>(client, Kinds.Nodes, fieldSelector: "metadata.name=" + nodeName, timeProvider: host.Time, logger: host.Logs.CreateLogger("node"));
        host.Supervise("services", stop => services.RunAsync(change => loop.PostAsync(Event(change), stop), stop));
        host.Supervise("endpointslices", stop => slices.RunAsync(change => loop.PostAsync(Event(change), stop), stop));
        host.Supervise("node", stop => node.RunAsync(change => loop.PostAsync(Event(change), stop), stop));
        host.Supervise("servicecidrs", new ServiceCidrWatch(client, host.Time, host.Logs.CreateLogger("servicecidrs"), loop.PostAsync).RunAsync);
        host.Supervise("foreign-changes", async stop =>
        {
            while (true)
                await loop.PostAsync(new ProxyEvent.KernelChanged(await kernel.ForeignChanges.ReceiveAsync(stop)), stop);
        });
        host.Supervise("comparison", async stop =>
        {
            while (true)
            {
                await Task.Delay(comparisonPeriod, host.Time, stop);
                await loop.PostAsync(new ProxyEvent.ComparisonDue(), stop);
            }
        });
        host.Supervise("program", loop.RunAsync);
    }

    internal static ProxyEvent Event(Change<Service> change) => change switch
    {
        { Kind: ChangeKind.Synced } => new ProxyEvent.Synced(ProxySource.Services),
        { Kind: ChangeKind.Deleted } => new ProxyEvent.ServiceGone(change.Key),
        _ => new ProxyEvent.ServiceSet(ForwardedFacts.Of(change.New!.ToFacts())),
    };

    internal static ProxyEvent Event(Change<EndpointSlice> change)
    {
        if (change.Kind is ChangeKind.Synced)
            return new ProxyEvent.Synced(ProxySource.EndpointSlices);
        return change is { Kind: not ChangeKind.Deleted, New: { } slice } && slice.Metadata.Labels?.ContainsKey(HeadlessLabel) is not true && slice.ToFacts() is { } facts
            ? new ProxyEvent.SliceSet(facts)
            : new ProxyEvent.SliceGone(change.Key);
    }

    // A Node that is gone has not moved to another zone: what was known of it stays.
    private static ProxyEvent Event(Change<Node> change) => change switch
    {
        { Kind: ChangeKind.Synced } => new ProxyEvent.Synced(ProxySource.Node),
        { New: { } node } => new ProxyEvent.NodeSet(node.ToFacts()),
        _ => new ProxyEvent.NodeGone(),
    };
}

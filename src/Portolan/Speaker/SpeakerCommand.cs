using System.CommandLine;
using Portolan.Hosting;
using Portolan.Kubernetes.Client;
using Portolan.Speaker.Bgp;
using Portolan.Speaker.Liveness;
using Portolan.Speaker.Peers;
using Portolan.Speaker.Readiness;

namespace Portolan.Speaker;

/// <summary><c>portolan speaker</c>: announces Services from the node it runs on. The flags are those of MetalLB's speaker.</summary>
internal static class SpeakerCommand
{
    public static Command Create()
    {
        var options = new RoleOptions();
        var node = new Option<string>("--node-name")
        {
            Description = "Name of the node this speaker runs on (METALLB_NODE_NAME).",
            DefaultValueFactory = _ => RoleOptions.FromEnvironment("METALLB_NODE_NAME", ""),
        };
        node.Validators.Add(result =>
        {
            if (string.IsNullOrEmpty(result.GetValueOrDefault<string>()))
                result.AddError("the node's name is needed: --node-name or METALLB_NODE_NAME");
        });
        var pod = new Option<string>("--pod-name")
        {
            Description = "Name of this pod, the owner of what it writes (METALLB_POD_NAME).",
            DefaultValueFactory = _ => RoleOptions.FromEnvironment("METALLB_POD_NAME", ""),
        };
        var secret = new Option<string>("--ml-secret-name")
        {
            Description = "Secret with the speakers' common key (METALLB_ML_SECRET_NAME).",
            DefaultValueFactory = _ => RoleOptions.FromEnvironment("METALLB_ML_SECRET_NAME", "memberlist"),
        };
        var ignoreExcludeLabel = new Option<bool>("--ignore-exclude-lb")
        {
            Description = "Announce also from nodes labelled node.kubernetes.io/exclude-from-external-load-balancers.",
        };
        var liveness = new LivenessOptions();
        var readiness = new ReadinessFlags();
        var plannedMoves = new Option<bool>("--planned-moves")
        {
            Description = "When an address comes from a node that lives, send what that node knows of its connections on to it for up to 60 s. Needs NET_ADMIN.",
            DefaultValueFactory = _ => true,
        };
        var command = new Command("speaker", "Announce LoadBalancer Services; one of these runs on each node.") { node, pod, secret, ignoreExcludeLabel, plannedMoves };
        liveness.AddTo(command);
        options.AddTo(command);
        readiness.AddTo(command);
        var peers = new PeerFlags();
        peers.AddTo(command);
        var bgp = new BgpFlags();
        bgp.AddTo(command);
        var tls = new TlsOptions();
        tls.AddTo(command);

        // Of what MetalLB's gossip needs, speakers here need an address, a port and a Secret only.
        foreach (var flag in new[] { "--ml-labels", "--ml-secret-key-path" })
            command.Add(new Option<string>(flag) { Description = "Accepted for MetalLB's manifests; has no effect.", Hidden = true });
        command.Add(new Option<bool>("--ml-wan-config") { Description = "Accepted for MetalLB's manifests; has no effect.", Hidden = true });

        command.SetAction((parse, stop) => RunAsync(
            parse,
            options,
            bgp.Read(parse, peers.Read(parse, liveness.Read(parse, readiness.Read(parse, new SpeakerOptions(
                parse.GetValue(node)!, parse.GetValue(options.Namespace)!, parse.GetValue(pod)!, parse.GetValue(secret)!,
                parse.GetValue(options.LoadBalancerClass), parse.GetValue(ignoreExcludeLabel)) { PlannedMoves = parse.GetValue(plannedMoves) })))),
            tls,
            stop));
        return command;
    }

    private static async Task<int> RunAsync(ParseResult parse, RoleOptions options, SpeakerOptions speaker, TlsOptions tls, CancellationToken stop)
    {
        ClusterConnection connection;
        try
        {
            connection = ClusterConnection.Load(parse.GetValue(options.Kubeconfig), parse.GetValue(options.Master));
        }
        catch (KubeConfigException problem)
        {
            await Console.Error.WriteLineAsync($"portolan speaker: {problem.Message}");
            return ExitCode.NotWell;
        }

        using var host = options.CreateHost("speaker", parse);
        using var client = new KubeClient(connection);
        options.Metrics.Supervise(host, client, parse, tls);
        using var announcer = new AnnouncingSpeaker(host, client, speaker);
        announcer.Supervise();
        return await host.RunAsync(stop);
    }
}

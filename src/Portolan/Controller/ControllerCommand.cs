using System.CommandLine;
using Portolan.Controller.Webhooks;
using Portolan.Hosting;
using Portolan.Kubernetes.Client;

namespace Portolan.Controller;

/// <summary><c>portolan controller</c>: gives Services their addresses.</summary>
internal static class ControllerCommand
{
    public static Command Create()
    {
        var options = new RoleOptions();
        var secret = new Option<string>("--ml-secret-name")
        {
            Description = "Secret with the speakers' common key, made if there is none (METALLB_ML_SECRET_NAME).",
            DefaultValueFactory = _ => RoleOptions.FromEnvironment("METALLB_ML_SECRET_NAME", "memberlist"),
        };
        var command = new Command("controller", "Give LoadBalancer Services their addresses; of several replicas one decides.") { secret };
        options.AddTo(command);
        var election = new ElectionOptions();
        election.AddTo(command);
        var tls = new TlsOptions();
        tls.AddTo(command);
        var webhook = new WebhookOptions();
        webhook.AddTo(command);
        UnusedOption[] unused =
        [
            new("--deployment", "the Secret that the speakers share outlives the Deployment"),
            new("--pprof-bind-address", "profiles are a matter of Go's runtime"),
        ];
        foreach (var option in unused)
            option.AddTo(command);
        command.SetAction((parse, stop) => RunAsync(parse, options, election, webhook, tls, unused, parse.GetValue(secret)!, stop));
        return command;
    }

    private static async Task<int> RunAsync(ParseResult parse, RoleOptions options, ElectionOptions election, WebhookOptions webhook, TlsOptions tls, UnusedOption[] unused, string secret, CancellationToken stop)
    {
        ClusterConnection connection;
        try
        {
            connection = ClusterConnection.Load(parse.GetValue(options.Kubeconfig), parse.GetValue(options.Master));
        }
        catch (KubeConfigException problem)
        {
            await Console.Error.WriteLineAsync($"portolan controller: {problem.Message}");
            return ExitCode.NotWell;
        }

        SystemTrust.LeaveUnread(connection);
        using var host = options.CreateHost("controller", parse);
        using var client = new KubeClient(connection);
        var log = host.Logs.CreateLogger("Controller");
        foreach (var option in unused)
            option.Tell(parse, log);
        options.Metrics.Supervise(host, client, parse, tls);
        var ns = parse.GetValue(options.Namespace)!;
        webhook.Supervise(host, client, ns, parse, tls);
        if (!webhook.IsOnly(parse))
            new AddressController(host, client, ns, parse.GetValue(options.LoadBalancerClass), election.Leadership(parse, host, client, ns), election.PodName(parse)).Supervise(secret);
        return await host.RunAsync(stop);
    }
}

using System.CommandLine;
using System.CommandLine.Parsing;
using System.Net;

namespace Portolan.Hosting;

/// <summary>The options that MetalLB's controller and speaker share, under their names, with their environment variables and defaults.</summary>
internal sealed class RoleOptions
{
    public Option<string> LogLevel { get; } = LogLevelOption();

    public MetricsOptions Metrics { get; } = new();

    public Option<ushort> HealthProbePort { get; } = new("--health-probe-port")
    {
        Description = "Port of /healthz and /readyz; 0 turns them off.",
        DefaultValueFactory = _ => 17472,
    };

    public Option<string> HealthProbeHost { get; } = new("--health-probe-host")
    {
        Description = "Address /healthz and /readyz are served on.",
        DefaultValueFactory = _ => "::",
    };

    public Option<string> Namespace { get; } = new("--namespace")
    {
        Description = "Namespace of the configuration objects (METALLB_NAMESPACE).",
        DefaultValueFactory = _ => FromEnvironment("METALLB_NAMESPACE", "metallb-system"),
    };

    public Option<string?> LoadBalancerClass { get; } = new("--lb-class")
    {
        Description = "Serve Services with exactly this loadBalancerClass; without it, those that have none.",
    };

    public Option<string?> Kubeconfig { get; } = KubeconfigOption();

    public Option<string?> Master { get; } = MasterOption();

    public static Option<string> LogLevelOption()
    {
        var option = new Option<string>("--log-level") { Description = "Least severe messages to write.", DefaultValueFactory = _ => "info" };
        option.AcceptOnlyFromAmong(LogVerbosity.Words);
        return option;
    }

    public static Option<string?> KubeconfigOption() => new("--kubeconfig")
    {
        Description = "Path of a kubeconfig; without it KUBECONFIG, then the pod's service account, then ~/.kube/config.",
    };

    public static Option<string?> MasterOption() => new("--master")
    {
        Description = "URL of the API server, overriding the one of the kubeconfig.",
    };

    /// <summary>Adds all of them to a role's command.</summary>
    public void AddTo(Command command)
    {
        command.Add(LogLevel);
        Metrics.AddTo(command);
        command.Add(HealthProbePort);
        command.Add(HealthProbeHost);
        command.Add(Namespace);
        command.Add(LoadBalancerClass);
        command.Add(Kubeconfig);
        command.Add(Master);
        HealthProbeHost.Validators.Add(MustBeAddress);
    }

    /// <summary>The host these options ask for.</summary>
    public RoleHost CreateHost(string role, ParseResult parse)
    {
        var metrics = Metrics.Endpoints(parse).Plain;
        var probes = parse.GetValue(HealthProbePort) is > 0 and var port && port != metrics?.Port ? new IPEndPoint(IPAddress.Parse(parse.GetValue(HealthProbeHost)!), port) : null;
        return new RoleHost(role, LogVerbosity.Parse(parse.GetValue(LogLevel)!), metrics is null ? [] : [metrics], probesOnly: probes);
    }

    /// <summary>An environment variable, or the value in its absence.</summary>
    public static string FromEnvironment(string variable, string otherwise) =>
        Environment.GetEnvironmentVariable(variable) is { Length: > 0 } value ? value : otherwise;

    internal static void MustBeAddress(OptionResult result)
    {
        if (result.GetValueOrDefault<string>() is { } text && !IPAddress.TryParse(text, out _))
            result.AddError($"'{text}' is not an IP address");
    }
}

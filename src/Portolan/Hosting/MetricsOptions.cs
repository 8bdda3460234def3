using System.CommandLine;
using System.Net;
using Portolan.Kubernetes.Client;

namespace Portolan.Hosting;

/// <summary>
/// Where and how metrics are served. MetalLB's <c>--port</c> meant plain HTTP on 7472 up to 0.15 and means TLS on 9120 from 0.16 on; both
/// kinds of manifests must find what they expect. So <c>--port</c> is the TLS port if it is 9120 or comes with a flag that only the later
/// versions have, and no <c>--secure-port</c> says otherwise.
/// </summary>
internal sealed class MetricsOptions
{
    private const ushort PlainPort = 7472;
    private const ushort SecurePort = 9120;

    private readonly Option<ushort> _port = new("--port")
    {
        Description = "Port of the metrics over plain HTTP, 0 for none. Without --secure-port, 9120 is the TLS port, as is any with --metrics-cert-dir or a --tls option.",
        DefaultValueFactory = _ => PlainPort,
    };

    private readonly Option<ushort?> _securePort = new("--secure-port")
    {
        Description = "Port of the metrics over TLS, for bearer tokens that may get the non-resource URL /metrics; 0 for none.",
    };

    private readonly Option<string> _host = new("--host")
    {
        Description = "Address the metrics are served on (METALLB_HOST).",
        DefaultValueFactory = _ => RoleOptions.FromEnvironment("METALLB_HOST", "::"),
    };

    private readonly Option<string?> _directory = new("--metrics-cert-dir")
    {
        Description = "Directory of tls.crt and tls.key for the metrics over TLS, read again when they change; without it a self-signed certificate is made.",
    };

    public void AddTo(Command command)
    {
        foreach (var option in (Option[])[_port, _securePort, _host, _directory])
            command.Add(option);
        _host.Validators.Add(RoleOptions.MustBeAddress);
    }

    /// <summary>The ports by these options; null: none.</summary>
    public (IPEndPoint? Plain, IPEndPoint? Secure) Endpoints(ParseResult parse)
    {
        var address = IPAddress.Parse(parse.GetValue(_host)!);
        IPEndPoint? At(ushort? port) => port is > 0 and { } found ? new IPEndPoint(address, found) : null;
        var port = parse.GetValue(_port);
        if (parse.GetValue(_securePort) is { } secure)
            return (port == secure ? null : At(port), At(secure));
        return port == SecurePort || (port > 0 && IsGiven(parse, "--port") && parse.CommandResult.Command.Options.Any(IsOfLaterVersions)) ? (null, At(port)) : (At(port), null);

        bool IsOfLaterVersions(Option option) => (option.Name == _directory.Name || option.Name.StartsWith("--tls-", StringComparison.Ordinal)) && IsGiven(parse, option.Name);
    }

    /// <summary>Serves the metrics over TLS, if that is asked for.</summary>
    public void Supervise(RoleHost host, KubeClient client, ParseResult parse, TlsOptions tls)
    {
        if (Endpoints(parse).Secure is not { } address)
            return;
        var log = host.Logs.CreateLogger("Metrics");
        var certificate = new MetricsCertificate(parse.GetValue(_directory), Environment.MachineName, host.Time, log);
        host.Supervise("secure-metrics", new SecureMetricsServer(address, tls.Read(parse, log), certificate, new MetricsAccess(client, host.Time, log), host.RenderMetrics).RunAsync);
    }

    private static bool IsGiven(ParseResult parse, string option) => parse.GetResult(option) is System.CommandLine.Parsing.OptionResult { Implicit: false };
}

using System.CommandLine;
using System.Net;
using Portolan.Hosting;
using Portolan.Kubernetes.Client;

namespace Portolan.Controller.Webhooks;

/// <summary>The controller's options about its webhook, under MetalLB's names, and the tasks they ask for.</summary>
internal sealed class WebhookOptions
{
    private const string Configuration = "metallb-webhook-configuration";
    private const string Definition = "bgppeers.metallb.io";

    private static readonly TimeSpan _patience = TimeSpan.FromSeconds(2);

    private readonly Option<string> _mode = new("--webhook-mode") { Description = "enabled, disabled, or onlywebhook: serve the webhook and do nothing else.", DefaultValueFactory = _ => "enabled" };

    private readonly Option<string> _secret = new("--webhook-secret") { Description = "Secret with the webhook's certificates.", DefaultValueFactory = _ => "metallb-webhook-cert" };

    private readonly Option<bool> _http2 = new("--webhook-http2") { Description = "Let the webhook speak HTTP/2, too." };

    private readonly Option<bool> _noRotation = new("--disable-cert-rotation")
    {
        Description = "Somebody else makes the certificates and gives the API server their authority: serve with the files in --cert-dir.",
    };

    private readonly Option<string> _directory = new("--cert-dir")
    {
        Description = "Directory of tls.crt and tls.key, with --disable-cert-rotation.",
        DefaultValueFactory = _ => "/tmp/k8s-webhook-server/serving-certs",
    };

    private readonly Option<string> _service = new("--cert-service-name") { Description = "The webhook's Service, which its certificate names.", DefaultValueFactory = _ => "metallb-webhook-service" };

    private readonly Option<ushort> _port = new("--webhook-port") { Description = "Port the webhook listens on.", DefaultValueFactory = _ => 9443 };

    /// <summary>Adds all of them to the controller's command.</summary>
    public void AddTo(Command command)
    {
        _mode.AcceptOnlyFromAmong("enabled", "disabled", "onlywebhook");
        foreach (var option in (Option[])[_mode, _secret, _http2, _noRotation, _directory, _service, _port])
            command.Add(option);
    }

    /// <summary>Nothing but the webhook is asked for.</summary>
    public bool IsOnly(ParseResult parse) => parse.GetValue(_mode) == "onlywebhook";

    /// <summary>Adds the webhook's tasks to the host, if one is asked for. They fail and start again by themselves, and take nothing else down.</summary>
    public void Supervise(RoleHost host, KubeClient client, string ns, ParseResult parse, TlsOptions tls)
    {
        if (parse.GetValue(_mode) == "disabled")
            return;
        var log = host.Logs.CreateLogger("Webhook");
        var serving = new ServingCertificate();
        if (parse.GetValue(_noRotation))
        {
            host.Supervise("webhook-certificates", AfterTheRest(host, parse, new CertificateFiles(parse.GetValue(_directory)!, serving, host.Time, log).RunAsync));
        }
        else
        {
            var authority = new WebhookAuthority([$"{parse.GetValue(_service)}.{ns}.svc", $"{parse.GetValue(_service)}.{ns}.svc.cluster.local"]);
            var trust = new TrustBundle(client, Configuration, Definition, log);
            host.Supervise("webhook-certificates", AfterTheRest(host, parse, new WebhookCertificates(client, ns, parse.GetValue(_secret)!, authority, trust, serving, host.Time, log).RunAsync));
        }

        var server = new WebhookServer(
            new IPEndPoint(IPAddress.IPv6Any, parse.GetValue(_port)), tls.Read(parse, log), parse.GetValue(_http2), serving, new WebhookReview(client, ns, log).CheckAsync, host.Meter, log);
        host.Supervise("webhook", server.RunAsync);
        if (!IsOnly(parse))
            return;
        host.Readiness.Await("webhook", "there is no certificate yet");
        host.Supervise("webhook-readiness", async stop =>
        {
            await server.Port.WaitAsync(stop);
            host.Readiness.Reached("webhook");
        });
    }

    /// <summary>
    /// Services wait for their addresses at a start, and nobody waits for the webhook: it takes the processor later. Not for long, because what the
    /// controller reads may need the webhook to convert it.
    /// </summary>
    private Func<CancellationToken, Task> AfterTheRest(RoleHost host, ParseResult parse, Func<CancellationToken, Task> work) => async stop =>
    {
        var started = host.Time.GetTimestamp();
        while (!IsOnly(parse) && !host.Readiness.IsReady && host.Time.GetElapsedTime(started) < _patience)
            await Task.Delay(TimeSpan.FromMilliseconds(25), host.Time, stop);
        await work(stop);
    };
}

using System.CommandLine;

namespace Portolan.Speaker.Readiness;

/// <summary>The flags by which a speaker learns how to look at its own node.</summary>
internal sealed class ReadinessFlags
{
    private readonly Option<bool> _ignoreCordon = new("--ignore-cordon")
    {
        Description = "Cordoned nodes announce as others do, as with MetalLB; without it they come last.",
    };

    private readonly Option<string> _programmedSocket = new("--programmed-socket")
    {
        Description = "Unix socket at which Portolan's proxy tells which Services are programmed on the node; empty for none.",
        DefaultValueFactory = _ => "/run/portolan/proxy.sock",
        Arity = ArgumentArity.ZeroOrOne,
    };

    private readonly Option<string> _proxyHealthz = new("--proxy-healthz")
    {
        Description = "URL of the health check of the node's kube-proxy, asked while nobody listens at the socket; empty for none.",
        DefaultValueFactory = _ => "http://127.0.0.1:10256/healthz",
        Arity = ArgumentArity.ZeroOrOne,
    };

    public ReadinessFlags() => _proxyHealthz.Validators.Add(result =>
    {
        if (result.GetValueOrDefault<string?>() is { Length: > 0 } text && !IsHttp(text))
            result.AddError($"--proxy-healthz: {text}: must be an http:// URL");
    });

    public void AddTo(Command command)
    {
        command.Add(_ignoreCordon);
        command.Add(_programmedSocket);
        command.Add(_proxyHealthz);
    }

    /// <summary>Adds what the flags say.</summary>
    public SpeakerOptions Read(ParseResult parse, SpeakerOptions options) => options with
    {
        IgnoreCordon = parse.GetValue(_ignoreCordon),
        ProgrammedSocket = parse.GetValue(_programmedSocket) ?? "",
        ProxyHealthz = parse.GetValue(_proxyHealthz) is { Length: > 0 } text && IsHttp(text) ? new Uri(text) : null,
    };

    private static bool IsHttp(string text) => Uri.TryCreate(text, UriKind.Absolute, out var url) && url.Scheme == Uri.UriSchemeHttp;
}

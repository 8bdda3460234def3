using System.CommandLine;
using System.Net.Security;
using System.Security.Authentication;
using System.Security.Cryptography.X509Certificates;
using Microsoft.AspNetCore.Server.Kestrel.Https;
using Microsoft.Extensions.Logging;

namespace Portolan.Hosting;

/// <summary>What a role's TLS servers (webhook, metrics) agree to speak, under MetalLB's option names.</summary>
internal sealed class TlsOptions
{
    private static readonly string[] _curves = ["X25519", "P256", "P384", "P521", "CurveP256", "CurveP384", "CurveP521", "X25519MLKEM768"];

    public Option<string> MinVersion { get; } = new("--tls-min-version")
    {
        Description = "Oldest TLS version that is spoken: VersionTLS12 or VersionTLS13 (also 1.2, 1.3).",
        DefaultValueFactory = _ => "VersionTLS13",
    };

    public Option<string?> CipherSuites { get; } = new("--tls-cipher-suites")
    {
        Description = "Cipher suites that are offered, comma separated, by their IANA names; without it the TLS library's choice.",
    };

    public Option<string?> CurvePreferences { get; } = new("--tls-curve-preferences")
    {
        Description = "Accepted for MetalLB's sake and checked; the TLS library's own order of curves stays in force.",
    };

    /// <summary>Adds all of them to a role's command.</summary>
    public void AddTo(Command command)
    {
        command.Add(MinVersion);
        command.Add(CipherSuites);
        command.Add(CurvePreferences);
        MinVersion.Validators.Add(result =>
        {
            if (ParseVersion(result.GetValueOrDefault<string>()) is null)
                result.AddError($"--tls-min-version: '{result.GetValueOrDefault<string>()}' is not VersionTLS12 or VersionTLS13");
        });
        CipherSuites.Validators.Add(result =>
        {
            foreach (var name in Names(result.GetValueOrDefault<string?>()))
                if (!Enum.TryParse<TlsCipherSuite>(name, ignoreCase: true, out _))
                    result.AddError($"--tls-cipher-suites: '{name}' is not a cipher suite");
        });
        CurvePreferences.Validators.Add(result =>
        {
            foreach (var name in Names(result.GetValueOrDefault<string?>()))
                if (!_curves.Contains(name, StringComparer.OrdinalIgnoreCase))
                    result.AddError($"--tls-curve-preferences: '{name}' is not one of {string.Join(", ", _curves)}");
        });
    }

    /// <summary>The settings that these options ask for.</summary>
    /// <param name="parse">The command line.</param>
    /// <param name="log">Told of what cannot be done.</param>
    public TlsSettings Read(ParseResult parse, ILogger log)
    {
        if (Names(parse.GetValue(CurvePreferences)).Any())
            log.LogWarning("--tls-curve-preferences has no effect: the TLS library's own order of curves stays in force");
        var suites = Names(parse.GetValue(CipherSuites)).Select(name => Enum.Parse<TlsCipherSuite>(name, ignoreCase: true)).ToList();

        // As in MetalLB the list is about TLS 1.2: those of 1.3 are not chosen from, and without any of them 1.3 could not be spoken.
        if (suites.Count > 0)
            suites = [.. suites.Union([TlsCipherSuite.TLS_AES_128_GCM_SHA256, TlsCipherSuite.TLS_AES_256_GCM_SHA384, TlsCipherSuite.TLS_CHACHA20_POLY1305_SHA256])];
        return new TlsSettings(ParseVersion(parse.GetValue(MinVersion)) ?? SslProtocols.Tls13, suites);
    }

    private static SslProtocols? ParseVersion(string? text) => text switch
    {
        "VersionTLS12" or "TLS12" or "1.2" => SslProtocols.Tls12 | SslProtocols.Tls13,
        "VersionTLS13" or "TLS13" or "1.3" => SslProtocols.Tls13,
        _ => null,
    };

    private static IEnumerable<string> Names(string? list) => (list ?? "").Split(',', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries);
}

/// <summary>How a TLS server of ours is set up.</summary>
/// <param name="Protocols">The versions it speaks.</param>
/// <param name="CipherSuites">The suites it offers; empty for the TLS library's choice.</param>
internal readonly record struct TlsSettings(SslProtocols Protocols, IReadOnlyList<TlsCipherSuite> CipherSuites)
{
    /// <summary>TLS 1.3 and whatever suites the library offers.</summary>
    public static readonly TlsSettings Default = new(SslProtocols.Tls13, []);

    /// <summary>Applies them to a Kestrel endpoint, whose certificate is asked for at each handshake: it may change while the server runs.</summary>
    /// <param name="https">The endpoint's options.</param>
    /// <param name="certificate">The certificate in force now; null refuses the handshake.</param>
    public void Apply(HttpsConnectionAdapterOptions https, Func<X509Certificate2?> certificate)
    {
        var (protocols, suites) = (Protocols, CipherSuites);
        https.SslProtocols = protocols;
        https.HandshakeTimeout = TimeSpan.FromSeconds(5);
        https.ServerCertificateSelector = (_, _) => certificate();
        https.OnAuthenticate = (_, options) =>
        {
            options.AllowRenegotiation = false;
            if (suites.Count > 0 && OperatingSystem.IsLinux())
                options.CipherSuitesPolicy = new CipherSuitesPolicy(suites);
        };
    }
}

using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Microsoft.Extensions.Logging;

namespace Portolan.Hosting;

/// <summary>
/// The certificate that the metrics are served with: <c>tls.crt</c> and <c>tls.key</c> of a directory, read again when they were replaced; or, without
/// a directory, one made here at the first handshake and signed by nobody, which keeps the scrape's token from listeners and no more.
/// </summary>
internal sealed class MetricsCertificate(string? directory, string host, TimeProvider time, ILogger log)
{
    private static readonly TimeSpan Pause = TimeSpan.FromSeconds(1);
    private readonly Lock _gate = new();
    private X509Certificate2? _current;
    private (DateTime, DateTime) _stamp;
    private long _lookedAt;
    private string _told = "";

    /// <summary>What to serve with now; null when there is nothing yet.</summary>
    public X509Certificate2? Current()
    {
        lock (_gate)
        {
            if (directory is null)
                return _current is not null && _current.NotAfter.ToUniversalTime() > time.GetUtcNow().AddDays(1) ? _current : _current = SelfSigned();
            if (_lookedAt == 0 || time.GetElapsedTime(_lookedAt) >= Pause)
                Look(directory);
            return _current;
        }
    }

    private void Look(string directory)
    {
        _lookedAt = time.GetTimestamp();
        var (certificate, key) = (Path.Combine(directory, "tls.crt"), Path.Combine(directory, "tls.key"));
        try
        {
            var stamp = (File.GetLastWriteTimeUtc(certificate), File.GetLastWriteTimeUtc(key));
            if (_current is not null && stamp == _stamp)
                return;
            _current = X509Certificate2.CreateFromPemFile(certificate, key);
            (_stamp, _told) = (stamp, "");
            log.LogInformation("serving metrics with the certificate in {Directory}, good until {Until:yyyy-MM-dd}", directory, _current.NotAfter.ToUniversalTime());
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or CryptographicException or ArgumentException)
        {
            // The two are replaced one after the other: for a moment they may not fit, and what was served with goes on.
            if (_told != e.Message)
                log.LogWarning("the certificate of the metrics in {Directory} cannot be read: {Reason}", directory, e.Message);
            _told = e.Message;
        }
    }

    private X509Certificate2 SelfSigned()
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest($"CN={host}", key, HashAlgorithmName.SHA256);
        var names = new SubjectAlternativeNameBuilder();
        names.AddDnsName(host);
        names.AddDnsName("localhost");
        request.CertificateExtensions.Add(names.Build());
        var now = time.GetUtcNow();
        using var made = request.CreateSelfSigned(now.AddHours(-1), now.AddYears(1));
        return X509CertificateLoader.LoadPkcs12(made.Export(X509ContentType.Pkcs12), null);
    }
}

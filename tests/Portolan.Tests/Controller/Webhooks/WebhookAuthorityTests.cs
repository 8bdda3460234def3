using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using Portolan.Controller.Webhooks;

namespace Portolan.Tests.Controller.Webhooks;

public sealed class WebhookAuthorityTests
{
    private const string Name = "metallb-webhook-service.metallb-system.svc";
    private static readonly DateTimeOffset _now = new(2026, 11, 30, 12, 0, 0, TimeSpan.Zero);
    private static readonly Dictionary<string, byte[]> _nothing = [];
    private static readonly WebhookAuthority _authority = new([Name]);

    [Fact]
    public void MakesAnAuthorityAndACertificate_AndThenLeavesThemAlone()
    {
        var made = Renew(_nothing, _now, out var why);
        Assert.NotEmpty(why);
        Assert.Equal(["ca.crt", "ca.key", "tls.crt", "tls.key"], made.Keys.Order(StringComparer.Ordinal));
        using var serving = WebhookAuthority.Serving(made)!;
        Assert.True(serving.HasPrivateKey);
        Assert.True(Trusts(made, serving, _now));
        Assert.True(serving.MatchesHostname(Name));
        Assert.InRange((serving.NotAfter.ToUniversalTime() - _now.UtcDateTime).TotalDays, 364, 366);
        Assert.Same(made, _authority.Renew(made, _now.AddDays(270), out why));
        Assert.Empty(why);
    }

    [Fact]
    public void RenewsTheCertificateLongBeforeItRunsOut_UnderTheSameAuthority()
    {
        var made = Renew(_nothing, _now, out _);
        var later = _now.AddDays(280);
        var renewed = Renew(made, later, out var why);
        Assert.Contains("runs out", why, StringComparison.Ordinal);
        Assert.Equal(made["ca.crt"], renewed["ca.crt"]);
        Assert.Equal(made["ca.key"], renewed["ca.key"]);
        Assert.NotEqual(made["tls.crt"], renewed["tls.crt"]);
        using var old = WebhookAuthority.Serving(made)!;
        using var serving = WebhookAuthority.Serving(renewed)!;
        Assert.True(Trusts(renewed, serving, later));
        Assert.True(Trusts(made, serving, later));      // whoever has not been told yet
        Assert.True(Trusts(renewed, old, later));       // a replica that has not read it yet
    }

    [Fact]
    public void ChangesTheAuthorityBeforeItRunsOut_AndKeepsTrustingTheOldOne()
    {
        var held = Renew(_nothing, _now, out _);
        var first = held;
        var bundles = 1;
        for (var month = 1; month <= 12 * 12; month++)
        {
            var now = _now.AddDays(30 * month);
            var renewed = Renew(held, now, out _);
            using var before = WebhookAuthority.Serving(held)!;
            using var after = WebhookAuthority.Serving(renewed)!;
            Assert.True(Trusts(held, before, now), $"month {month}");
            Assert.True(Trusts(renewed, before, now), $"month {month}");
            Assert.True(Trusts(renewed, after, now), $"month {month}");
            bundles = Math.Max(bundles, Authorities(renewed).Count);
            held = renewed;
        }

        Assert.NotEqual(first["ca.key"], held["ca.key"]);
        Assert.Equal(2, bundles);
        Assert.Single(Authorities(held));   // the first one has run out by now
    }

    [Fact]
    public void GoesOnWithWhatMetalLBLeft()
    {
        var left = LeftByMetalLB(_now, _now.AddDays(3650), _now.AddDays(365), Name);
        Assert.Same(left, _authority.Renew(left, _now, out _));

        // Its authority signs on, too, until its own time comes.
        var renewed = Renew(left, _now.AddDays(300), out _);
        Assert.Equal(left["ca.crt"], renewed["ca.crt"]);
        using var serving = WebhookAuthority.Serving(renewed)!;
        Assert.True(Trusts(left, serving, _now.AddDays(300)));
    }

    [Fact]
    public void MakesACertificateForTheNameThatItsServiceHasNow()
    {
        var left = LeftByMetalLB(_now, _now.AddDays(3650), _now.AddDays(365), "webhook-service.metallb-system.svc");
        var renewed = Renew(left, _now, out var why);
        Assert.Contains(Name, why, StringComparison.Ordinal);
        using var serving = WebhookAuthority.Serving(renewed)!;
        Assert.True(serving.MatchesHostname(Name));
        Assert.True(Trusts(left, serving, _now));
    }

    [Theory]
    [InlineData("ca.crt", "")]
    [InlineData("ca.crt", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n")]
    [InlineData("tls.crt", "nonsense")]
    [InlineData("tls.key", "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n")]
    [InlineData("tls.key", null)]
    public void MakesAnewWhatSomebodyHasSpoilt(string key, string? text)
    {
        var made = new Dictionary<string, byte[]>(Renew(_nothing, _now, out _));
        if (text is null)
            made.Remove(key);
        else
            made[key] = Encoding.ASCII.GetBytes(text);
        var renewed = Renew(made, _now, out var why);
        Assert.NotEmpty(why);
        using var serving = WebhookAuthority.Serving(renewed)!;
        Assert.True(Trusts(renewed, serving, _now));
    }

    [Fact]
    public void MakesAnewAnAuthorityWhoseKeyIsLost_OnlyWhenItIsNeeded()
    {
        var made = new Dictionary<string, byte[]>(Renew(_nothing, _now, out _));
        made.Remove("ca.key");
        Assert.Same(made, _authority.Renew(made, _now, out _));
        var renewed = Renew(made, _now.AddDays(300), out _);
        Assert.Equal(2, Authorities(renewed).Count);
        using var old = WebhookAuthority.Serving(made)!;
        Assert.True(Trusts(renewed, old, _now.AddDays(300)));
    }

    private static Dictionary<string, byte[]> Renew(IReadOnlyDictionary<string, byte[]> held, DateTimeOffset now, out string why) => new(_authority.Renew(held, now, out why));

    private static X509Certificate2Collection Authorities(IReadOnlyDictionary<string, byte[]> held)
    {
        var bundle = new X509Certificate2Collection();
        bundle.ImportFromPem(Encoding.ASCII.GetString(held["ca.crt"]));
        return bundle;
    }

    /// <summary>As the API server checks it: the bundle alone, at that time, for the Service's name.</summary>
    private static bool Trusts(IReadOnlyDictionary<string, byte[]> held, X509Certificate2 serving, DateTimeOffset now)
    {
        using var chain = new X509Chain
        {
            ChainPolicy = new X509ChainPolicy { TrustMode = X509ChainTrustMode.CustomRootTrust, RevocationMode = X509RevocationMode.NoCheck, VerificationTime = now.UtcDateTime, VerificationTimeIgnored = false },
        };
        chain.ChainPolicy.CustomTrustStore.AddRange(Authorities(held));
        chain.ChainPolicy.ApplicationPolicy.Add(new Oid("1.3.6.1.5.5.7.3.1"));
        return chain.Build(serving);
    }

    /// <summary>RSA keys in PKCS#1, serial numbers 0 and 1: what MetalLB's rotation writes.</summary>
    private static Dictionary<string, byte[]> LeftByMetalLB(DateTimeOffset from, DateTimeOffset authorityUntil, DateTimeOffset until, string name)
    {
        using var authorityKey = RSA.Create(2048);
        var request = new CertificateRequest("CN=cert, O=metallb", authorityKey, HashAlgorithmName.SHA256, RSASignaturePadding.Pkcs1);
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(true, false, 0, true));
        request.CertificateExtensions.Add(new X509KeyUsageExtension(X509KeyUsageFlags.DigitalSignature | X509KeyUsageFlags.KeyEncipherment | X509KeyUsageFlags.KeyCertSign, true));
        request.CertificateExtensions.Add(new X509SubjectKeyIdentifierExtension(request.PublicKey, false));
        using var authority = request.CreateSelfSigned(from, authorityUntil);
        using var key = RSA.Create(2048);
        var leaf = new CertificateRequest($"CN={name}", key, HashAlgorithmName.SHA256, RSASignaturePadding.Pkcs1);
        var names = new SubjectAlternativeNameBuilder();
        names.AddDnsName(name);
        leaf.CertificateExtensions.Add(names.Build());
        leaf.CertificateExtensions.Add(new X509EnhancedKeyUsageExtension([new Oid("1.3.6.1.5.5.7.3.1")], false));
        using var certificate = leaf.Create(authority, from, until, [1]);
        return new()
        {
            ["ca.crt"] = Encoding.ASCII.GetBytes(authority.ExportCertificatePem()),
            ["ca.key"] = Encoding.ASCII.GetBytes(authorityKey.ExportRSAPrivateKeyPem()),
            ["tls.crt"] = Encoding.ASCII.GetBytes(certificate.ExportCertificatePem()),
            ["tls.key"] = Encoding.ASCII.GetBytes(key.ExportRSAPrivateKeyPem()),
        };
    }
}

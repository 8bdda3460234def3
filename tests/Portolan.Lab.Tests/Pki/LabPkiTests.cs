using System.Net;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

using Portolan.Lab.Pki;

namespace Portolan.Lab.Tests.Pki;

public sealed class LabPkiTests
{
    private static readonly DateTimeOffset s_now = new(2030, 1, 1, 0, 0, 0, TimeSpan.Zero);

    [Fact]
    public void IssuedCertificatesAreTrustedThroughTheAuthority_AndNameTheServer()
    {
        using var authority = new CertificateAuthority("test-ca", s_now);
        var issued = authority.Issue("kube-apiserver", names: ["kubernetes"], addresses: [IPAddress.Parse("192.168.100.10")]);

        using var certificate = X509Certificate2.CreateFromPem(issued.CertificatePem, issued.KeyPem);
        using var root = X509Certificate2.CreateFromPem(authority.Credential.CertificatePem);
        using var chain = new X509Chain { ChainPolicy = { TrustMode = X509ChainTrustMode.CustomRootTrust, RevocationMode = X509RevocationMode.NoCheck, VerificationTime = s_now.UtcDateTime } };
        chain.ChainPolicy.CustomTrustStore.Add(root);
        Assert.True(chain.Build(certificate), string.Join(", ", chain.ChainStatus.Select(s => s.StatusInformation)));
        Assert.True(certificate.MatchesHostname("192.168.100.10"));
        Assert.True(certificate.MatchesHostname("kubernetes"));
        Assert.False(certificate.MatchesHostname("192.168.100.11"));
    }

    [Fact]
    public void ClientCertificateCarriesUserAndGroup()
    {
        using var authority = new CertificateAuthority("test-ca", s_now);
        var issued = authority.Issue("system:node:node1", "system:nodes");
        using var certificate = X509Certificate2.CreateFromPem(issued.CertificatePem);
        Assert.Equal("system:node:node1", certificate.GetNameInfo(X509NameType.SimpleName, false));
        Assert.Contains("O=system:nodes", certificate.Subject);
        using var key = ECDsa.Create();
        key.ImportFromPem(issued.KeyPem);
        Assert.Equal(256, key.KeySize);
    }
}

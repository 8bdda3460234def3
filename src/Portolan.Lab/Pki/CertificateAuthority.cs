using System.Net;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace Portolan.Lab.Pki;

/// <summary>The lab's own authority: one P-256 key that signs everything, for ten years, on this machine only.</summary>
internal sealed class CertificateAuthority : IDisposable
{
    private readonly ECDsa _key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
    private readonly X509Certificate2 _certificate;
    private readonly DateTimeOffset _from;
    private readonly DateTimeOffset _until;

    public CertificateAuthority(string commonName, DateTimeOffset now)
    {
        _from = now.AddMinutes(-5);     // machines whose clocks differ a little
        _until = now.AddYears(10);
        var request = new CertificateRequest(Subject(commonName, null), _key, HashAlgorithmName.SHA256);
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(certificateAuthority: true, hasPathLengthConstraint: false, 0, critical: true));
        request.CertificateExtensions.Add(new X509KeyUsageExtension(X509KeyUsageFlags.KeyCertSign | X509KeyUsageFlags.CrlSign | X509KeyUsageFlags.DigitalSignature, critical: true));
        request.CertificateExtensions.Add(new X509SubjectKeyIdentifierExtension(request.PublicKey, critical: false));
        _certificate = request.CreateSelfSigned(_from, _until);
        Credential = Credential.Of(_certificate, _key);
    }

    public Credential Credential { get; }

    /// <param name="commonName">For clients the user's name.</param>
    /// <param name="organization">For clients the user's group.</param>
    /// <param name="names">DNS names of a server.</param>
    /// <param name="addresses">IP addresses of a server.</param>
    public Credential Issue(string commonName, string? organization = null, IEnumerable<string>? names = null, IEnumerable<IPAddress>? addresses = null)
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest(Subject(commonName, organization), key, HashAlgorithmName.SHA256);
        var alternatives = new SubjectAlternativeNameBuilder();
        var isServer = false;
        foreach (var name in names ?? [])
        {
            alternatives.AddDnsName(name);
            isServer = true;
        }
        foreach (var address in addresses ?? [])
        {
            alternatives.AddIpAddress(address);
            isServer = true;
        }
        if (isServer)
            request.CertificateExtensions.Add(alternatives.Build());
        string[] purposes = isServer ? [LeafCertificate.ServerAuthentication, LeafCertificate.ClientAuthentication] : [LeafCertificate.ClientAuthentication];
        using var certificate = LeafCertificate.Sign(request, _certificate, _key, purposes, _from, _until);
        return Credential.Of(certificate, key);
    }

    public void Dispose()
    {
        _certificate.Dispose();
        _key.Dispose();
    }

    private static X500DistinguishedName Subject(string commonName, string? organization)
    {
        var builder = new X500DistinguishedNameBuilder();
        if (organization is not null)
            builder.AddOrganizationName(organization);
        builder.AddCommonName(commonName);
        return builder.Build();
    }
}

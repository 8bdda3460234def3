using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace Portolan.Lab.Pki;

/// <summary>What every certificate that an authority of the lab issues has in common.</summary>
internal static class LeafCertificate
{
    public const string ServerAuthentication = "1.3.6.1.5.5.7.3.1";
    public const string ClientAuthentication = "1.3.6.1.5.5.7.3.2";

    /// <param name="request">Subject, key and, for servers, alternative names.</param>
    /// <param name="authority">Its certificate.</param>
    /// <param name="key">Its key.</param>
    /// <param name="purposes">Extended key usages.</param>
    /// <param name="from">Valid from then,</param>
    /// <param name="until">until then, at most as long as the authority.</param>
    public static X509Certificate2 Sign(CertificateRequest request, X509Certificate2 authority, ECDsa key, string[] purposes, DateTimeOffset from, DateTimeOffset until)
    {
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(certificateAuthority: false, hasPathLengthConstraint: false, 0, critical: true));
        request.CertificateExtensions.Add(new X509KeyUsageExtension(X509KeyUsageFlags.DigitalSignature, critical: true));
        request.CertificateExtensions.Add(new X509EnhancedKeyUsageExtension([.. purposes.Select(p => new Oid(p))], critical: false));
        request.CertificateExtensions.Add(X509AuthorityKeyIdentifierExtension.CreateFromCertificate(authority, includeKeyIdentifier: true, includeIssuerAndSerial: false));
        var serial = RandomNumberGenerator.GetBytes(16);
        serial[0] = (byte)((serial[0] & 0x7f) | 1);     // a positive number (RFC 5280 §4.1.2.2)
        return request.Create(authority.SubjectName, X509SignatureGenerator.CreateForECDsa(key), from, until < authority.NotAfter ? until : authority.NotAfter, serial);
    }
}

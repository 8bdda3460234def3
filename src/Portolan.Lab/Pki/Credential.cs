using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace Portolan.Lab.Pki;

/// <summary>A certificate and its private key, PEM.</summary>
internal sealed record Credential(string CertificatePem, string KeyPem)
{
    public static Credential Of(X509Certificate2 certificate, ECDsa key) =>
        new(certificate.ExportCertificatePem() + "\n", key.ExportPkcs8PrivateKeyPem() + "\n");
}

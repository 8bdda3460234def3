using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text;

namespace Portolan.Lab.ApiServer.Auth.Certificates;

/// <summary>A PKCS#10 request (RFC 2986), its own signature checked.</summary>
internal sealed class SigningRequest
{
    private const string Organization = "2.5.4.10";

    private SigningRequest(CertificateRequest request) => Request = request;

    public CertificateRequest Request { get; }

    /// <summary>The groups the certificate's bearer would be in.</summary>
    public IEnumerable<string> Organizations => Request.SubjectName.EnumerateRelativeDistinguishedNames()
        .Where(n => !n.HasMultipleElements && n.GetSingleElementType().Value == Organization).Select(n => n.GetSingleElementValue() ?? "");

    /// <param name="base64">PEM in base64, as <c>spec.request</c> holds it.</param>
    /// <returns>Null when it is no such request.</returns>
    public static SigningRequest? TryRead(string base64)
    {
        try
        {
            return new(CertificateRequest.LoadSigningRequestPem(Encoding.ASCII.GetString(Convert.FromBase64String(base64)), HashAlgorithmName.SHA256));
        }
        catch (Exception e) when (e is FormatException or CryptographicException or ArgumentException or NotSupportedException)
        {
            return null;
        }
    }
}

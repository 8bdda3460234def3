using System.Formats.Asn1;
using System.Security.Cryptography.X509Certificates;
using Portolan.Lab.Pki;

namespace Portolan.Lab.ApiServer.Auth;

/// <summary>Identities from client certificates: the common name is the user, each organisation a group.</summary>
internal sealed class CertificateAuthentication(X509Certificate2 authority)
{
    private const string CommonName = "2.5.4.3";
    private const string Organization = "2.5.4.10";

    /// <returns>Null when the certificate is not from our authority, out of date, or not for clients.</returns>
    public Identity? Authenticate(X509Certificate2 certificate)
    {
        using var chain = new X509Chain();
        chain.ChainPolicy.TrustMode = X509ChainTrustMode.CustomRootTrust;
        chain.ChainPolicy.CustomTrustStore.Add(authority);
        chain.ChainPolicy.RevocationMode = X509RevocationMode.NoCheck;
        chain.ChainPolicy.ApplicationPolicy.Add(new System.Security.Cryptography.Oid(LeafCertificate.ClientAuthentication));
        if (!chain.Build(certificate)) return null;
        string? user = null;
        var groups = new List<string>();
        foreach (var part in certificate.SubjectName.EnumerateRelativeDistinguishedNames(reversed: false))
        {
            // A multi-valued part is rare but legal; its raw form is a SET of (type, value).
            var set = new AsnReader(part.RawData, AsnEncodingRules.DER).ReadSetOf();
            while (set.HasData)
            {
                var pair = set.ReadSequence();
                var type = pair.ReadObjectIdentifier();
                if (type is not (CommonName or Organization)) continue;
                var tag = pair.PeekTag();
                if (tag.TagClass != TagClass.Universal) return null;
                var value = pair.ReadCharacterString((UniversalTagNumber)tag.TagValue);
                if (type == CommonName) user = value;
                else groups.Add(value);
            }
        }

        if (string.IsNullOrEmpty(user)) return null;
        groups.Add(Identity.AllAuthenticated);
        return new(user, groups);
    }
}

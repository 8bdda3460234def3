using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text;

namespace Portolan.Controller.Webhooks;

/// <summary>
/// The webhook's own certificate authority, as a function: what the Secret holds and the time go in, what it should hold comes out. The Secret's keys are
/// MetalLB's (<c>ca.crt</c>, <c>ca.key</c>, <c>tls.crt</c>, <c>tls.key</c>), and what MetalLB left there is used on while it is good.
/// </summary>
/// <param name="dnsNames">The names the API server may call the webhook by; the first is <c>service.namespace.svc</c>.</param>
internal sealed class WebhookAuthority(IReadOnlyList<string> dnsNames)
{
    public const string CaCertificate = "ca.crt";
    public const string CaKey = "ca.key";
    public const string Certificate = "tls.crt";
    public const string Key = "tls.key";

    /// <summary>A serving certificate is renewed when less than this of its year is left.</summary>
    public static readonly TimeSpan RenewBefore = TimeSpan.FromDays(90);

    private const string ServerAuthentication = "1.3.6.1.5.5.7.3.1";
    private const int MostCertificates = 4;
    private static readonly TimeSpan _servingLife = TimeSpan.FromDays(365);
    private static readonly TimeSpan _authorityLife = TimeSpan.FromDays(10 * 365);

    // What it signs must not outlive it.
    private static readonly TimeSpan _renewAuthorityBefore = TimeSpan.FromDays(365 + 30);

    /// <summary>What the Secret should hold.</summary>
    /// <param name="held">What it holds.</param>
    /// <param name="now">The time.</param>
    /// <param name="why">What was renewed, and why; empty when nothing was.</param>
    /// <returns>All four keys; the same as before when all is well. After a change of authority <c>ca.crt</c> holds the new one first, then the
    /// earlier ones that have not run out: what they signed stays good.</returns>
    public IReadOnlyDictionary<string, byte[]> Renew(IReadOnlyDictionary<string, byte[]> held, DateTimeOffset now, out string why)
    {
        why = "";
        using var serving = Load(held, Certificate, Key);
        var known = Authorities(held.GetValueOrDefault(CaCertificate));
        try
        {
            var problem = ServingProblem(serving, known, now);
            if (problem.Length == 0)
                return held;
            using var authority = Load(held, CaCertificate, CaKey);
            var authorityProblem = AuthorityProblem(authority, now);
            why = authorityProblem.Length == 0 ? $"serving certificate {problem}" : $"authority {authorityProblem}";
            if (authorityProblem.Length == 0)
                return Issue(authority!, known.All(old => IsGood(old, now)) ? Text(held, CaCertificate) : Bundle(known, now), Text(held, CaKey), now);
            using var made = MakeAuthority(now);
            var bundle = Bundle(known.Prepend(made), now);
            using var key = made.GetECDsaPrivateKey()!;
            return Issue(made, bundle, key.ExportPkcs8PrivateKeyPem() + "\n", now);
        }
        finally
        {
            foreach (var certificate in known)
                certificate.Dispose();
        }
    }

    /// <summary>The certificate to serve with, or null where the Secret holds none that can be used.</summary>
    public static X509Certificate2? Serving(IReadOnlyDictionary<string, byte[]> held) => Load(held, Certificate, Key);

    private Dictionary<string, byte[]> Issue(X509Certificate2 authority, string bundle, string authorityKey, DateTimeOffset now)
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest($"CN={dnsNames[0]}", key, HashAlgorithmName.SHA256);
        var names = new SubjectAlternativeNameBuilder();
        foreach (var name in dnsNames)
            names.AddDnsName(name);
        request.CertificateExtensions.Add(names.Build());
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(certificateAuthority: false, hasPathLengthConstraint: false, 0, critical: true));
        request.CertificateExtensions.Add(new X509KeyUsageExtension(X509KeyUsageFlags.DigitalSignature, critical: true));
        request.CertificateExtensions.Add(new X509EnhancedKeyUsageExtension([new Oid(ServerAuthentication)], critical: false));
        request.CertificateExtensions.Add(new X509SubjectKeyIdentifierExtension(request.PublicKey, critical: false));
        if (authority.Extensions.OfType<X509SubjectKeyIdentifierExtension>().FirstOrDefault() is { } identifier)
            request.CertificateExtensions.Add(X509AuthorityKeyIdentifierExtension.CreateFromSubjectKeyIdentifier(identifier));

        // MetalLB's authority has an RSA key.
        using var ecdsa = authority.GetECDsaPrivateKey();
        using var rsa = authority.GetRSAPrivateKey();
        var signature = ecdsa is not null ? X509SignatureGenerator.CreateForECDsa(ecdsa) : X509SignatureGenerator.CreateForRSA(rsa!, RSASignaturePadding.Pkcs1);
        var from = Later(now - TimeSpan.FromHours(1), authority.NotBefore);
        var until = now + _servingLife;
        if (until > authority.NotAfter)
            until = authority.NotAfter;
        var serial = RandomNumberGenerator.GetBytes(16);
        serial[0] = (byte)(serial[0] & 0x7f | 0x40);   // positive, and of full length
        using var certificate = request.Create(authority.SubjectName, signature, from, until, serial);
        return new Dictionary<string, byte[]>
        {
            [CaCertificate] = Encoding.ASCII.GetBytes(bundle),
            [CaKey] = Encoding.ASCII.GetBytes(authorityKey),
            [Certificate] = Encoding.ASCII.GetBytes(certificate.ExportCertificatePem() + "\n"),
            [Key] = Encoding.ASCII.GetBytes(key.ExportPkcs8PrivateKeyPem() + "\n"),
        };
    }

    // Without a DNS name of its own: MetalLB's controller, should it come back, then takes it for none of its own and makes all anew, instead of
    // failing on a key that is not RSA.
    private static X509Certificate2 MakeAuthority(DateTimeOffset now)
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest("CN=portolan webhook authority", key, HashAlgorithmName.SHA256);
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(certificateAuthority: true, hasPathLengthConstraint: true, 0, critical: true));
        request.CertificateExtensions.Add(new X509KeyUsageExtension(X509KeyUsageFlags.KeyCertSign | X509KeyUsageFlags.CrlSign, critical: true));
        request.CertificateExtensions.Add(new X509SubjectKeyIdentifierExtension(request.PublicKey, critical: false));
        return request.CreateSelfSigned(now - TimeSpan.FromHours(1), now + _authorityLife);
    }

    private static string AuthorityProblem(X509Certificate2? authority, DateTimeOffset now) => authority switch
    {
        null => "is missing, or its key is not its own",
        _ when !IsAuthority(authority) => "may not sign",
        _ when (DateTimeOffset)authority.NotBefore > now.AddMinutes(5) => "is not valid yet",
        _ when (DateTimeOffset)authority.NotAfter < now + _renewAuthorityBefore => "runs out",
        _ => "",
    };

    private string ServingProblem(X509Certificate2? serving, X509Certificate2Collection known, DateTimeOffset now)
    {
        if (serving is null)
            return "is missing, or its key is not its own";
        if ((DateTimeOffset)serving.NotAfter < now + RenewBefore)
            return "runs out";
        var names = serving.Extensions.OfType<X509SubjectAlternativeNameExtension>().SelectMany(extension => extension.EnumerateDnsNames()).ToHashSet(StringComparer.OrdinalIgnoreCase);
        if (!names.Contains(dnsNames[0]))
            return $"is not for {dnsNames[0]}";
        using var chain = new X509Chain { ChainPolicy = Policy(known, now) };
        return chain.Build(serving) ? "" : "is not signed by the authority";
    }

    private static X509ChainPolicy Policy(X509Certificate2Collection roots, DateTimeOffset now)
    {
        var policy = new X509ChainPolicy
        {
            TrustMode = X509ChainTrustMode.CustomRootTrust,
            RevocationMode = X509RevocationMode.NoCheck,
            DisableCertificateDownloads = true,
            VerificationTime = now.UtcDateTime,
            VerificationTimeIgnored = false,
        };
        policy.ApplicationPolicy.Add(new Oid(ServerAuthentication));
        policy.CustomTrustStore.AddRange(roots);
        return policy;
    }

    private static string Bundle(IEnumerable<X509Certificate2> authorities, DateTimeOffset now) =>
        string.Concat(authorities.Where(authority => IsGood(authority, now)).Take(MostCertificates).Select(authority => authority.ExportCertificatePem() + "\n"));

    private static bool IsGood(X509Certificate2 authority, DateTimeOffset now) => IsAuthority(authority) && authority.NotAfter > now;

    private static bool IsAuthority(X509Certificate2 certificate) => certificate.Extensions.OfType<X509BasicConstraintsExtension>().Any(extension => extension.CertificateAuthority);

    private static X509Certificate2Collection Authorities(byte[]? pem)
    {
        var certificates = new X509Certificate2Collection();
        try
        {
            certificates.ImportFromPem(Encoding.ASCII.GetString(pem ?? []));
        }
        catch (CryptographicException)
        {
            // Somebody's text: as good as none.
        }

        return certificates;
    }

    private static X509Certificate2? Load(IReadOnlyDictionary<string, byte[]> held, string certificate, string key)
    {
        try
        {
            return X509Certificate2.CreateFromPem(Text(held, certificate), Text(held, key));
        }
        catch (Exception e) when (e is CryptographicException or ArgumentException)
        {
            return null;
        }
    }

    private static string Text(IReadOnlyDictionary<string, byte[]> held, string key) => Encoding.ASCII.GetString(held.GetValueOrDefault(key) ?? []);

    private static DateTimeOffset Later(DateTimeOffset a, DateTimeOffset b) => a > b ? a : b;
}

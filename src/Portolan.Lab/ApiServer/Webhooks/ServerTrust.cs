using System.Net.Security;
using System.Security.Authentication;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace Portolan.Lab.ApiServer.Webhooks;

/// <summary>Whether a webhook's certificate is the one its configuration asks for; a refusal reads as a real server's, because people look those up.</summary>
internal static class ServerTrust
{
    /// <exception cref="WebhookUnreachableException">The bundle holds no certificate that can be read.</exception>
    public static SslClientAuthenticationOptions Options(string? caBundle, string host)
    {
        var policy = new X509ChainPolicy { RevocationMode = X509RevocationMode.NoCheck, DisableCertificateDownloads = true };
        if (caBundle is not null)
        {
            policy.TrustMode = X509ChainTrustMode.CustomRootTrust;
            try
            {
                policy.CustomTrustStore.ImportFromPem(caBundle);
            }
            catch (CryptographicException e)
            {
                throw new WebhookUnreachableException($"unable to load root certificates: {e.Message}");
            }

            if (policy.CustomTrustStore.Count == 0) throw new WebhookUnreachableException("unable to load root certificates: unable to parse bytes as PEM block");
        }

        return new()
        {
            TargetHost = host,
            CertificateChainPolicy = policy,
            RemoteCertificateValidationCallback = (_, certificate, chain, errors) =>
                Problem(certificate as X509Certificate2, chain, errors, host) is { } problem
                    ? throw new AuthenticationException($"tls: failed to verify certificate: x509: {problem}")
                    : certificate is not null,
        };
    }

    private static string? Problem(X509Certificate2? certificate, X509Chain? chain, SslPolicyErrors errors, string host)
    {
        if (certificate is null) return "no certificate was presented";
        if (errors.HasFlag(SslPolicyErrors.RemoteCertificateChainErrors))
        {
            foreach (var status in chain?.ChainStatus ?? [])
            {
                if (status.Status.HasFlag(X509ChainStatusFlags.NotTimeValid)) return "certificate has expired or is not yet valid";
                if ((status.Status & (X509ChainStatusFlags.UntrustedRoot | X509ChainStatusFlags.PartialChain)) != 0) return "certificate signed by unknown authority";
            }

            return string.Join(", ", (chain?.ChainStatus ?? []).Select(s => s.StatusInformation.Trim()));
        }

        var names = certificate.Extensions.OfType<X509SubjectAlternativeNameExtension>().SelectMany(n => n.EnumerateDnsNames().Concat(n.EnumerateIPAddresses().Select(a => a.ToString()))).ToList();
        // .NET would take the subject's common name for one; Kubernetes' clients have not done so for years.
        if (names.Count == 0) return "certificate relies on legacy Common Name field, use SANs instead";
        return errors.HasFlag(SslPolicyErrors.RemoteCertificateNameMismatch) ? $"certificate is valid for {string.Join(", ", names)}, not {host}" : null;
    }
}

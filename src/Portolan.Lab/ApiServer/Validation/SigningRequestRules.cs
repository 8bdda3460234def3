using Portolan.Lab.ApiServer.Auth.Certificates;
using Portolan.Lab.ApiServer.Schema;

namespace Portolan.Lab.ApiServer.Validation;

/// <summary>CertificateSigningRequests.</summary>
internal static class SigningRequestRules
{
    private const long LeastSeconds = 600;

    public static KindRules CertificateSigningRequest { get; } = new()
    {
        Name = NameRules.PathSegment,
        Check = static (obj, errors) =>
        {
            var spec = obj.Obj("spec");
            if (SigningRequest.TryRead(spec.Str("request")) is null)
                errors.Invalid("spec.request", spec?["request"], "PEM block type must be CERTIFICATE REQUEST, and its signature must be its key's");
            var signer = spec.Str("signerName");
            if (signer.Length == 0)
                errors.Required("spec.signerName");
            else if (signer.Split('/') is not [{ Length: > 0 } domain, { Length: > 0 }] || !domain.Contains('.'))
                errors.Invalid("spec.signerName", signer, "must be a fully qualified domain and path of the form 'example.com/signer-name'");
            if (spec.List("usages") is not { Count: > 0 })
                errors.Required("spec.usages", "usages must contain at least one value");
            if (spec.Int("expirationSeconds") is { } seconds && seconds < LeastSeconds)
                errors.Invalid("spec.expirationSeconds", seconds, "may not specify a duration less than 600 seconds (10 minutes)");
        },
    };
}

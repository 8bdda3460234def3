using Microsoft.AspNetCore.Connections.Features;
using Microsoft.AspNetCore.Http;
using Portolan.Lab.ApiServer.Auth;

namespace Portolan.Lab.ApiServer.Http;

/// <summary>Finds out who a request comes from: a bearer token, else the connection's client certificate (checked once per connection).</summary>
internal sealed class Authenticator(CertificateAuthentication certificates, ServiceAccountTokens tokens)
{
    private static readonly object CertificateIdentity = new();

    /// <returns>
    /// Nobody in particular when the request carries nothing that identifies it; null when what it carries does not hold. A token that does not hold is not
    /// rescued by a certificate.
    /// </returns>
    public Identity? Authenticate(HttpContext context)
    {
        var header = context.Request.Headers.Authorization.ToString();
        if (header.StartsWith("Bearer ", StringComparison.OrdinalIgnoreCase)) return tokens.Authenticate(header[7..].Trim());
        var items = context.Features.Get<IConnectionItemsFeature>()?.Items;
        if (items is not null && items.TryGetValue(CertificateIdentity, out var known)) return known as Identity;
        var identity = context.Connection.ClientCertificate is { } certificate ? certificates.Authenticate(certificate) : Identity.Anonymous;
        if (items is not null)
            lock (items)
                items[CertificateIdentity] = identity;
        return identity;
    }
}

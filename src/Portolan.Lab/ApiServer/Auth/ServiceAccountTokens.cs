using System.Collections.Concurrent;
using System.Text.Json.Nodes;
using Portolan.Lab.ApiServer.Resources;
using Portolan.Lab.ApiServer.Storage;

namespace Portolan.Lab.ApiServer.Auth;

/// <summary>
/// Service-account tokens: JWTs signed ES256 (RFC 7518 §3.4) with the cluster's key. A token is good while its signature and times hold and the
/// service account, and the object it is bound to, still exist with the same uid.
/// </summary>
internal sealed class ServiceAccountTokens(TokenKey key, ObjectStore store, TimeProvider clock)
{
    public const string Issuer = "https://kubernetes.default.svc.cluster.local";

    private const int MaxCached = 4096;
    private const int MaxLength = 16 * 1024;
    private const string ExtraPrefix = "authentication.kubernetes.io/";
    private static readonly TimeSpan ClockDifference = TimeSpan.FromMinutes(1);

    // Verifying costs a signature check; a client sends the same token with every request.
    private readonly ConcurrentDictionary<string, TokenClaims> _verified = new(StringComparer.Ordinal);

    /// <returns>The token, and when it ends.</returns>
    public (string Token, DateTimeOffset Expires) Issue(TokenSubject subject, IReadOnlyList<string> audiences, TimeSpan lifetime)
    {
        var now = clock.GetUtcNow();
        var claims = new TokenClaims(subject, audiences, Guid.NewGuid().ToString(), now, DateTimeOffset.FromUnixTimeSeconds((now + lifetime).ToUnixTimeSeconds()));
        return (key.Sign(claims.ToJson(Issuer)), claims.Expires!.Value);
    }

    /// <summary>The token of a Secret of type <c>kubernetes.io/service-account-token</c>: it has no end but that of the Secret and the account.</summary>
    public string IssueLegacy(TokenSubject subject) => key.Sign(TokenClaims.Legacy(subject));

    /// <summary>Who a request with this token comes from; null when it does not hold here.</summary>
    public Identity? Authenticate(string token) => Authenticate(token, [Issuer])?.Who;

    /// <returns>Who holds the token and for which of the audiences it is; null when it is not ours, out of date, for others, or of something that is gone.</returns>
    public (Identity Who, IReadOnlyList<string> Audiences)? Authenticate(string token, IReadOnlyList<string> audiences)
    {
        if (!_verified.TryGetValue(token, out var claims))
        {
            if (token.Length > MaxLength || key.Verify(token) is not { } payload || (claims = TokenClaims.Read(payload, Issuer)) is null) return null;
            if (_verified.Count >= MaxCached) _verified.Clear();
            _verified[token] = claims;
        }

        var now = clock.GetUtcNow();
        if (now >= claims.Expires || now < claims.NotBefore - ClockDifference) return null;
        // A legacy token names no audience: it is for this server.
        IReadOnlyList<string> given = claims.Audiences.Count == 0 ? [Issuer] : claims.Audiences;
        var shared = audiences.Where(given.Contains).ToList();
        if (shared.Count == 0) return null;
        var subject = claims.Subject;
        if (UidOf("serviceaccounts", subject.Namespace, subject.Name) != subject.Uid) return null;
        foreach (var bound in subject.Bound)
            if (!Holds(subject, bound))
                return null;
        return (IdentityOf(claims), shared);
    }

    private static Identity IdentityOf(TokenClaims claims)
    {
        var extra = new Dictionary<string, IReadOnlyList<string>>();
        if (claims.Id.Length > 0) extra[ExtraPrefix + "credential-id"] = [$"JTI={claims.Id}"];
        foreach (var bound in claims.Subject.Bound)
        {
            if (bound.Resource == "secrets") continue;
            var kind = bound.Resource == "pods" ? "pod" : "node";
            extra[$"{ExtraPrefix}{kind}-name"] = [bound.Name];
            extra[$"{ExtraPrefix}{kind}-uid"] = [bound.Uid];
        }

        var subject = claims.Subject;
        return new(Identity.ServiceAccount(subject.Namespace, subject.Name), Identity.GroupsOfServiceAccount(subject.Namespace)) { Uid = subject.Uid, Extra = extra };
    }

    // A pod's token names the pod's node for information: it hangs on the pod alone.
    private bool Holds(TokenSubject subject, TokenBinding bound)
    {
        var isNode = bound.Resource == "nodes";
        if (isNode && subject.Bound.Count > 1) return true;
        var uid = UidOf(bound.Resource, isNode ? "" : subject.Namespace, bound.Name);
        return uid is not null && (bound.Uid.Length == 0 || uid == bound.Uid);
    }

    private string? UidOf(string resource, string ns, string name) => store.Find(resource, new(ns, name)) is { } obj ? (StoredJson.Parse(obj.MetadataJson) as JsonObject).Text("uid") : null;
}

using System.Text.Json.Nodes;
using Portolan.Lab.ApiServer.Resources;
using Portolan.Lab.ApiServer.Validation;

namespace Portolan.Lab.ApiServer.Auth;

/// <summary>What a token is bound to: it is void once that object is gone.</summary>
/// <param name="Resource"><c>pods</c>, <c>secrets</c> or <c>nodes</c>.</param>
/// <param name="Name">Of the object.</param>
/// <param name="Uid">Empty in the tokens of Secrets, which name theirs only.</param>
internal sealed record TokenBinding(string Resource, string Name, string Uid);

/// <summary>The service account a token speaks for, and what it is bound to: a Secret, a Node, a Pod, or a Pod and its Node.</summary>
internal sealed record TokenSubject(string Namespace, string Name, string Uid, IReadOnlyList<TokenBinding> Bound);

/// <summary>What a service-account token says (its JWT claims).</summary>
/// <param name="Subject">The account.</param>
/// <param name="Audiences">Empty in legacy tokens.</param>
/// <param name="Id"><c>jti</c>; empty in legacy tokens.</param>
/// <param name="NotBefore">From when on.</param>
/// <param name="Expires">Null: never.</param>
internal sealed record TokenClaims(TokenSubject Subject, IReadOnlyList<string> Audiences, string Id, DateTimeOffset NotBefore, DateTimeOffset? Expires)
{
    private const string Kubernetes = "kubernetes.io";
    private const string LegacyIssuer = "kubernetes/serviceaccount";
    private static readonly (string Claim, string Resource)[] Bindings = [("pod", "pods"), ("secret", "secrets"), ("node", "nodes")];

    public JsonObject ToJson(string issuer)
    {
        var kubernetes = new JsonObject { ["namespace"] = Subject.Namespace, ["serviceaccount"] = new JsonObject { ["name"] = Subject.Name, ["uid"] = Subject.Uid } };
        foreach (var bound in Subject.Bound)
            kubernetes[Bindings.First(b => b.Resource == bound.Resource).Claim] = new JsonObject { ["name"] = bound.Name, ["uid"] = bound.Uid };
        return new()
        {
            ["aud"] = JsonText.Strings(Audiences),
            ["exp"] = Expires?.ToUnixTimeSeconds(),
            ["iat"] = NotBefore.ToUnixTimeSeconds(),
            ["iss"] = issuer,
            ["jti"] = Id,
            [Kubernetes] = kubernetes,
            ["nbf"] = NotBefore.ToUnixTimeSeconds(),
            ["sub"] = Identity.ServiceAccount(Subject.Namespace, Subject.Name),
        };
    }

    /// <summary>The older form, of tokens kept in Secrets.</summary>
    public static JsonObject Legacy(TokenSubject subject) => new()
    {
        ["iss"] = LegacyIssuer,
        [Claim("namespace")] = subject.Namespace,
        [Claim("secret.name")] = subject.Bound[0].Name,
        [Claim("service-account.name")] = subject.Name,
        [Claim("service-account.uid")] = subject.Uid,
        ["sub"] = Identity.ServiceAccount(subject.Namespace, subject.Name),
    };

    /// <returns>Null when the claims are of another issuer.</returns>
    public static TokenClaims? Read(JsonObject claims, string issuer)
    {
        if (claims.Str("iss") == LegacyIssuer)
            return new(
                new(claims.Str(Claim("namespace")), claims.Str(Claim("service-account.name")), claims.Str(Claim("service-account.uid")), [new("secrets", claims.Str(Claim("secret.name")), "")]),
                [], "", DateTimeOffset.MinValue.AddDays(1), null);
        if (claims.Str("iss") != issuer || claims.Obj(Kubernetes) is not { } kubernetes || claims.Int("exp") is not { } expires) return null;
        var account = kubernetes.Obj("serviceaccount");
        var bound = Bindings.Where(b => kubernetes[b.Claim] is JsonObject).Select(b => new TokenBinding(b.Resource, kubernetes.Obj(b.Claim).Str("name"), kubernetes.Obj(b.Claim).Str("uid")));
        return new(
            new(kubernetes.Str("namespace"), account.Str("name"), account.Str("uid"), [.. bound]), [.. claims.Strings("aud", "").Select(a => a.Item)], claims.Str("jti"),
            DateTimeOffset.FromUnixTimeSeconds(claims.Int("nbf") ?? 0), DateTimeOffset.FromUnixTimeSeconds(expires));
    }

    private static string Claim(string name) => $"kubernetes.io/serviceaccount/{name}";
}

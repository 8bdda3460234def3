using System.Text.Json.Nodes;
using Portolan.Lab.ApiServer.Resources;
using Portolan.Lab.ApiServer.Validation;

namespace Portolan.Lab.ApiServer.Auth.Reviews;

/// <summary>"Who is this?" asked as an object (<c>authentication.k8s.io/v1</c>): of oneself, or of whoever holds a token.</summary>
internal sealed class IdentityReviews(ServiceAccountTokens tokens)
{
    public JsonObject Self(Identity who) => new() { ["userInfo"] = UserInfo(who) };

    /// <summary>A token is good for those of the audiences asked for (this server's own, when none is) that it names.</summary>
    public JsonObject Token(JsonObject review)
    {
        var spec = review.Obj("spec");
        var asked = spec.Strings("audiences", "").Select(a => a.Item).ToList();
        if (asked.Count == 0) asked.Add(ServiceAccountTokens.Issuer);
        return tokens.Authenticate(spec.Str("token"), asked) is var (who, audiences)
            ? new() { ["authenticated"] = true, ["user"] = UserInfo(who), ["audiences"] = JsonText.Strings(audiences) }
            : new() { ["authenticated"] = false, ["error"] = "[invalid bearer token, token is invalid, out of date, or for another audience]" };
    }

    private static JsonObject UserInfo(Identity who)
    {
        var info = new JsonObject { ["username"] = who.User, ["groups"] = JsonText.Strings(who.Groups) };
        if (who.Uid is { Length: > 0 } uid) info["uid"] = uid;
        if (who.Extra.Count == 0) return info;
        var extra = new JsonObject();
        foreach (var (name, values) in who.Extra) extra[name] = JsonText.Strings(values);
        info["extra"] = extra;
        return info;
    }
}

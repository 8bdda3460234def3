using System.Text.Json.Nodes;
using Portolan.Lab.ApiServer.Auth;
using Portolan.Lab.ApiServer.Resources;
using Portolan.Lab.ApiServer.Schema;

namespace Portolan.Lab.ApiServer.Http;

/// <summary>Reviews: questions posted like objects and answered in their status; nothing is stored.</summary>
internal sealed class Reviews(ServiceAccountTokens tokens)
{
    public static bool IsReview(KindSchema kind) => kind.Group is "authentication.k8s.io" or "authorization.k8s.io";

    public JsonObject Answer(KindSchema kind, JsonObject review, Identity who)
    {
        review["apiVersion"] = kind.ApiVersion;
        review["kind"] = kind.Kind;
        review["metadata"] = new JsonObject { ["creationTimestamp"] = null };
        review["status"] = kind.Kind switch
        {
            "SelfSubjectReview" => new JsonObject { ["userInfo"] = UserInfo(who) },
            "TokenReview" => ReviewToken(review["spec"] as JsonObject),
            "SelfSubjectRulesReview" => new JsonObject
            {
                ["resourceRules"] = new JsonArray(new JsonObject { ["verbs"] = JsonText.Strings(["*"]), ["apiGroups"] = JsonText.Strings(["*"]), ["resources"] = JsonText.Strings(["*"]) }),
                ["nonResourceRules"] = new JsonArray(new JsonObject { ["verbs"] = JsonText.Strings(["*"]), ["nonResourceURLs"] = JsonText.Strings(["*"]) }),
                ["incomplete"] = false,
            },
            _ => new JsonObject { ["allowed"] = true },
        };
        return review;
    }

    private JsonObject ReviewToken(JsonObject? spec)
    {
        var audience = (spec?["audiences"] as JsonArray)?.FirstOrDefault() is { } first ? (string?)first : null;
        return tokens.Authenticate(spec.Text("token") ?? "", audience ?? ServiceAccountTokens.Issuer) is { } who
            ? new() { ["authenticated"] = true, ["user"] = UserInfo(who), ["audiences"] = JsonText.Strings([audience ?? ServiceAccountTokens.Issuer]) }
            : new() { ["authenticated"] = false, ["error"] = "invalid bearer token" };
    }

    private static JsonObject UserInfo(Identity who)
    {
        var info = new JsonObject { ["username"] = who.User, ["groups"] = JsonText.Strings(who.Groups) };
        if (who.Uid is { } uid) info["uid"] = uid;
        if (who.Extra.Count > 0)
        {
            var extra = new JsonObject();
            foreach (var (name, value) in who.Extra) extra[name] = JsonText.Strings([value]);
            info["extra"] = extra;
        }

        return info;
    }
}

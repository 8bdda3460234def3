using System.Text.Json.Nodes;
using Portolan.Lab.ApiServer.Schema;

namespace Portolan.Lab.ApiServer.Auth.Reviews;

/// <summary>Reviews: questions posted like objects and answered in their status; nothing is stored.</summary>
internal sealed class Reviews(IdentityReviews identities, AccessReviews access)
{
    public static bool IsReview(KindSchema kind) => kind.Group is "authentication.k8s.io" or "authorization.k8s.io";

    /// <param name="kind">Of the review.</param>
    /// <param name="review">As posted; the answer is put into it.</param>
    /// <param name="ns">Of the path.</param>
    /// <param name="who">Who asks.</param>
    public JsonObject Answer(KindSchema kind, JsonObject review, string? ns, Identity who)
    {
        review["apiVersion"] = kind.ApiVersion;
        review["kind"] = kind.Kind;
        review["metadata"] = new JsonObject { ["creationTimestamp"] = null };
        if (ns is not null) review["metadata"]!["namespace"] = ns;
        review["status"] = kind.Kind switch
        {
            "SelfSubjectReview" => identities.Self(who),
            "TokenReview" => identities.Token(review),
            "SelfSubjectRulesReview" => access.Rules(review, who),
            _ => access.Answer(kind, review, ns, who),
        };
        return review;
    }
}

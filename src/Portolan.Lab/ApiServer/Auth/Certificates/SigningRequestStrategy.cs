using System.Text.Json.Nodes;
using Portolan.Lab.ApiServer.Http;
using Portolan.Lab.ApiServer.Resources;
using Portolan.Lab.ApiServer.Validation;

namespace Portolan.Lab.ApiServer.Auth.Certificates;

/// <summary>CertificateSigningRequests say who made them, never change what they ask for, and are approved and signed by those who may.</summary>
internal sealed class SigningRequestStrategy(Authorizer access, TimeProvider clock) : ResourceStrategy
{
    public override void PrepareCreate(JsonObject obj, WriteScope scope)
    {
        var spec = obj.Child("spec");
        foreach (var field in (ReadOnlySpan<string>)["username", "uid", "groups", "extra"]) spec.Remove(field);
        if (scope.By?.Identity is not { } who) return;
        spec["username"] = who.User;
        if (who.Uid is { Length: > 0 } uid) spec["uid"] = uid;
        spec["groups"] = JsonText.Strings(who.Groups);
        if (who.Extra.Count > 0)
        {
            var extra = spec.Child("extra");
            foreach (var (name, values) in who.Extra) extra[name] = JsonText.Strings(values);
        }

        if (spec.Str("signerName") == Signers.Client && SigningRequest.TryRead(spec.Str("request")) is { } request && request.Organizations.Contains(Identity.Masters))
            throw Refuse(obj, $"use of {Signers.Client} signer with {Identity.Masters} group is not allowed");
    }

    public override void PrepareUpdate(JsonObject obj, JsonObject old, WriteScope scope) => obj["spec"] = old["spec"]?.DeepClone();

    public override void PrepareSubresource(string subresource, JsonObject obj, JsonObject old, WriteScope scope)
    {
        var (status, before) = (obj.Child("status"), old.Obj("status"));
        var signer = obj.Obj("spec").Str("signerName");
        if (subresource == "approval")
        {
            Require("approve", obj, signer, scope);
            foreach (var (condition, _) in status.Items("conditions", ""))
                if (condition.Str("lastUpdateTime").Length == 0)
                    condition["lastUpdateTime"] = JsonText.Time(clock.GetUtcNow());
            return;
        }

        // Only /approval approves and denies.
        var decided = Decisions(before);
        if (!decided.SequenceEqual(Decisions(status))) scope.Errors.Add(new("status.conditions", Schema.FieldErrorReason.FieldValueForbidden, "Forbidden: updates may not add or remove a condition of type \"Approved\" or \"Denied\""));
        if (status.Str("certificate") != before.Str("certificate")) Require("sign", obj, signer, scope);
    }

    private static IEnumerable<string> Decisions(JsonObject? status) => status.Items("conditions", "").Select(c => c.Item.Str("type")).Where(t => t is "Approved" or "Denied").Order();

    private void Require(string verb, JsonObject obj, string signer, WriteScope scope)
    {
        if (scope.By?.Identity is { } who && !Signers.Allows(access, who, verb, signer))
            throw Refuse(obj, $"user not permitted to {verb} requests with signerName \"{signer}\"");
    }

    private static ApiException Refuse(JsonObject obj, string why)
    {
        var name = obj.Obj("metadata").Str("name");
        return new(403, "Forbidden", $"{Signers.Storage} \"{name}\" is forbidden: {why}") { Name = name, Group = Signers.Group, Kind = "certificatesigningrequests" };
    }
}

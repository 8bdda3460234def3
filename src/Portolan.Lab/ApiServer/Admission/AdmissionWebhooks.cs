using System.Text.Json.Nodes;
using Microsoft.Extensions.Logging;
using Portolan.Lab.ApiServer.Admission.Policies;
using Portolan.Lab.ApiServer.Conversion;
using Portolan.Lab.ApiServer.Http;
using Portolan.Lab.ApiServer.Patching;
using Portolan.Lab.ApiServer.Schema;
using Portolan.Lab.ApiServer.Storage;
using Portolan.Lab.ApiServer.Validation;
using Portolan.Lab.ApiServer.Webhooks;

namespace Portolan.Lab.ApiServer.Admission;

/// <summary>
/// Asks the admission webhooks about requests: the mutating ones one after another before an object is validated, the validating ones all at once
/// just before it is stored, after the admission policies. Requests about webhook configurations are never asked about, or a broken one could not be taken back.
/// </summary>
internal sealed partial class AdmissionWebhooks(ObjectStore store, AdmissionPolicies policies, VersionConversion conversion, WebhookClient client, ILogger<AdmissionWebhooks> logger)
{
    private const string OwnGroup = "admissionregistration.k8s.io";
    private const int MaxWarning = 256;

    private readonly WebhookRegistry _registry = new(store);

    /// <summary>False as long as no webhook and no policy is configured: then nothing need be prepared for one.</summary>
    public bool Any => policies.Any || _registry.Mutating.Count > 0 || _registry.Validating.Count > 0;

    /// <param name="request">What is asked for.</param>
    /// <param name="reread">Brings a patched object into form again, as if a client had sent it.</param>
    /// <param name="cancellation">Of the request.</param>
    /// <returns>The object as the webhooks want it; null when the request has none.</returns>
    /// <exception cref="ApiException">A webhook denies the request, or cannot be asked and must be.</exception>
    public async ValueTask<JsonObject?> MutateAsync(AdmissionRequest request, Func<JsonObject, JsonObject> reread, CancellationToken cancellation)
    {
        var webhooks = _registry.Mutating;
        if (webhooks.Count == 0 || request.Target.Kind.Group == OwnGroup) return request.Object;
        var changes = 0;
        var askedAt = new int?[webhooks.Count];
        for (var round = 0; round < 2; round++)
        {
            for (var i = 0; i < webhooks.Count; i++)
            {
                if (round > 0 && !(webhooks[i].Reinvoked && askedAt[i] is { } at && at != changes)) continue;
                if (webhooks[i].Match(request, store) is not { } seen) continue;
                var uid = Guid.NewGuid().ToString();
                var review = await ReviewAsync(request, uid, seen, cancellation);
                if (!IsWanted(webhooks[i], request, review)) continue;
                var obj = await MutateAsync(webhooks[i], request, (seen, uid, review), reread, cancellation);
                if (!JsonNode.DeepEquals(obj, request.Object)) changes++;
                askedAt[i] = changes;
                request = request with { Object = obj };
            }
        }

        return request.Object;
    }

    /// <exception cref="ApiException">A webhook denies the request, or cannot be asked and must be.</exception>
    public async ValueTask ValidateAsync(AdmissionRequest request, CancellationToken cancellation)
    {
        if (request.Target.Kind.Group == OwnGroup) return;
        if (policies.Any) await policies.ValidateAsync(request, seen => ReviewAsync(request, Guid.NewGuid().ToString(), seen, cancellation));
        var webhooks = _registry.Validating;
        if (webhooks.Count == 0) return;
        var asked = new List<(Webhook Webhook, string Uid, byte[] Review)>();
        foreach (var webhook in webhooks)
            if (webhook.Match(request, store) is { } seen)
            {
                var uid = Guid.NewGuid().ToString();
                var review = await ReviewAsync(request, uid, seen, cancellation);
                if (IsWanted(webhook, request, review)) asked.Add((webhook, uid, review));
            }

        if (asked.Count == 0) return;
        var answers = await Task.WhenAll(asked.Select(async a => await AnswerAsync(a.Webhook, a.Review, a.Uid, cancellation)));
        foreach (var (verdict, _) in answers)
            if (verdict is not null)
                Warn(request, verdict);
        for (var i = 0; i < answers.Length; i++)
        {
            if (answers[i].Failure is { } failure) throw failure;
            if (answers[i].Verdict is { Allowed: false } verdict) throw Denied(asked[i].Webhook, verdict);
        }
    }

    /// <summary>Both at once, for bodies that are no stored object: Scale, Binding, Eviction, TokenRequest, the options of a connection.</summary>
    /// <param name="request">What is asked for.</param>
    /// <param name="reread">Brings a patched body into form again.</param>
    /// <param name="cancellation">Of the request.</param>
    /// <returns>The body as the webhooks want it.</returns>
    /// <exception cref="ApiException">A webhook denies the request, or cannot be asked and must be.</exception>
    public async ValueTask<JsonObject> AdmitAsync(AdmissionRequest request, Func<JsonObject, JsonObject> reread, CancellationToken cancellation)
    {
        var body = await MutateAsync(request, reread, cancellation);
        await ValidateAsync(request with { Object = body }, cancellation);
        return body!;
    }

    /// <summary>Whether its match conditions hold. Ones that cannot be evaluated are a failure like any other of the webhook.</summary>
    private bool IsWanted(Webhook webhook, AdmissionRequest request, byte[] review)
    {
        if (webhook.Conditions is not { } conditions || conditions.Hold(AdmissionVariables.Of(review), out var problem)) return true;
        if (problem is null) return false;
        if (!webhook.IgnoresFailure) throw ApiErrors.Forbidden(request.Target.Kind, request.Name, problem);
        LogIgnored(logger, $"webhook \"{webhook.Name}\": {problem}");
        return false;
    }

    private async Task<JsonObject?> MutateAsync(
        Webhook webhook, AdmissionRequest request, (KindSchema Seen, string Uid, byte[] Review) call, Func<JsonObject, JsonObject> reread, CancellationToken cancellation)
    {
        var seen = call.Seen;
        var (verdict, failure) = await AnswerAsync(webhook, call.Review, call.Uid, cancellation);
        if (failure is not null) throw failure;
        if (verdict is null) return request.Object;
        Warn(request, verdict);
        if (!verdict.Allowed) throw Denied(webhook, verdict);
        if (verdict.Patch is not { Count: > 0 } patch) return request.Object;
        if (request.Operation is AdmissionOperation.Connect || await ShownAsync(request, request.Object, seen, cancellation) is not { } obj)
            throw ApiErrors.Internal($"admission webhook \"{webhook.Name}\" attempted to modify the object, which is not supported for this operation");
        try
        {
            return reread(await ShownAsync(request, JsonPatch.Apply(obj, patch), request.Target.Kind, cancellation) ?? []);
        }
        catch (JsonPatchException e)
        {
            throw ApiErrors.Internal($"the patch of admission webhook \"{webhook.Name}\" does not fit: {e.Message}");
        }
    }

    private async Task<byte[]> ReviewAsync(AdmissionRequest request, string uid, KindSchema seen, CancellationToken cancellation) =>
        AdmissionReview.Write(request, uid, seen, await ShownAsync(request, request.Object, seen, cancellation), await ShownAsync(request, request.OldObject, seen, cancellation));

    // A body of another kind has no versions of the resource's kind.
    private async ValueTask<JsonObject?> ShownAsync(AdmissionRequest request, JsonObject? obj, KindSchema seen, CancellationToken cancellation) =>
        obj is null || request.BodyKind is not null ? obj : await conversion.ConvertAsync(request.Target.Resource, obj, seen, cancellation);

    /// <returns>The verdict, or the failure that stands for it; neither when the webhook could not be asked and need not be.</returns>
    private async Task<(AdmissionVerdict? Verdict, ApiException? Failure)> AnswerAsync(Webhook webhook, byte[] review, string uid, CancellationToken cancellation)
    {
        string why;
        try
        {
            var answer = await client.PostAsync(webhook.Address, review, webhook.Timeout, cancellation);
            try
            {
                return (AdmissionReview.Read(answer, uid), null);
            }
            catch (WebhookUnreachableException e)
            {
                why = $"failed calling webhook \"{webhook.Name}\": {e.Message}";
            }
        }
        catch (WebhookUnreachableException e)
        {
            why = $"failed calling webhook \"{webhook.Name}\": failed to call webhook: {e.Message}";
        }

        if (!webhook.IgnoresFailure) return (null, ApiErrors.Internal(why));
        LogIgnored(logger, why);
        return (null, null);
    }

    private static ApiException Denied(Webhook webhook, AdmissionVerdict verdict)
    {
        var said = verdict.Status;
        var denied = $"admission webhook \"{webhook.Name}\" denied the request";
        var message = said.Str("message") is { Length: > 0 } text ? $"{denied}: {text}" : said.Str("reason") is { Length: > 0 } reason ? $"{denied}: {reason}" : $"{denied} without explanation";
        // Whatever it says, a denial is not a success.
        var code = said.Int("code") is >= 400 and < 600 and var given ? (int)given : 400;
        return new(code, said.Str("reason"), message) { Details = (JsonObject?)said.Obj("details")?.DeepClone() };
    }

    private static void Warn(AdmissionRequest request, AdmissionVerdict verdict)
    {
        foreach (var warning in verdict.Warnings.Distinct()) request.Caller.Warn(warning.Length > MaxWarning ? warning[..MaxWarning] : warning);
    }

    [LoggerMessage(Level = LogLevel.Warning, Message = "{Why}; its failurePolicy lets the request pass")]
    private static partial void LogIgnored(ILogger logger, string why);
}

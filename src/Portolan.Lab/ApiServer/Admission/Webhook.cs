using System.Text.Json.Nodes;
using Portolan.Lab.ApiServer.Schema;
using Portolan.Lab.ApiServer.Storage;
using Portolan.Lab.ApiServer.Validation;
using Portolan.Lab.ApiServer.Webhooks;

namespace Portolan.Lab.ApiServer.Admission;

/// <summary>One webhook of a configuration, ready to be asked.</summary>
internal sealed class Webhook
{
    private readonly RequestMatch _match;
    private readonly Lazy<MatchConditions?> _conditions;

    /// <param name="webhook">As stored, so validated and with its defaults.</param>
    public Webhook(JsonObject webhook)
    {
        Name = webhook.Str("name");
        Address = WebhookAddress.Of(webhook.Obj("clientConfig"));
        Timeout = TimeSpan.FromSeconds(webhook.Int("timeoutSeconds") ?? 10);
        IgnoresFailure = webhook.Str("failurePolicy") == "Ignore";
        Reinvoked = webhook.Str("reinvocationPolicy") == "IfNeeded";
        _conditions = new(() => MatchConditions.Of(webhook, AdmissionVariables.Environment));
        _match = RequestMatch.OfWebhook(webhook);
    }

    public string Name { get; }

    public WebhookAddress Address { get; }

    public TimeSpan Timeout { get; }

    /// <summary>failurePolicy Ignore: a webhook that cannot be asked has no say.</summary>
    public bool IgnoresFailure { get; }

    /// <summary>reinvocationPolicy IfNeeded: asked once more when another webhook changed the object afterwards.</summary>
    public bool Reinvoked { get; }

    /// <summary>What must hold of a request beside its rules and selectors; null when nothing. Compiled when first asked for.</summary>
    public MatchConditions? Conditions => _conditions.Value;

    /// <returns>The version in which it wants to see the object; null when the request is none of its business.</returns>
    public KindSchema? Match(AdmissionRequest request, ObjectStore store) => _match.Find(request, store);
}

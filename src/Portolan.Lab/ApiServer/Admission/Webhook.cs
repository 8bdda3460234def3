using System.Text.Json.Nodes;
using Portolan.Lab.ApiServer.Http;
using Portolan.Lab.ApiServer.Resources;
using Portolan.Lab.ApiServer.Schema;
using Portolan.Lab.ApiServer.Storage;
using Portolan.Lab.ApiServer.Validation;
using Portolan.Lab.ApiServer.Webhooks;

namespace Portolan.Lab.ApiServer.Admission;

/// <summary>One webhook of a configuration, ready to be asked.</summary>
internal sealed class Webhook
{
    private readonly WebhookRule[] _rules;
    private readonly JsonObject? _namespaceSelector;
    private readonly JsonObject? _objectSelector;
    private readonly bool _equivalent;
    private readonly Lazy<MatchConditions?> _conditions;

    /// <param name="webhook">As stored, so validated and with its defaults.</param>
    public Webhook(JsonObject webhook)
    {
        Name = webhook.Str("name");
        Address = WebhookAddress.Of(webhook.Obj("clientConfig"));
        Timeout = TimeSpan.FromSeconds(webhook.Int("timeoutSeconds") ?? 10);
        IgnoresFailure = webhook.Str("failurePolicy") == "Ignore";
        Reinvoked = webhook.Str("reinvocationPolicy") == "IfNeeded";
        _conditions = new(() => MatchConditions.Of(webhook));
        _equivalent = webhook.Str("matchPolicy") != "Exact";
        _rules = [.. webhook.Items("rules", "").Select(r => new WebhookRule(r.Item))];
        _namespaceSelector = Meaningful(webhook.Obj("namespaceSelector"));
        _objectSelector = Meaningful(webhook.Obj("objectSelector"));
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
    public KindSchema? Match(AdmissionRequest request, ObjectStore store)
    {
        var kind = request.Target.Kind;
        if (!_rules.Any(r => r.Matches(request, kind)))
        {
            kind = _equivalent ? request.Target.Resource.Versions.FirstOrDefault(v => v != request.Target.Kind && _rules.Any(r => r.Matches(request, v))) : null;
            if (kind is null) return null;
        }

        return InNamespaces(request, store) && SelectsObject(request) ? kind : null;
    }

    private bool InNamespaces(AdmissionRequest request, ObjectStore store)
    {
        if (_namespaceSelector is null || request.Namespace.Length == 0) return true;
        if (request.Target.Storage == "namespaces" && request.Target.Subresource is null)
            return ValueRules.Selects(_namespaceSelector, Labels(request.Object ?? request.OldObject));
        var ns = store.Find("namespaces", new("", request.Namespace)) ?? throw ApiErrors.NotFound("", "namespaces", request.Namespace);
        return SelectorObject.Matches(_namespaceSelector, ns.Labels);
    }

    // Either state is enough, so that a label cannot be taken off unseen. What has no metadata has no labels to select by.
    private bool SelectsObject(AdmissionRequest request) =>
        _objectSelector is null || Selected(request.Object) || Selected(request.OldObject);

    private bool Selected(JsonObject? obj) => obj?["metadata"] is JsonObject && ValueRules.Selects(_objectSelector, Labels(obj));

    private static JsonObject? Labels(JsonObject? obj) => obj.Obj("metadata").Obj("labels");

    private static JsonObject? Meaningful(JsonObject? selector) =>
        selector.Obj("matchLabels") is { Count: > 0 } || selector.List("matchExpressions") is { Count: > 0 } ? selector : null;
}

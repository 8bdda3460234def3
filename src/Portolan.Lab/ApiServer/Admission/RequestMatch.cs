using System.Text.Json.Nodes;
using Portolan.Lab.ApiServer.Http;
using Portolan.Lab.ApiServer.Resources;
using Portolan.Lab.ApiServer.Schema;
using Portolan.Lab.ApiServer.Storage;
using Portolan.Lab.ApiServer.Validation;

namespace Portolan.Lab.ApiServer.Admission;

/// <summary>Which requests a webhook or a policy is about: its rules, those it excepts, and its selectors of namespaces and objects.</summary>
internal sealed class RequestMatch
{
    private readonly WebhookRule[] _rules;
    private readonly WebhookRule[] _except;
    private readonly JsonObject? _namespaceSelector;
    private readonly JsonObject? _objectSelector;
    private readonly bool _equivalent;
    private readonly bool _anyKind;

    private RequestMatch(JsonObject? owner, WebhookRule[] rules, WebhookRule[] except, bool anyKind)
    {
        (_rules, _except, _anyKind) = (rules, except, anyKind);
        _equivalent = owner.Str("matchPolicy") != "Exact";
        _namespaceSelector = Meaningful(owner.Obj("namespaceSelector"));
        _objectSelector = Meaningful(owner.Obj("objectSelector"));
    }

    /// <param name="webhook">As stored, so validated and with its defaults.</param>
    public static RequestMatch OfWebhook(JsonObject webhook) => new(webhook, Rules(webhook, "rules"), [], anyKind: false);

    /// <param name="resources">A MatchResources; without rules it is about everything.</param>
    public static RequestMatch OfResources(JsonObject? resources) =>
        new(resources, Rules(resources, "resourceRules"), Rules(resources, "excludeResourceRules"), anyKind: resources.List("resourceRules") is not { Count: > 0 });

    /// <returns>The version in which it wants to see the object; null when the request is none of its business.</returns>
    public KindSchema? Find(AdmissionRequest request, ObjectStore store)
    {
        var kind = request.Target.Kind;
        if (!_anyKind && !Named(_rules, request, kind))
        {
            kind = _equivalent ? request.Target.Resource.Versions.FirstOrDefault(v => v != request.Target.Kind && Named(_rules, request, v)) : null;
            if (kind is null) return null;
        }

        return !Named(_except, request, kind) && InNamespaces(request, store) && SelectsObject(request) ? kind : null;
    }

    private static bool Named(WebhookRule[] rules, AdmissionRequest request, KindSchema kind) => rules.Any(r => r.Matches(request, kind));

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

    private static WebhookRule[] Rules(JsonObject? owner, string field) => [.. owner.Items(field, "").Select(r => new WebhookRule(r.Item))];

    private static JsonObject? Meaningful(JsonObject? selector) =>
        selector.Obj("matchLabels") is { Count: > 0 } || selector.List("matchExpressions") is { Count: > 0 } ? selector : null;
}

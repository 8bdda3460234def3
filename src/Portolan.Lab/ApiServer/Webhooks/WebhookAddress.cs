using System.Text.Json.Nodes;
using Portolan.Lab.ApiServer.Validation;

namespace Portolan.Lab.ApiServer.Webhooks;

/// <summary>Where a webhook is, and whom it must prove to be: a <c>WebhookClientConfig</c> of admissionregistration.k8s.io/v1 or apiextensions.k8s.io/v1.</summary>
/// <param name="Url">Always https. For a Service <c>https://NAME.NAMESPACE.svc:PORT/PATH</c>, the name its certificate must carry.</param>
/// <param name="Service">The Service whose endpoints are called, null when the URL's host is.</param>
/// <param name="CaBundle">PEM certificates to trust; null: what the machine trusts.</param>
internal sealed record WebhookAddress(string Url, WebhookService? Service, string? CaBundle)
{
    /// <param name="clientConfig">As stored, so validated and with its defaults.</param>
    public static WebhookAddress Of(JsonObject? clientConfig)
    {
        var bundle = clientConfig.Str("caBundle") is { Length: > 0 } text ? System.Text.Encoding.UTF8.GetString(Convert.FromBase64String(text)) : null;
        if (clientConfig.Obj("service") is not { } service) return new(clientConfig.Str("url"), null, bundle);
        var to = new WebhookService(service.Str("namespace"), service.Str("name"), (int)(service.Int("port") ?? 443));
        var path = service.Str("path") is { Length: > 0 } given ? given : "/";
        return new($"https://{to.Name}.{to.Namespace}.svc:{to.Port}{path}", to, bundle);
    }
}

/// <summary>A Service's port as a webhook names it.</summary>
internal sealed record WebhookService(string Namespace, string Name, int Port);

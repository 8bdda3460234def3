using Portolan.Lab.Tests.ApiServer;

namespace Portolan.Lab.Tests.Webhooks;

/// <summary>A webhook configuration for as long as a test needs it, about one namespace only, so that tests do not meet each other's.</summary>
internal sealed class Configured(ApiClient client, string path) : IAsyncDisposable
{
    private const string Group = "/apis/admissionregistration.k8s.io/v1";
    private static int s_number;

    /// <param name="server">The API server.</param>
    /// <param name="webhook">Who is asked.</param>
    /// <param name="ns">The namespace it is about.</param>
    /// <param name="rule">A rule in YAML's flow form.</param>
    /// <param name="more">Further fields of the webhook, JSON members with a comma before them.</param>
    /// <param name="mutating">Which kind of configuration.</param>
    /// <param name="clientConfig">In place of the webhook's own URL.</param>
    /// <param name="name">Of the webhook; the configuration's begins with it.</param>
    public static async Task<Configured> AsAsync(
        RunningServer server, WebhookServer webhook, string ns, string rule, string more = "", bool mutating = false, string? clientConfig = null, string name = "check.example.com")
    {
        var kind = mutating ? "Mutating" : "Validating";
        clientConfig ??= $$"""{"url":"https://127.0.0.1:{{webhook.Port}}/review","caBundle":"{{webhook.CaBundle}}"}""";
        var path = $"{Group}/{kind.ToLowerInvariant()}webhookconfigurations";
        var configuration = $"{name}-{Interlocked.Increment(ref s_number)}";
        await server.Client.DoAsync("POST", path, $$"""
            {"apiVersion":"admissionregistration.k8s.io/v1","kind":"{{kind}}WebhookConfiguration","metadata":{"name":"{{configuration}}"},"webhooks":[{
              "name":"{{name}}","clientConfig":{{clientConfig}},"rules":[{{rule}}],"sideEffects":"None","admissionReviewVersions":["v1"],
              "namespaceSelector":{"matchLabels":{"kubernetes.io/metadata.name":"{{ns}}"} }{{more}} }]}
            """);
        return new(server.Client, $"{path}/{configuration}");
    }

    public static string Rule(string operations, string resources, string groups = "\"\"", string versions = "\"*\"", string scope = "*") =>
        $$"""{"operations":[{{operations}}],"apiGroups":[{{groups}}],"apiVersions":[{{versions}}],"resources":[{{resources}}],"scope":"{{scope}}"}""";

    public string Path => path;

    public async ValueTask DisposeAsync() => await client.DoAsync("DELETE", path);
}

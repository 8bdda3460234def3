using System.Net;
using System.Text.Json.Nodes;
using Microsoft.Extensions.Logging;
using Portolan.Kubernetes.Client;
using Portolan.Kubernetes.Resources;

namespace Portolan.Controller.Webhooks;

/// <summary>The <c>caBundle</c> in everything that calls the webhook: the ValidatingWebhookConfiguration and the conversion of BGPPeer's definition.</summary>
internal sealed class TrustBundle(KubeClient client, string configuration, string definition, ILogger log)
{
    private static readonly ResourceType<UntypedObject> _configurations =
        ResourceType.Untyped("admissionregistration.k8s.io", "v1", "validatingwebhookconfigurations", "ValidatingWebhookConfiguration", false);

    private static readonly ResourceType<UntypedObject> _definitions = ResourceType.Untyped("apiextensions.k8s.io", "v1", "customresourcedefinitions", "CustomResourceDefinition", false);

    private readonly HashSet<string> _refused = [];

    /// <summary>Puts the bundle where it is not yet. What is not there, or calls nobody, needs none.</summary>
    /// <param name="bundle">PEM.</param>
    /// <param name="isCurrent">Asked before anything is written: whether the bundle is still the one in force.</param>
    /// <param name="stop">Cancels.</param>
    /// <returns>Whether all that calls the webhook trusts this bundle now.</returns>
    /// <exception cref="KubeApiException">A conflict with another writer, or the server is not well.</exception>
    public async Task<bool> GiveAsync(byte[] bundle, Func<Task<bool>> isCurrent, CancellationToken stop)
    {
        var text = Convert.ToBase64String(bundle);
        var configured = await GiveAsync(_configurations, configuration, PatchKind.StrategicMerge, found => Configuration(found, text), isCurrent, stop);
        return await GiveAsync(_definitions, definition, PatchKind.Merge, found => Definition(found, text), isCurrent, stop) && configured;
    }

    private async Task<bool> GiveAsync(
        ResourceType<UntypedObject> type, string name, PatchKind kind, Func<UntypedObject, JsonObject?> change, Func<Task<bool>> isCurrent, CancellationToken stop)
    {
        try
        {
            if (await client.FindAsync(type, null, name, stop) is not { } found || change(found) is not { } patch)
                return true;
            if (!await isCurrent())
                throw new KubeApiException(HttpStatusCode.Conflict, "Conflict", "the certificates changed meanwhile");
            patch["metadata"] = new JsonObject { ["resourceVersion"] = found.Metadata.ResourceVersion };
            await client.PatchAsync(type, null, name, kind, patch, ct: stop);
            log.LogInformation("{Kind} {Name}: trusts the webhook's authority", type.Kind, name);
            return true;
        }
        catch (KubeApiException refused) when (refused.StatusCode is HttpStatusCode.Forbidden)
        {
            // Somebody's decision; said once.
            if (_refused.Add(name))
                log.LogWarning("{Kind} {Name}: cannot be given the webhook's authority: {Reason}", type.Kind, name, refused.Message);
            return false;
        }
    }

    /// <returns>The patch, or null when nothing is to be changed.</returns>
    private static JsonObject? Configuration(UntypedObject found, string bundle)
    {
        var changed = new JsonArray();
        foreach (var webhook in found.Json["webhooks"] as JsonArray ?? [])
        {
            // One that is called by URL is not ours to vouch for.
            if (webhook?["clientConfig"] is JsonObject { } client && client["service"] is not null && (string?)client["caBundle"] != bundle)
                changed.Add((JsonNode)new JsonObject { ["name"] = (string?)webhook["name"], ["clientConfig"] = new JsonObject { ["caBundle"] = bundle } });
        }

        return changed.Count == 0 ? null : new JsonObject { ["webhooks"] = changed };
    }

    private static JsonObject? Definition(UntypedObject found, string bundle) =>
        found.Spec?["conversion"]?["webhook"]?["clientConfig"] is JsonObject { } client && client["service"] is not null && (string?)client["caBundle"] != bundle
            ? new JsonObject { ["spec"] = new JsonObject { ["conversion"] = new JsonObject { ["webhook"] = new JsonObject { ["clientConfig"] = new JsonObject { ["caBundle"] = bundle } } } } }
            : null;
}

using System.Net;
using System.Text.Json.Nodes;
using Portolan.Lab.ApiServer.Resources;
using Portolan.Lab.ApiServer.Storage;
using Portolan.Lab.ApiServer.Validation;

namespace Portolan.Lab.ApiServer.Webhooks;

/// <summary>The addresses behind a Service's port, from its EndpointSlices: the API server's host has no service proxy and no cluster DNS.</summary>
internal static class ServiceEndpoints
{
    private const string ServiceLabel = "kubernetes.io/service-name";

    /// <exception cref="WebhookUnreachableException">There is no such Service, port or ready endpoint.</exception>
    public static IReadOnlyList<IPEndPoint> Ready(ObjectStore store, WebhookService webhook)
    {
        var service = store.Find("services", new(webhook.Namespace, webhook.Name)) ?? throw new WebhookUnreachableException($"service \"{webhook.Name}\" not found");
        var port = StoredForm.Parse(service).Obj("spec").Items("ports", "").Select(p => p.Item).FirstOrDefault(p => p.Int("port") == webhook.Port)
            ?? throw new WebhookUnreachableException($"no service port {webhook.Port} found for service \"{webhook.Name}\"");
        var found = new List<IPEndPoint>();
        foreach (var slice in store.List("endpointslices.discovery.k8s.io", webhook.Namespace).Objects)
        {
            if (!slice.Labels.Any(l => l.Key == ServiceLabel && l.Value == webhook.Name)) continue;
            var parsed = StoredForm.Parse(slice);
            foreach (var (offered, _) in parsed.Items("ports", ""))
                if (offered.Str("name") == port.Str("name") && offered.Int("port") is { } number)
                    found.AddRange(Ready(parsed).Select(address => new IPEndPoint(address, (int)number)));
        }

        return found.Count > 0 ? found : throw new WebhookUnreachableException($"no endpoints available for service \"{webhook.Name}\"");
    }

    private static IEnumerable<IPAddress> Ready(JsonObject slice)
    {
        foreach (var (endpoint, _) in slice.Items("endpoints", ""))
        {
            // Unknown counts as ready (EndpointConditions.ready).
            if (ObjectReading.Flag(endpoint.Obj("conditions"), "ready") == false) continue;
            foreach (var (text, _) in endpoint.Strings("addresses", ""))
                if (IPAddress.TryParse(text, out var address))
                    yield return address;
        }
    }
}

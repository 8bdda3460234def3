using System.Collections.Concurrent;
using System.Net;
using System.Text.Json.Nodes;

using Microsoft.Extensions.Logging;

using Portolan.Core.Cluster;
using Portolan.Kubernetes.Client;
using Portolan.Kubernetes.Resources;
using Portolan.Kubernetes.Watching;

namespace Portolan.Lab.Nodes.Pods;

/// <summary>A ConfigMap, Secret or key that a container needs is not there; it is looked for again.</summary>
internal sealed class MissingConfigurationException(string message) : Exception(message);

/// <summary>What pods need of the API besides themselves: Services, ConfigMaps, Secrets, tokens.</summary>
/// <param name="client">The API.</param>
/// <param name="authority">The cluster's CA certificate, PEM: for pods, when the namespace has no <c>kube-root-ca.crt</c> yet.</param>
/// <param name="logger">Told when the server is lost and found.</param>
internal sealed class ClusterObjects(KubeClient client, string authority, ILogger logger)
{
    public const string RootAuthority = "kube-root-ca.crt";
    private readonly ConcurrentDictionary<ObjectKey, Service> _services = [];
    private readonly FollowedObjects _followed = new(client, logger);
    private readonly TaskCompletionSource _servicesKnown = new(TaskCreationOptions.RunContinuationsAsynchronously);

    public Task WatchServicesAsync(CancellationToken cancel) =>
        new Reflector<Service>(client, Kinds.Services, logger: logger).RunAsync(change =>
        {
            if (change.Kind is ChangeKind.Synced)
                _servicesKnown.TrySetResult();
            else if (change.New is { } service)
                _services[change.Key] = service;
            else
                _services.TryRemove(change.Key, out _);
            return ValueTask.CompletedTask;
        }, cancel);

    /// <summary>The Services a pod's environment names: the API's own always, those of its namespace when it has service links.</summary>
    public async Task<IReadOnlyList<Service>> ServicesOfAsync(Pod pod, CancellationToken cancel)
    {
        await _servicesKnown.Task.WaitAsync(cancel).ConfigureAwait(false);
        return [.. _services.Where(s => (s.Key.Namespace == "default" && s.Key.Name == "kubernetes")
            || (pod.Spec.EnableServiceLinks != false && s.Key.Namespace == pod.Namespace)).Select(s => s.Value)];
    }

    /// <summary>Calls back whenever the ConfigMap or Secret changes, until disposed.</summary>
    public IDisposable Follow(bool isSecret, string ns, string name, Action changed) => _followed.Follow(isSecret ? _secrets : _configMaps, ns, name, changed);

    private static readonly ResourceType<UntypedObject> _configMaps = ResourceType.Untyped("", "v1", "configmaps", "ConfigMap", true);
    private static readonly ResourceType<UntypedObject> _secrets = ResourceType.Untyped("", "v1", "secrets", "Secret", true);

    /// <exception cref="MissingConfigurationException">There is none, and it is not optional.</exception>
    public async Task<IReadOnlyDictionary<string, byte[]>> ConfigMapAsync(string ns, string name, bool optional, CancellationToken cancel)
    {
        var map = await client.FindAsync(_configMaps, ns, name, cancel).ConfigureAwait(false);
        if (map is null && name == RootAuthority)
            return new Dictionary<string, byte[]> { ["ca.crt"] = System.Text.Encoding.UTF8.GetBytes(authority) };
        if (map is null)
            return optional ? new Dictionary<string, byte[]>() : throw new MissingConfigurationException($"configmap \"{name}\" not found");
        var values = new Dictionary<string, byte[]>();
        foreach (var (key, value) in map.Json["data"] as JsonObject ?? [])
            values[key] = System.Text.Encoding.UTF8.GetBytes((string?)value ?? "");
        foreach (var (key, value) in map.Json["binaryData"] as JsonObject ?? [])
            values[key] = Convert.FromBase64String((string?)value ?? "");
        return values;
    }

    /// <exception cref="MissingConfigurationException">There is none, and it is not optional.</exception>
    public async Task<IReadOnlyDictionary<string, byte[]>> SecretAsync(string ns, string name, bool optional, CancellationToken cancel)
    {
        var secret = await client.FindAsync(Kinds.Secrets, ns, name, cancel).ConfigureAwait(false);
        if (secret is null)
            return optional ? new Dictionary<string, byte[]>() : throw new MissingConfigurationException($"secret \"{name}\" not found");
        return secret.Data ?? [];
    }

    /// <summary>A token bound to the pod (TokenRequest), and when it ends.</summary>
    public async Task<(string Token, DateTimeOffset Expires)> TokenAsync(Pod pod, TokenProjection projection, CancellationToken cancel)
    {
        var spec = new JsonObject
        {
            ["expirationSeconds"] = projection.ExpirationSeconds ?? 3600,
            ["boundObjectRef"] = new JsonObject { ["apiVersion"] = "v1", ["kind"] = "Pod", ["name"] = pod.Name, ["uid"] = pod.Uid },
            ["audiences"] = projection.Audience is { Length: > 0 } audience ? new JsonArray((JsonNode)audience) : new JsonArray(),
        };
        var account = pod.Spec.ServiceAccountName is { Length: > 0 } named ? named : "default";
        var request = new JsonObject { ["apiVersion"] = "authentication.k8s.io/v1", ["kind"] = "TokenRequest", ["spec"] = spec };
        var answer = await client.RequestAsync(HttpMethod.Post, $"api/v1/namespaces/{pod.Namespace}/serviceaccounts/{account}/token", request, cancel).ConfigureAwait(false);
        var token = (string?)answer?["status"]?["token"] ?? throw new KubeApiException(HttpStatusCode.OK, "", "the server answered a token request without a token");
        var expires = (string?)answer!["status"]?["expirationTimestamp"] is { } text ? DateTimeOffset.Parse(text, System.Globalization.CultureInfo.InvariantCulture) : DateTimeOffset.UtcNow.AddHours(1);
        return (token, expires);
    }
}

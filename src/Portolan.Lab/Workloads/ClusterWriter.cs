using System.Text.Json.Nodes;

using Portolan.Core.Cluster;
using Portolan.Kubernetes.Client;
using Portolan.Kubernetes.Resources;

namespace Portolan.Lab.Workloads;

/// <summary>Writes to the cluster and, with the server's answer, to the cache.</summary>
internal sealed class ClusterWriter(KubeClient client, ClusterCache cache, Action<CacheChange> onChange, TimeProvider clock)
{
    private const int RememberedEvents = 256;
    private readonly Dictionary<(string Uid, string Reason, string Message), (string Name, int Count)> _events = [];

    public KubeClient Client => client;

    public DateTimeOffset Now => clock.GetUtcNow();

    public async Task<UntypedObject> CreateAsync(ResourceType<UntypedObject> type, UntypedObject value, CancellationToken cancel) =>
        Seen(type, await client.CreateAsync(type, value.Json.Text("metadata", "namespace"), value, cancel).ConfigureAwait(false));

    /// <summary>A merge patch (RFC 7386); with the version that was looked at when the decision hangs on it.</summary>
    public async Task<UntypedObject> PatchAsync(ResourceType<UntypedObject> type, UntypedObject value, JsonObject patch, CancellationToken cancel, string? subresource = null, bool onlyThisVersion = true)
    {
        var metadata = patch["metadata"] as JsonObject ?? [];
        metadata["uid"] = value.Uid();
        if (onlyThisVersion)
            metadata["resourceVersion"] = value.Metadata.ResourceVersion;
        patch["metadata"] = metadata;
        return Seen(type, await client.PatchAsync(type, value.Metadata.Namespace, value.Metadata.Name!, PatchKind.Merge, patch, subresource, cancel).ConfigureAwait(false));
    }

    /// <summary>Reads what a request without an object as its answer has changed.</summary>
    public async Task RefreshAsync(ResourceType<UntypedObject> type, ObjectKey key, CancellationToken cancel)
    {
        if (await client.FindAsync(type, key.Namespace, key.Name, cancel).ConfigureAwait(false) is { } now)
            Seen(type, now);
    }

    /// <summary>Writes the status where it differs.</summary>
    public async Task PatchStatusAsync(ResourceType<UntypedObject> type, UntypedObject value, JsonObject status, CancellationToken cancel)
    {
        var current = value.Json["status"] as JsonObject ?? [];
        var changed = status.Where(p => !JsonNode.DeepEquals(current[p.Key], p.Value)).Select(p => KeyValuePair.Create(p.Key, p.Value?.DeepClone())).ToList();
        if (changed.Count > 0)
            await PatchAsync(type, value, new JsonObject { ["status"] = new JsonObject(changed) }, cancel, "status").ConfigureAwait(false);
    }

    /// <summary>Deletes this very object. One that has finalizers or a grace period is marked; its watch events tell the rest.</summary>
    public async Task DeleteAsync(ResourceType<UntypedObject> type, UntypedObject value, CancellationToken cancel, int? gracePeriodSeconds = null, string? propagation = null)
    {
        try
        {
            await client.DeleteAsync(type, value.Metadata.Namespace, value.Metadata.Name!, value.Uid(), gracePeriodSeconds, propagation, cancel).ConfigureAwait(false);
        }
        catch (KubeApiException e) when (e.IsConflict)
        {
            // Another object has the name now, so ours is gone.
        }
        if (await client.FindAsync(type, value.Metadata.Namespace, value.Metadata.Name!, cancel).ConfigureAwait(false) is { } left && left.Uid() == value.Uid())
            Seen(type, left);
        else if (cache.Bury(type, value.Key(), value.Uid()) is { } change)
            onChange(change);
    }

    /// <summary>Tells people, in the object's events. Repeated words are counted, not repeated.</summary>
    public async Task TellAsync(ResourceType<UntypedObject> type, UntypedObject about, string component, string kind, string reason, string message, CancellationToken cancel)
    {
        var ns = about.Metadata.Namespace ?? "default";
        var now = Now.Timestamp();
        var same = (about.Uid(), reason, message);
        if (_events.TryGetValue(same, out var earlier))
        {
            _events[same] = (earlier.Name, earlier.Count + 1);
            var again = new JsonObject { ["count"] = earlier.Count + 1, ["lastTimestamp"] = now };
            try
            {
                await client.PatchAsync(s_events, ns, earlier.Name, PatchKind.Merge, again, null, cancel).ConfigureAwait(false);
                return;
            }
            catch (KubeApiException e) when (e.IsNotFound)
            {
                _events.Remove(same);
            }
        }
        if (_events.Count >= RememberedEvents)
            _events.Clear();

        var name = $"{about.Metadata.Name}.{Guid.NewGuid():N}"[..Math.Min(253, (about.Metadata.Name?.Length ?? 0) + 17)];
        try
        {
            await client.CreateAsync(s_events, ns, new UntypedObject(new JsonObject
            {
                ["metadata"] = new JsonObject { ["name"] = name, ["namespace"] = ns },
                ["involvedObject"] = new JsonObject
                {
                    ["apiVersion"] = type.ApiVersion,
                    ["kind"] = type.Kind,
                    ["name"] = about.Metadata.Name,
                    ["namespace"] = about.Metadata.Namespace,
                    ["uid"] = about.Uid(),
                    ["resourceVersion"] = about.Metadata.ResourceVersion,
                },
                ["type"] = kind,
                ["reason"] = reason,
                ["message"] = message,
                ["source"] = new JsonObject { ["component"] = component },
                ["reportingComponent"] = component,
                ["reportingInstance"] = "",
                ["firstTimestamp"] = now,
                ["lastTimestamp"] = now,
                ["count"] = 1,
            }), cancel).ConfigureAwait(false);
            _events[same] = (name, 1);
        }
        catch (KubeApiException e) when (e.StatusCode is System.Net.HttpStatusCode.NotFound or System.Net.HttpStatusCode.Forbidden)
        {
            // The namespace is going: nobody is left to read it.
        }
    }

    private static readonly ResourceType<UntypedObject> s_events = ResourceType.Untyped("", "v1", "events", "Event", true);

    private UntypedObject Seen(ResourceType<UntypedObject> type, UntypedObject value)
    {
        if (cache.Put(type, value) is { } change)
            onChange(change);
        return value;
    }
}

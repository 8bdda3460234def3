using System.Text.Json.Nodes;
using System.Threading.Channels;
using Microsoft.Extensions.Logging;
using Portolan.Kubernetes.Client;
using Portolan.Kubernetes.Resources;

namespace Portolan.Controller;

/// <summary>Writes a component's outcome into its ConfigurationState, where users look whether the configuration is in force. Only the latest counts.</summary>
/// <param name="client">The API.</param>
/// <param name="ns">The namespace of the configuration.</param>
/// <param name="name">The object's name.</param>
/// <param name="labels">Its labels: which component it is, and on which node.</param>
/// <param name="podName">Our own Pod, which owns it; empty outside of a cluster.</param>
/// <param name="time">The clock.</param>
/// <param name="log">Told where it cannot be written.</param>
internal sealed class ConfigurationStateWriter(
    KubeClient client, string ns, string name, IReadOnlyDictionary<string, string> labels, string podName, TimeProvider time, ILogger log)
{
    /// <summary>The label that says which component: controller or speaker.</summary>
    public const string ComponentLabel = "metallb.io/component-type";

    /// <summary>The label that says which node.</summary>
    public const string NodeLabel = "metallb.io/node-name";

    private readonly Channel<ConfigurationOutcome?> _outcomes =
        Channel.CreateBounded<ConfigurationOutcome?>(new BoundedChannelOptions(1) { FullMode = BoundedChannelFullMode.DropOldest, SingleReader = true });

    private volatile ConfigurationOutcome? _latest;
    private ConfigurationOutcome? _written;
    private JsonArray? _owners;
    private bool _kindMissing;

    /// <summary>The object's name.</summary>
    public string Name => name;

    /// <summary>The object is to say this.</summary>
    public void Want(ConfigurationOutcome outcome)
    {
        if (outcome == _latest)
            return;
        _latest = outcome;
        _outcomes.Writer.TryWrite(outcome);
    }

    /// <summary>Somebody deleted the object: it is written anew.</summary>
    public void Again() => _outcomes.Writer.TryWrite(null);

    /// <summary>Writes the latest outcome until the stop. A failure is thrown: started again, it writes the same outcome.</summary>
    public async Task RunAsync(CancellationToken stop)
    {
        _written = null;
        if (_latest is { } unfinished)
            await WriteAsync(unfinished, stop);
        await foreach (var outcome in _outcomes.Reader.ReadAllAsync(stop))
        {
            if (outcome is null)
                _written = null;
            // The latest, also where it was put in the place of the word that the object is gone.
            if (_latest is { } wanted && wanted != _written)
                await WriteAsync(wanted, stop);
        }
    }

    private async Task WriteAsync(ConfigurationOutcome outcome, CancellationToken stop)
    {
        try
        {
            var found = await client.PatchAsync(Kinds.ConfigurationStates, ns, name, PatchKind.Apply, await ObjectAsync(stop), ct: stop);
            var known = found.Status?.Conditions ?? [];
            var conditions = new JsonArray();
            if (outcome.Pools is { } pools)
                conditions.Add((JsonNode)Condition("poolReconcilerValid", pools, known));
            conditions.Add((JsonNode)Condition("configReconcilerValid", outcome.Others, known));
            var status = new JsonObject { ["result"] = outcome.Result, ["conditions"] = conditions };
            if (outcome.Summary.Length > 0)
                status["errorSummary"] = outcome.Summary;
            await client.PatchAsync(Kinds.ConfigurationStates, ns, name, PatchKind.Apply, Envelope(status), "status", stop);
            (_written, _kindMissing) = (outcome, false);
        }
        catch (KubeApiException missing) when (missing.IsNotFound)
        {
            // MetalLB has the kind since 0.15.3. Where it is not there, events and the log say as much.
            if (!_kindMissing)
                log.LogWarning("the outcome of the configuration cannot be written into a ConfigurationState: {Reason}", missing.Message);
            _kindMissing = true;
        }
    }

    private async Task<JsonObject> ObjectAsync(CancellationToken stop)
    {
        _owners ??= await OwnersAsync(stop);
        var applied = Envelope(null);
        applied["metadata"]!["labels"] = new JsonObject(labels.Select(label => KeyValuePair.Create(label.Key, (JsonNode?)label.Value)));
        if (_owners.Count > 0)
            applied["metadata"]!["ownerReferences"] = _owners.DeepClone();
        return applied;
    }

    private JsonObject Envelope(JsonObject? status)
    {
        var applied = new JsonObject
        {
            ["apiVersion"] = Kinds.ConfigurationStates.ApiVersion,
            ["kind"] = Kinds.ConfigurationStates.Kind,
            ["metadata"] = new JsonObject { ["name"] = name, ["namespace"] = ns },
        };
        if (status is not null)
            applied["status"] = status;
        return applied;
    }

    // The pod's end is the report's end, by garbage collection.
    private async Task<JsonArray> OwnersAsync(CancellationToken stop)
    {
        try
        {
            return podName.Length > 0 && await client.FindAsync(Kinds.Pods, ns, podName, stop) is { } pod
                ? new JsonArray(new JsonObject { ["apiVersion"] = "v1", ["kind"] = "Pod", ["name"] = podName, ["uid"] = pod.Metadata.Uid })
                : [];
        }
        catch (KubeApiException refused) when (refused.StatusCode is System.Net.HttpStatusCode.Forbidden)
        {
            log.LogInformation("the ConfigurationState has no owner: {Reason}", refused.Message);
            return [];
        }
    }

    private JsonObject Condition(string type, ConfigurationVerdict verdict, List<Condition> known)
    {
        var since = known.Find(condition => condition.Type == type && condition.Status == verdict.Status)?.LastTransitionTime ?? time.GetUtcNow();
        return new JsonObject
        {
            ["type"] = type,
            ["status"] = verdict.Status,
            ["reason"] = verdict.Reason,
            ["message"] = verdict.Message,
            ["lastTransitionTime"] = since.UtcDateTime.ToString("yyyy-MM-dd'T'HH:mm:ss'Z'"),
        };
    }
}

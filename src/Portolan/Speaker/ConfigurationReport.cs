using Microsoft.Extensions.Logging;
using Portolan.Controller;
using Portolan.Hosting;
using Portolan.Kubernetes.Client;
using Portolan.Kubernetes.Resources;
using Portolan.Kubernetes.Watching;

namespace Portolan.Speaker;

/// <summary>
/// Says where users look whether this node's speaker could use the configuration: in the ConfigurationState <c>speaker-NODE</c>, the log and the metrics. Events
/// about the objects are the controller's to record, once for all nodes.
/// </summary>
internal sealed class ConfigurationReport
{
    private const int LongestLabel = 63;

    private readonly KubeClient _client;
    private readonly SpeakerOptions _options;
    private readonly SpeakerMetrics _metrics;
    private readonly TimeProvider _time;
    private readonly ILogger _log;
    private readonly ConfigurationStateWriter _state;
    private IReadOnlyList<ConfigurationFault> _told = [];

    public ConfigurationReport(KubeClient client, SpeakerOptions options, SpeakerMetrics metrics, TimeProvider time, ILogger log)
    {
        (_client, _options, _metrics, _time, _log) = (client, options, metrics, time, log);
        var labels = new Dictionary<string, string> { [ConfigurationStateWriter.ComponentLabel] = "speaker" };
        // A node's name may be longer than a label's value.
        if (options.NodeName.Length <= LongestLabel)
            labels[ConfigurationStateWriter.NodeLabel] = options.NodeName;
        _state = new ConfigurationStateWriter(client, options.Namespace, $"speaker-{options.NodeName}", labels, options.PodName, time, log);
    }

    /// <summary>Adds what writes the object, and what sees somebody delete it, to the host.</summary>
    public void Supervise(RoleHost host)
    {
        host.Supervise("configuration-state", _state.RunAsync);
        var own = new OptionalWatch<ConfigurationState>(_client, Kinds.ConfigurationStates, _options.Namespace, _time, _log, fieldSelector: $"metadata.name={_state.Name}");
        host.Supervise("watch-" + Kinds.ConfigurationStates.Plural, stop => own.RunAsync(
            change =>
            {
                if (change.Kind is ChangeKind.Deleted)
                    _state.Again();
                return ValueTask.CompletedTask;
            },
            stop));
    }

    /// <summary>This is so now; called on the speaker's loop.</summary>
    /// <param name="faults">What is wrong, object by object.</param>
    /// <param name="notices">What does less than it says.</param>
    /// <param name="isComplete">All kinds have been read: before, the object says nothing.</param>
    public void Tell(IReadOnlyList<ConfigurationFault> faults, IReadOnlyList<ConfigurationFault> notices, bool isComplete)
    {
        foreach (var fault in faults.Except(_told))
            _log.LogError("configuration is invalid: {Kind} {Name}: {Error}; what was good before stays in force", fault.Kind, fault.Name, fault.Error);
        _told = faults;
        _metrics.Configured(stale: faults.Count > 0);
        if (isComplete)
            _state.Want(ConfigurationOutcome.Of([.. faults.Select(Line)], [.. notices.Select(Line)]));
    }

    private static string Line(ConfigurationFault fault) => $"{fault.Kind} {fault.Name}: {fault.Error}";
}

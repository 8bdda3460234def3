using System.Diagnostics.Metrics;
using Portolan.Core.Announcements;

namespace Portolan.Speaker.Readiness;

/// <summary>What is wrong with this node, for whoever scrapes.</summary>
internal sealed class NodeConditionMetrics
{
    private static readonly (NodeConditions Condition, string Name)[] Words =
    [
        .. ((NodeConditions[])[
            NodeConditions.NoCarrier, NodeConditions.GatewayUnreachable, NodeConditions.NotProgrammed, NodeConditions.Draining, NodeConditions.OutOfService, NodeConditions.Starting,
        ]).Select(condition => (condition, condition.Names())),
    ];

    private static readonly (ProxySource Source, string Name)[] Sources = [(ProxySource.None, "none"), (ProxySource.Socket, "socket"), (ProxySource.Healthz, "healthz")];

    private volatile NodeConditions _conditions;
    private volatile IReadOnlySet<string> _heldBack = new HashSet<string>();
    private volatile int _unprogrammed;
    private volatile int _mute;
    private volatile ProxySource _source;

    public NodeConditionMetrics(Meter meter)
    {
        meter.CreateObservableGauge(
            "portolan_speaker_node_condition",
            () => Words.Select(word => new Measurement<int>(_conditions.HasFlag(word.Condition) ? 1 : 0, new KeyValuePair<string, object?>("condition", word.Name))),
            description: "1 for each condition that makes this node a worse announcer than others.");
        meter.CreateObservableGauge(
            "portolan_speaker_held_back",
            () => _heldBack.Select(policy => new Measurement<int>(1, new KeyValuePair<string, object?>("policy", policy))),
            description: "1 for each AnnouncementPolicy under which this node is held back since it came.");
        meter.CreateObservableGauge(
            "portolan_speaker_services_unserved",
            () => (Measurement<int>[])[new(_unprogrammed, new KeyValuePair<string, object?>("reason", "notProgrammed")), new(_mute, new KeyValuePair<string, object?>("reason", "noCarrier"))],
            description: "Services that this node may announce and could not serve.");
        meter.CreateObservableGauge(
            "portolan_speaker_proxy_source",
            () => Sources.Select(source => new Measurement<int>(_source == source.Source ? 1 : 0, new KeyValuePair<string, object?>("source", source.Name))),
            description: "1 for the one by which this node's service proxy is known: its socket, its health check, or none.");
    }

    /// <summary>How it is now. Any thread.</summary>
    public void Set(NodeConditions conditions, IReadOnlySet<string> heldBack, int unprogrammed, int mute, ProxySource source) =>
        (_conditions, _heldBack, _unprogrammed, _mute, _source) = (conditions, heldBack, unprogrammed, mute, source);
}

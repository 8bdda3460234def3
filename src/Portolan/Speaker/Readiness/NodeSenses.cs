using System.Diagnostics.Metrics;
using Microsoft.Extensions.Logging;
using Portolan.Controller;
using Portolan.Core.Addresses;
using Portolan.Core.Announcements;
using Portolan.Core.Cluster;
using Portolan.Hosting;
using Portolan.Linux.Links;
using Portolan.Linux.Sockets;
using Portolan.Proxy.Programmed;

namespace Portolan.Speaker.Readiness;

/// <summary>
/// Watches this speaker's own node, and says what is wrong with it: to the other speakers and to this one's own plans by <see cref="Report"/>, to
/// people by log, events and metrics. The speaker's loop calls it, one thread at a time; times are microseconds.
/// </summary>
internal sealed class NodeSenses : IDisposable
{
    private readonly OwnReport _own;
    private readonly ProxyWatch _proxy;
    private readonly GatewayWatch _gateway;
    private readonly NodeConditionMetrics _metrics;
    private readonly SpeakerState _state;
    private readonly SpeakerOptions _options;
    private readonly EventRecorder _events;
    private readonly TimeProvider _time;
    private readonly ILogger _log;
    private InvolvedObject? _node;
    private NodeConditions _toldConditions;
    private IReadOnlySet<string> _toldHeldBack = NodeReport.Well.HeldBack;
    private HashSet<ObjectKey> _toldUnserved = [];
    private bool _isCandidate;
    private bool _isReady;
    private bool _toldSource;

    /// <param name="state">What the speaker knows.</param>
    /// <param name="options">This node, and where its proxy is found.</param>
    /// <param name="events">Where events go.</param>
    /// <param name="meter">The role's instruments.</param>
    /// <param name="time">The clock.</param>
    /// <param name="log">Told of what changes.</param>
    /// <param name="wake">Called from another thread when there is something to <see cref="Advance"/>.</param>
    /// <param name="now">The present.</param>
    public NodeSenses(SpeakerState state, SpeakerOptions options, EventRecorder events, Meter meter, TimeProvider time, ILogger log, Action wake, long now)
    {
        (_state, _options, _events, _time, _log) = (state, options, events, time, log);
        _metrics = new NodeConditionMetrics(meter);
        _proxy = new ProxyWatch(
            options.ProgrammedSocket, options.ProxyHealthz, time, log,
            connection =>
            {
                _own!.On(connection);
                wake();
            },
            isWell =>
            {
                _own!.OnHealthz(isWell);
                wake();
            },
            wake);
        _gateway = new GatewayWatch(GatewayMonitor.Open, NeighborAnswers.Open, log, isUnreachable =>
        {
            _own!.OnGateway(isUnreachable);
            wake();
        });
        _own = new OwnReport(state, options.NodeName, state.Interfaces, _proxy.Services.Find, now, WallClock);
        state.SetOwnReport(_own.Report);
    }

    /// <summary>What other speakers should be told.</summary>
    public NodeReport Report => _own.Report;

    /// <summary>The Services of which the last <see cref="Advance"/> heard that something else is programmed.</summary>
    public IReadOnlyCollection<ObjectKey> Reprogrammed { get; private set; } = [];

    /// <inheritdoc cref="OwnReport.IsTold"/>
    public bool IsTold(long now) => _own.IsTold(now);

    /// <summary>What the proxy says of a Service, or null: nothing.</summary>
    public ProgrammedService? Programmed(ObjectKey service) => _proxy.Services.Find(service);

    private long WallClock => _time.GetUtcNow().ToUnixTimeMilliseconds();

    /// <summary>Adds what runs beside the loop.</summary>
    public void Supervise(RoleHost host)
    {
        host.Supervise("proxy-socket", _proxy.FollowSocketAsync);
        host.Supervise("proxy-healthz", _proxy.AskHealthzAsync);
        host.Supervise("gateway", _gateway.RunAsync);
    }

    /// <inheritdoc cref="OwnReport.SetLinks"/>
    public void SetLinks(LinkSnapshot links)
    {
        _own.SetLinks(links);
        _gateway.SetLinks(links);
    }

    /// <summary>The plans of these Services changed.</summary>
    public void Changed(IEnumerable<ObjectKey> services) => _own.Changed(services);

    /// <summary>The node's object: events are about it.</summary>
    public void SetNode(InvolvedObject node) => _node = node;

    /// <summary>An event about this Node; none before it is known. Any thread.</summary>
    public void RecordOfNode(bool isWarning, string reason, string message)
    {
        if (_node is { } node)
            _events.Record(node, isWarning, reason, message);
    }

    /// <inheritdoc cref="OwnReport.SetReady"/>
    public void SetReady(bool isReady, long now)
    {
        _isReady = isReady;
        _own.SetReady(isReady, now);
    }

    /// <inheritdoc cref="OwnReport.Hear"/>
    public void Hear(int living, int peers, long now) => _own.Hear(living, peers, now);

    /// <inheritdoc cref="OwnReport.SetDisappearances"/>
    public void SetDisappearances(int count) => _own.SetDisappearances(count);

    /// <inheritdoc cref="OwnReport.SetYielded"/>
    public void SetYielded(IReadOnlySet<IpAddress> yielded) => _own.SetYielded(yielded);

    /// <summary>This speaker is about to stop: its node is <see cref="NodeConditions.Draining"/> from the next <see cref="Advance"/> on.</summary>
    public void Stop() => _own.Stop();

    /// <inheritdoc cref="OwnReport.Deadline"/>
    public long? Deadline(long now) => _own.Deadline(now);

    /// <summary>Takes what was noticed, lets time pass, and gives the plans this node's report where it is another.</summary>
    /// <returns>Whether it is another: the plans must be settled, and the other speakers told.</returns>
    public bool Advance(long now)
    {
        Reprogrammed = _proxy.TakeChanged();
        _own.Changed(Reprogrammed);
        var isAnother = _own.Advance(now, WallClock);
        if (_own.IsCandidate != _isCandidate)
            _gateway.SetNeeded(_isCandidate = _own.IsCandidate);
        if (isAnother)
            _state.SetOwnReport(_own.Report);
        Tell();
        return isAnother;
    }

    public void Dispose() => _gateway.Dispose();

    private void Tell()
    {
        var conditions = Report.Conditions | (_state.Node(_options.NodeName) is { } node ? NodeReports.OfObject(node, _options.IgnoreCordon) : NodeConditions.None);
        _metrics.Set(conditions, Report.HeldBack, _own.Late.Count, _own.Mute.Count, _own.ProxySource);
        // What is so for a moment while everything comes up is nobody's concern.
        if (!_isReady)
            return;
        TellSource();
        TellConditions(conditions & ~NodeConditions.Starting);
        TellServices();
        if (!Report.HeldBack.SetEquals(_toldHeldBack))
            _log.LogInformation("held back under the policies: {Policies}", Report.HeldBack.Count == 0 ? "none" : string.Join(", ", Report.HeldBack.Order(StringComparer.Ordinal)));
        _toldHeldBack = Report.HeldBack;
    }

    private void TellSource()
    {
        if (_own.ProxySource is not ProxySource.None || Report.Conditions.HasFlag(NodeConditions.NotProgrammed))
            return;
        if (!_toldSource)
            _log.LogInformation("no service proxy tells what it has programmed, neither at {Socket} nor at {Healthz}: Services are announced regardless", _options.ProgrammedSocket, _options.ProxyHealthz);
        _toldSource = true;
    }

    private void TellConditions(NodeConditions conditions)
    {
        if (conditions == _toldConditions)
            return;
        var isWell = conditions is NodeConditions.None;
        var text = isWell ? "nothing is wrong with the node any more" : "other nodes announce before this one: " + conditions.Names();
        _log.Log(isWell ? LogLevel.Information : LogLevel.Warning, "{Node}: {Condition}", _options.NodeName, text);
        if (_node is not null)
            _events.Record(_node, !isWell, isWell ? "PortolanReady" : "PortolanNotReady", text);
        _toldConditions = conditions;
    }

    private void TellServices()
    {
        if (_own.Late.Count + _own.Mute.Count == 0 && _toldUnserved.Count == 0)
            return;
        var unserved = new HashSet<ObjectKey>(_own.Late);
        unserved.UnionWith(_own.Mute);
        if (unserved.SetEquals(_toldUnserved))
            return;
        const int Most = 10;
        foreach (var service in unserved.Except(_toldUnserved).Take(Most))
        {
            _log.LogWarning("{Service}: other nodes announce it before this one: {Reason}", service,
                _own.Mute.Contains(service) ? "none of the interfaces that its L2Advertisements name has a carrier" : "the service proxy has not programmed it");
        }

        foreach (var service in _toldUnserved.Except(unserved).Take(Most))
            _log.LogInformation("{Service}: this node can serve it", service);
        _toldUnserved = unserved;
    }
}

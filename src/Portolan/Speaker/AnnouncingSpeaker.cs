using System.Threading.Channels;
using Microsoft.Extensions.Logging;
using Portolan.Controller;
using Portolan.Core.Addresses;
using Portolan.Core.Announcements;
using Portolan.Core.Cluster;
using Portolan.Hosting;
using Portolan.Kubernetes.Client;
using Portolan.Kubernetes.Resources;
using Portolan.Kubernetes.Watching;
using Portolan.Linux.Links;
using Portolan.Linux.Sockets;
using Portolan.Protocols.Bfd;
using Portolan.Protocols.Peers;
using Portolan.Proxy.Ipvs;
using Portolan.Speaker.Bgp;
using Portolan.Speaker.Layer2;
using Portolan.Speaker.Layer2.Truth;
using Portolan.Speaker.Liveness;
using Portolan.Speaker.Moves;
using Portolan.Speaker.Peers;
using Portolan.Speaker.Readiness;

namespace Portolan.Speaker;

/// <summary>
/// The speaker's loop. Reflectors, the link monitor, the liveness protocol and the clock put what they have into one bounded queue; one reader
/// decides: change → <see cref="SpeakerState"/> → plans that changed → <see cref="Layer2Announcer"/>, then log, events and status objects.
/// The API server is only listened to: while it is away, what was announced stays announced, and dead speakers are still replaced.
/// </summary>
internal sealed class AnnouncingSpeaker : IDisposable
{
    private const string Component = "metallb-speaker";
    private const string SecretKey = "secretkey";
    private const byte KeyId = 1;
    private const int MostToldAtStart = 32;

    // A peer that remembers our former life believes a new sequence number only after twice the detection time (RFC 5880 §6.8.1), and then speaks once
    // a second: 2 × 900 ms + 1 s with the slowest sessions, and as much again as one such packet lost.
    private static readonly TimeSpan Grace = TimeSpan.FromSeconds(4);
    private static readonly TimeSpan Farewell = TimeSpan.FromMilliseconds(500);

    private readonly RoleHost _host;
    private readonly KubeClient _client;
    private readonly SpeakerOptions _options;
    private readonly ILogger _log;
    private readonly Channel<Action> _queue = Channel.CreateBounded<Action>(new BoundedChannelOptions(1024) { SingleReader = true });
    private readonly UrgentNews _urgent = new();
    private readonly SpeakerState _state;
    private readonly SpeakerMetrics _metrics;
    private readonly ConfigurationReport _configuration;
    private readonly EventRecorder _events;
    private readonly AnnouncementStatusWriter<ServiceL2Status> _statuses;
    private readonly Layer2Announcer _announcer;
    private readonly ConflictConditions _conditions;
    private readonly AddressTruth _truth;
    private readonly SpeakerSessions _sessions;
    private readonly SpeakerPeers _peers;
    private readonly SharedClientExchange _clients;
    private readonly NodeSenses _senses;
    private readonly Handovers? _handovers;
    private readonly BgpSpeaking _bgp;
    private readonly Departures _departures = new();
    private readonly Dictionary<ObjectKey, InvolvedObject> _services = [];
    private readonly Dictionary<ObjectKey, AnnouncementPlan> _announced = [];
    private bool _linksKnown;
    private bool _claimsAnew;
    private bool _ready;
    private volatile bool _announces;

    public AnnouncingSpeaker(RoleHost host, KubeClient client, SpeakerOptions options)
    {
        (_host, _client, _options) = (host, client, options);
        _log = host.Logs.CreateLogger("Speaker");
        _state = new SpeakerState(options);
        _metrics = new SpeakerMetrics(host.Meter, options.NodeName);
        _configuration = new ConfigurationReport(client, options, _metrics, host.Time, _log);
        _events = new EventRecorder(client, Component, host.Time, _log);
        _statuses = new AnnouncementStatusWriter<ServiceL2Status>(client, AnnouncementStatusKinds.Layer2, options, host.Time, _log);
        var claims = new WireClaims(() => _queue.Writer.TryWrite(Nothing));
        _announcer = new Layer2Announcer(
            _state.Interfaces, Layer2Sockets.Here, new Layer2Counters(host.Meter), claims, _log,
            failed => Urgent(failed, () => _announcer!.Failed(failed, Now)));
        _conditions = new ConflictConditions(client, host.Time, _log);
        _truth = new AddressTruth(options.NodeName, _announcer, claims, _conditions, Record, host.Meter, _log);
        _handovers = options.PlannedMoves ? new Handovers(options.NodeName, family => new HandoverTable(family), _log) : null;
        _handovers?.Start(Now);
        _peers = new SpeakerPeers(options.NodeName, options.PeerPort, options.PeerAddress, Grace, new PeerMetrics(host.Meter), _log, () => Urgent(nameof(OnPeers), OnPeers));
        // That a session was lost must not be forgotten over its return: only the very same transition is the same news.
        var holder = LivenessOptions.Holder(options, OnTransition, _log, transition => Urgent(transition, () => _bgp!.On(transition)));
        LivenessMetrics.AddTo(host.Meter, holder);
        _sessions = new SpeakerSessions(holder, _log);
        _senses = new NodeSenses(_state, options, _events, host.Meter, host.Time, _log, () => _queue.Writer.TryWrite(Nothing), Now);
        _clients = new SharedClientExchange(_announcer, (part, payload) => _peers.Publish(PeerItemType.Askers, part, payload));
        _peers.Listen(PeerItemType.Askers, (node, part, payload) => Urgent((PeerItemType.Askers, node, part), () => _clients.Heard(node, part, payload)));
        _peers.Listen(PeerItemType.QueryResults, (node, part, payload) => Urgent((PeerItemType.QueryResults, node, part), () => _truth.On(node, payload, Now)));
        _peers.SetOwnReport(_senses.Report);
        _bgp = new BgpSpeaking(client, host, options, _state, Urgent, Record, holder, _senses.Programmed);
        _metrics.AnnouncedByBgp(() => _bgp.Announced);
    }

    private static long Now => DeadlineWait.Now;

    private static void Nothing()
    {
    }

    /// <summary>Adds the loop and everything beside it to the host.</summary>
    public void Supervise()
    {
        _host.Readiness.Await("announcements", "Services, their endpoints, Nodes and the configuration are being listed");
        _host.Supervise("loop", RunAsync);
        _host.Supervise("links", FollowLinksAsync);
        _senses.Supervise(_host);
        _host.Supervise("liveness", stop => _sessions.RunAsync(_peers.Started, _peers.Stopped, () => _bgp.Farewell, stop));
        _host.Supervise("peers", _peers.RunAsync);
        _host.Supervise("farewell", StayForOthersAsync);
        _host.Supervise("events", _events.RunAsync);
        _host.Supervise("layer2-status", _statuses.RunAsync);
        _host.Supervise("conflict-conditions", _conditions.RunAsync);
        _host.Supervise("strict-arp", new ArpWatch(() => _announces ? _announcer.Links : null, _senses.RecordOfNode, _host.Time, _log).RunAsync);
        _configuration.Supervise(_host);
        // Its pause is short beside the detection time of sessions that this process keeps itself, 300 ms × 3; shorter ones are kept by another process.
        _host.Supervise("idle-trim", new IdleTrim(_host.Time).RunAsync);
        Watch(Kinds.Services, null, null, OnService, keepsObjects: false);
        Watch(Kinds.EndpointSlices, null, null, OnSlice, keepsObjects: false);
        Watch(Kinds.Nodes, null, null, OnNode);
        Watch(Kinds.IPAddressPools, _options.Namespace, null, change =>
        {
            _state.On(change);
            _bgp.On(change);
        });
        _bgp.Supervise(_host, _client, (action, stop) => _queue.Writer.WriteAsync(action, stop));
        Watch(Kinds.L2Advertisements, _options.Namespace, null, _state.On);
        _host.Supervise("watch-" + Kinds.AnnouncementPolicies.Plural, stop => new OptionalWatch<AnnouncementPolicyObject>(_client, Kinds.AnnouncementPolicies, _options.Namespace, _host.Time, _log).RunAsync(
            change => _queue.Writer.WriteAsync(() => _state.On(change), stop), stop));
        Watch(Kinds.ServiceL2Statuses, _options.Namespace, null, _statuses.On, keepsObjects: false);
        Watch(Kinds.ConfigMaps, _options.Namespace, $"metadata.name={InterfaceExclusions.ConfigMapName}", OnExclusions);
        Watch(Kinds.Secrets, _options.Namespace, $"metadata.name={_options.SecretName}", OnSecret);
    }

    public void Dispose()
    {
        _senses.Dispose();
        _announcer.Dispose();
        _bgp.Dispose();
        _handovers?.Dispose();
    }

    private void Watch<T>(ResourceType<T> type, string? ns, string? fieldSelector, Action<Change<T>> onChange, bool keepsObjects = true)
        where T : class, IKubeObject
    {
        var reflector = new Reflector<T>(_client, type, ns, fieldSelector: fieldSelector, timeProvider: _host.Time, logger: _log, keepsObjects: keepsObjects);
        _host.Supervise("watch-" + type.Plural, stop => reflector.RunAsync(
            change => _queue.Writer.WriteAsync(
                () =>
                {
                    _metrics.Updates.Add(1);
                    onChange(change);
                },
                stop),
            stop));
    }

    // The threads that call this must not wait for the loop: not the one that keeps the sessions, nor one that answers ARP. What they leave is read
    // with the next batch; should the loop's own queue be full, a batch is under way.
    private void Urgent(object subject, Action news)
    {
        _urgent.Put(subject, news);
        _queue.Writer.TryWrite(Nothing);
    }

    private async Task FollowLinksAsync(CancellationToken stop)
    {
        using var monitor = LinkMonitor.OpenWithout(ServiceLink.Name);
        for (var links = monitor.Current; ; links = await monitor.WaitAsync(stop))
        {
            var seen = links;
            await _queue.Writer.WriteAsync(
                () =>
                {
                    _linksKnown = true;
                    _announcer.SetLinks(seen, Now);
                    _senses.SetLinks(seen);
                    _handovers?.SetLinks(seen);
                },
                stop);
        }
    }

    // At the stop the sessions say goodbye, and others take over. Until they have, this node answers as before: it forwards as before, too.
    private async Task StayForOthersAsync(CancellationToken stop)
    {
        await Task.Delay(Timeout.InfiniteTimeSpan, stop).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        if (_announces && _state.Peers.Living.Count > 1)
            await Task.Delay(Farewell, CancellationToken.None);
    }

    private async Task RunAsync(CancellationToken stop)
    {
        await using var alarm = _host.Time.CreateTimer(_ => _queue.Writer.TryWrite(Nothing), null, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
        while (await _queue.Reader.WaitToReadAsync(stop))
        {
            try
            {
                for (var batch = 0; batch < 256 && _queue.Reader.TryRead(out var action); batch++)
                    action();
                Settle();
            }
            catch
            {
                _metrics.UpdateErrors.Add(1);
                throw;
            }

            var next = new[] { _announcer.Deadline, _truth.Deadline, _clients.Deadline, _senses.Deadline(Now), _departures.Deadline, _handovers?.Deadline }.Min() ?? long.MaxValue;
            alarm.Change(next == long.MaxValue ? Timeout.InfiniteTimeSpan : TimeSpan.FromMicroseconds(Math.Max(0, next - Now)), Timeout.InfiniteTimeSpan);
        }
    }

    private void Settle()
    {
        while (_urgent.TryTake(out var news))
            news();
        Apply(_state.Settle());
        _bgp.Settle();
        if (_claimsAnew)
            _announcer.ClaimAnew(Now);
        _claimsAnew = false;
        _senses.SetReady(_state.IsReady, Now);
        if (_truth.Advance(Now))
        {
            _senses.SetYielded(_truth.Yielded);
            _peers.Publish(PeerItemType.QueryResults, 0, _truth.Report);
        }

        if (_senses.Advance(Now))
        {
            _peers.SetOwnReport(_senses.Report);
            Apply(_state.Settle());
        }

        _bgp.OnProgrammed(_senses.Reprogrammed, _senses.IsTold(Now));
        while (_departures.TryTakeDue(Now, out var gone))
            _announcer.Set(gone, [], [], Now);
        _handovers?.Advance(Nodes, Now);
        _announcer.Advance(Now);
        _clients.Advance(Now);
        if (_state.Awaited.Count == 0)
            _configuration.Tell([.. _state.Faults, .. _bgp.Faults], [.. _bgp.Notices], _bgp.IsConfigured);
        if (_ready == _state.IsReady)
            return;
        _ready = !_ready;
        if (_ready)
        {
            _host.Readiness.Reached("announcements");
            _log.LogInformation("announcing from {Node}; speakers: {Living}", _options.NodeName, string.Join(", ", _state.Peers.Living.Order()));
        }
        else
        {
            _host.Readiness.Await("announcements", "the other speakers have not been heard yet");
        }
    }

    private void OnService(Change<Service> change)
    {
        if (change.New is { } service)
            _services[change.Key] = InvolvedObject.Of(Kinds.Services, service);
        if (change.Kind is not ChangeKind.Synced)
            _truth.On(change.Key, change.New, isNews: !_state.Awaited.Contains("services"), Now);
        Apply(_state.On(change));
        if (change.Kind is not ChangeKind.Synced)
            _bgp.OnService(change.Key);
        if (change.Kind is ChangeKind.Deleted)
            _services.Remove(change.Key);
    }

    private void OnSlice(Change<EndpointSlice> change)
    {
        Apply(_state.On(change));
        if (change.Kind is not ChangeKind.Synced)
            _bgp.OnSlice(change.Key);
    }

    private void OnExclusions(Change<ConfigMap> change)
    {
        if (!_state.On(change))
            return;
        _announcer.SetLinks(_announcer.Links, Now);
        _senses.SetLinks(_announcer.Links);
    }

    private void OnNode(Change<Node> change)
    {
        if (change.New is { } node && change.Key.Name == _options.NodeName)
            _senses.SetNode(InvolvedObject.Of(Kinds.Nodes, node));
        var isNews = _state.On(change);
        _bgp.On(change);
        if (!isNews)
            return;
        _bgp.NodesChanged();
        var map = PeerMap.Of(_options.NodeName, _state.Nodes);
        _peers.SetNodes(map);
        _sessions.SetPeers(map.Local, [.. map.Watched.Values]);
        PublishPeers();
    }

    private void OnSecret(Change<Secret> change)
    {
        if (change.Kind is ChangeKind.Synced)
        {
            // From here on it is known whether there is a key, so nobody starts a session without it by mistake.
            _sessions.KeyIsKnown();
            _peers.KeyIsKnown();
            return;
        }

        var secret = change.New?.Data?.GetValueOrDefault(SecretKey);
        if (secret is not { Length: > 0 })
            _log.LogWarning("Secret {Secret} has no {Key}: speakers believe each other unauthenticated", _options.SecretName, SecretKey);
        _sessions.UseKey(secret is { Length: > 0 } ? BfdKey.Derive(KeyId, secret) : null);
        _peers.UseKey(secret is { Length: > 0 } ? PeerKey.Derive(secret) : null);
    }

    // On the thread that keeps the sessions: the verdict must not wait for the loop.
    private void OnTransition(BfdTransition<IpAddress> transition)
    {
        _peers.On(transition);
        // Its coming and going are news; what it hears of us in between is for those who look closely.
        _log.Log(
            transition.From != transition.State && (transition.From is BfdState.Up || transition.State is BfdState.Up) ? LogLevel.Information : LogLevel.Debug,
            "speaker at {Peer}: {From} → {State} ({Diagnostic}, it says {RemoteState})",
            transition.Peer, transition.From, transition.State, transition.Diagnostic, transition.RemoteState);
    }

    private void OnPeers()
    {
        var before = _state.Peers;
        _state.On(_peers.View);
        // Who comes back from silence may have been alive behind a broken wire, and have claimed there what this node announces.
        _claimsAnew |= _state.Peers.Living.Any(node => !before.Living.Contains(node) && !before.Departed.Contains(node));
        _senses.SetDisappearances(_state.Peers.Disappearances);
        PublishPeers();
    }

    private void PublishPeers()
    {
        var living = _state.Peers.Living;
        _truth.SetLiving(living);
        _senses.Hear(living.Count - 1, _state.Nodes.Count() - 1, Now);
        _metrics.Peers(_state.Nodes.Where(node => node.Name != _options.NodeName).ToDictionary(node => node.Name, node => living.Contains(node.Name)));
    }

    private void Apply(IReadOnlyList<ObjectKey> changed)
    {
        if (changed.Count == 0)
            return;
        _handovers?.On(changed, _state.Plans, Nodes, isStarting: !_ready, Now);
        // The wire first; words can wait.
        foreach (var service in changed)
        {
            var plan = Mine(service);
            _truth.Set(service, _state.Plans.GetValueOrDefault(service), Now);
            if (plan is null && GoesToAnother(service))
            {
                _departures.Add(service, Now);
                continue;
            }

            _departures.Remove(service);
            _announcer.Set(
                service, plan?.Addresses ?? [], plan?.InterfacesOn(_options.NodeName) ?? [], Now,
                address => plan?.ChoiceFor(address) is { } choice ? new NodeShare(choice, _options.NodeName) : null);
        }

        _announcer.Advance(Now);
        _clients.SharesChanged(_state.Nodes.Select(node => node.Name));
        _senses.Changed(changed);
        // What a speaker finds when it starts is hardly news of the Services, and must not be thousands of events: their status objects say who announces.
        var isOneOfMany = !_ready && changed.Count > MostToldAtStart;
        foreach (var service in changed)
            Tell(service, isOneOfMany);
        _announces = _announced.Count > 0;
        _metrics.Announced([.. _announced.SelectMany(entry => entry.Value.Addresses.Select(address => (entry.Key, address)))]);
    }

    private ForwardingNodes Nodes => new(_state.Context, _state.Peers.Departed);

    private bool GoesToAnother(ObjectKey service) =>
        _state.Plans.TryGetValue(service, out var plan) && plan.Election.Winner is { } winner && winner != _options.NodeName
        && (_departures.Contains(service) || (_announced.TryGetValue(service, out var before) && before.Addresses.SequenceEqual(plan.Addresses)));

    private AnnouncementPlan? Mine(ObjectKey service) =>
        _state.Plans.TryGetValue(service, out var plan) && plan.On(_options.NodeName) is WithdrawalReason.None ? plan : null;

    private void Tell(ObjectKey service, bool isOneOfMany)
    {
        var (plan, before) = (Mine(service), _announced.GetValueOrDefault(service));
        var interfaces = plan?.InterfacesOn(_options.NodeName) ?? [];
        _statuses.Want(service, plan is null ? null : interfaces, [.. plan?.Answering.Select(answering => answering.Node) ?? []]);
        if (plan is null)
        {
            if (_announced.Remove(service))
                _log.LogInformation("{Event}: {Service}: {Reason}", "serviceWithdrawn", service, Reason(service));
            return;
        }

        _announced[service] = plan;
        if (before is not null && before.Addresses.SequenceEqual(plan.Addresses) && before.InterfacesOn(_options.NodeName).SequenceEqual(interfaces))
            return;
        _log.LogInformation("{Event}: {Service} has {Addresses}", "serviceAnnounced", service, string.Join(", ", plan.Addresses));
        if (before is null && !isOneOfMany)
            Record(service, isWarning: false, "nodeAssigned", $"announcing from node \"{_options.NodeName}\" with protocol \"layer2\"");
        if (_linksKnown && !_announcer.HasInterface(interfaces))
            Record(service, isWarning: true, "announceFailed", interfaces.Count == 0
                ? $"node \"{_options.NodeName}\" has no interface that can announce"
                : $"node \"{_options.NodeName}\" has none of the interfaces {string.Join(", ", interfaces)} up");
    }

    private string Reason(ObjectKey service) =>
        _state.Plans.TryGetValue(service, out var plan) ? plan.On(_options.NodeName).Name() : "serviceDeleted";

    private void Record(ObjectKey service, bool isWarning, string reason, string message)
    {
        if (isWarning)
            _log.LogWarning("{Event}: {Service}: {Message}", reason, service, message);
        if (_services.TryGetValue(service, out var about))
            _events.Record(about, isWarning, reason, message);
    }
}

using System.Collections.Concurrent;
using Microsoft.Extensions.Logging;
using Portolan.Bfd;
using Portolan.Bgp;
using Portolan.Controller;
using Portolan.Core.Addresses;
using Portolan.Core.Announcements;
using Portolan.Core.Announcements.Bgp;
using Portolan.Core.Cluster;
using Portolan.Hosting;
using Portolan.Kubernetes.Client;
using Portolan.Kubernetes.Resources;
using Portolan.Kubernetes.Watching;
using Portolan.Protocols.Bfd;
using Portolan.Protocols.Bgp.Routes;
using Portolan.Protocols.Bgp.Sessions;
using Portolan.Protocols.Bgp.Wire;
using Portolan.Proxy.Programmed;
using Portolan.Speaker.Liveness;

namespace Portolan.Speaker.Bgp;

/// <summary>
/// Announces Services by BGP: configuration and Services → <see cref="BgpIndex"/> → <see cref="BgpLoop"/>, then log, events and status objects. On the
/// speaker's loop, but for the sessions, which have a thread of their own. Until there is a peer for this node it keeps nothing but the configuration.
/// </summary>
internal sealed class BgpSpeaking : IDisposable
{
    private const int MostToldAtStart = 32;
    private static readonly TimeSpan FarewellPatience = TimeSpan.FromSeconds(2);

    private readonly SpeakerOptions _options;
    private readonly SpeakerState _state;
    private readonly TimeProvider _time;
    private readonly ILogger _log;
    private readonly Action<object, Action> _post;
    private readonly Action<ObjectKey, bool, string, string> _record;
    private readonly BgpConfiguration _configuration;
    private readonly AnnouncementStatusWriter<ServiceBGPStatus> _statuses;
    private readonly BgpMetrics _metrics;
    private readonly PeerWatch _watch;
    private readonly ProgrammedGate _gate;
    private readonly ConcurrentDictionary<ObjectKey, BgpPlan> _announced = []; // read by whoever asks for the metrics
    private readonly Dictionary<string, string> _refused = new(StringComparer.Ordinal);
    private BgpIndex? _index;
    private BgpSupervisor? _supervisor;
    private Thread? _thread;
    private IReadOnlyList<(Portolan.Bgp.NeighborSettings Settings, string Table)> _neighbors = [];
    private IReadOnlyList<NeighborStatus> _shown = [];
    private HashSet<string> _served = new(StringComparer.Ordinal);
    private bool _isNodeNews = true;
    private readonly TaskCompletionSource _over = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private bool _isLeaving;
    private bool _areReady;

    /// <param name="client">The API.</param>
    /// <param name="host">Clock, meter and log.</param>
    /// <param name="options">Which node this is.</param>
    /// <param name="state">The Services, which are kept once.</param>
    /// <param name="post">Puts something on the speaker's loop, from any thread, in place of what waits there of the same subject.</param>
    /// <param name="record">An event about a Service: whether a warning, its reason, its words.</param>
    /// <param name="bfd">Holds BFD sessions.</param>
    /// <param name="programmed">What this node's proxy says of a Service, or null: nothing.</param>
    public BgpSpeaking(
        KubeClient client, RoleHost host, SpeakerOptions options, SpeakerState state, Action<object, Action> post, Action<ObjectKey, bool, string, string> record, ISessionHolder bfd,
        Func<ObjectKey, ProgrammedService?> programmed)
    {
        (_options, _state, _time, _post, _record) = (options, state, host.Time, post, record);
        _log = host.Logs.CreateLogger("Bgp");
        _configuration = new BgpConfiguration(client, options, host.Time, _log);
        _statuses = new AnnouncementStatusWriter<ServiceBGPStatus>(client, AnnouncementStatusKinds.Bgp, options, host.Time, _log);
        _metrics = new BgpMetrics(host.Meter, () => _supervisor?.Failures ?? 0);
        _watch = new PeerWatch(bfd, (peer, why) => Loop?.Reset(peer, why));
        _gate = new ProgrammedGate(programmed);
    }

    // While there is none, nobody needs to be told anything: another one will be told all.
    private BgpLoop? Loop => _supervisor?.Loop;

    /// <summary>The addresses that are announced by plan, for the metrics. Any thread.</summary>
    public IEnumerable<(ObjectKey Service, IpAddress Address)> Announced => _announced.SelectMany(entry => entry.Value.Addresses, (entry, address) => (entry.Key, address));

    /// <summary>The configuration has been listed.</summary>
    public bool IsConfigured => _configuration.IsComplete;

    /// <summary>What is wrong with the configuration.</summary>
    public IEnumerable<ConfigurationFault> Faults => IsConfigured ? _configuration.Problems().Select(Fault) : [];

    /// <summary>What of the configuration does less than it says.</summary>
    public IEnumerable<ConfigurationFault> Notices => IsConfigured ? _configuration.Notices().Select(Fault) : [];

    /// <summary>Ends when, at the stop, all peers have been told what there is to tell.</summary>
    public Task Farewell => _over.Task;

    /// <summary>The neighbours as they are.</summary>
    public IReadOnlyList<NeighborStatus> Neighbors => _shown;

    /// <summary>Adds the watches and what is written to the host.</summary>
    public void Supervise(RoleHost host, KubeClient client, Func<Action, CancellationToken, ValueTask> enqueue)
    {
        _configuration.Supervise(host, enqueue);
        host.Supervise("bgp-status", _statuses.RunAsync);
        host.Supervise("bgp-farewell", SayFarewellAsync);
        host.Supervise("bgp-reports", new BgpReports(_options.BgpSocket, ReportAsync, _log).RunAsync);
        var own = new Reflector<ServiceBGPStatus>(
            client, Kinds.ServiceBGPStatuses, _options.Namespace, labelSelector: $"{AnnouncementStatus.NodeLabel}={_options.NodeName}", timeProvider: host.Time, logger: _log, keepsObjects: false);
        host.Supervise("watch-" + Kinds.ServiceBGPStatuses.Plural, stop => own.RunAsync(change => enqueue(() => _statuses.On(change), stop), stop));
    }

    /// <summary>A Service changed, and is known to the state.</summary>
    public void OnService(ObjectKey key)
    {
        if (_index is not { } index)
            return;
        if (_state.Find(key) is { } facts)
        {
            Apply(index.Set(Admitted(facts)));
            return;
        }

        _gate.Forget(key);
        Apply(index.RemoveService(key));
    }

    /// <summary>An EndpointSlice changed, and is known to the state.</summary>
    public void OnSlice(ObjectKey key)
    {
        if (_index is not { } index)
            return;
        if (_state.FindSlice(key) is not { } facts)
        {
            Apply(index.RemoveSlice(key));
            return;
        }

        // With its first endpoint a Service may be announced anew, of which the proxy need not have heard yet.
        if (_gate.IsTold && !_announced.ContainsKey(facts.Service))
            OnService(facts.Service);
        Apply(index.Set(facts));
    }

    /// <summary>This node's proxy has something else of these Services than before, or begins or ceases to tell what it has.</summary>
    public void OnProgrammed(IReadOnlyCollection<ObjectKey> services, bool isTold)
    {
        foreach (var service in _gate.On(services, isTold))
            OnService(service);
    }

    /// <summary>A Node changed.</summary>
    public void On(Change<Node> change) => _configuration.On(change);

    /// <summary>Something that matters of a Node changed, and is known to the state.</summary>
    public void NodesChanged() => _isNodeNews = true;

    /// <summary>An IPAddressPool changed.</summary>
    public void On(Change<IPAddressPool> change) => _configuration.On(change);

    /// <summary>A BFD session with a peer changed.</summary>
    public void On(BfdTransition<SessionName> transition) => _watch.On(transition);

    /// <summary>Follows what has changed since the last time.</summary>
    public void Settle()
    {
        var node = _state.Node(_options.NodeName);
        if (_state.Awaited.Count > 0 || !_configuration.IsComplete || node is null)
            return;
        if (_configuration.HasChanged || _isNodeNews)
            Reconfigure(node);
        var isLeaving = _state.OfObject(_options.NodeName).HasFlag(NodeConditions.Draining);
        if (_supervisor is null || isLeaving == _isLeaving)
            return;
        _isLeaving = isLeaving;
        _log.LogInformation("bgp: this node {What}", isLeaving ? "is being drained: peers are asked to prefer others (GRACEFUL_SHUTDOWN)" : "is not drained any more");
        Loop?.SetLeaving(isLeaving);
    }

    public void Dispose()
    {
        // The thread ends by itself once it was told to; a process that ends otherwise ends it.
        if (_thread is not { IsAlive: true })
            _supervisor?.Dispose();
    }

    private void Reconfigure(NodeFacts node)
    {
        _isNodeNews = false;
        _configuration.Update();
        var context = new BgpContext { Node = node, IgnoreExcludeLabel = _options.IgnoreExcludeLabel, LoadBalancerClass = _options.LoadBalancerClass }.With(_configuration.InForce);
        if (_index is null && !context.Peers.Any(peer => IsHere(peer, node)))
            return;
        if (_index is null)
            Begin();
        Apply(_index!.Set(context));

        var neighbors = new List<(Portolan.Bgp.NeighborSettings, string)>();
        foreach (var peer in context.Peers.Where(peer => IsHere(peer, node)))
        {
            if (_configuration.PasswordOf(peer) is not { } password)
            {
                // Without its key a session would only fail, and say nothing of why.
                if (_configuration.IsLookedUp(peer))
                    Refuse(peer.Name, $"its Secret {peer.PasswordSecret} has no password, or is not of type kubernetes.io/basic-auth");
                continue;
            }

            _refused.Remove(peer.Name);
            if (_index.ClassOf(peer.Name) is { } own)
                neighbors.Add((NeighborChoice.Of(peer, BgpPolicy.For(peer, node, context.Policies), node, password), Table(own)));
        }

        if (!neighbors.SequenceEqual(_neighbors))
        {
            Loop?.SetNeighbors(neighbors, [.. _index.Classes.Select(Table)]); // the tables, too, of peers that wait for their password
            _watch.SetPeers(neighbors.Select(neighbor => neighbor.Item1));
        }

        _neighbors = neighbors;
        if (!_areReady)
            Loop?.AreReady();
        _areReady = true;
    }

    private void Begin()
    {
        _index = new BgpIndex();
        foreach (var slice in _state.Slices)
            _index.Set(slice);
        foreach (var service in _state.Services)
            _index.Set(Admitted(service));
        _supervisor = new BgpSupervisor(
            () => new BgpLoop(_options.BgpPort, shown => _post(nameof(Show), () => Show(shown)), _time, _log), () => _post(nameof(SayAllAgain), SayAllAgain), _log);
        _thread = new Thread(_supervisor.Run) { Name = "bgp", IsBackground = true };
        _thread.Start();
    }

    private ServiceFacts Admitted(ServiceFacts service) => _gate.Admit(service, _announced.GetValueOrDefault(service.Key)?.Addresses ?? []);

    // There is another loop, the first or one in the place of one that failed: it is told all that is wanted. Until there is one, nobody has a session.
    private void SayAllAgain()
    {
        if (Loop is not { } loop)
        {
            Show([]);
            return;
        }

        loop.SetLeaving(_isLeaving);
        foreach (var own in _index!.Classes)
            loop.Change(Table(own), [.. own.Routes.Select(route => (route.Prefix.ToWire(), (PathAttributes?)route.Attributes.ToWire()))]);
        loop.SetNeighbors(_neighbors, [.. _index.Classes.Select(Table)]);
        if (_areReady)
            loop.AreReady();
    }

    private void Refuse(string peer, string reason)
    {
        if (_refused.GetValueOrDefault(peer) != reason)
            _log.LogError("bgp: BGPPeer {Peer} has no session: {Reason}", peer, reason);
        _refused[peer] = reason;
    }

    private void Apply(BgpChanges changes)
    {
        // The wire first; words can wait.
        foreach (var table in changes.Routes.GroupBy(change => change.Class))
            Loop?.Change(Table(table.Key), [.. table.Select(change => (change.Prefix.ToWire(), change.Attributes?.ToWire()))]);
        // What a speaker finds when it starts is hardly news of the Services, and must not be thousands of events: their status objects say who announces.
        var isOneOfMany = !_areReady && changes.Services.Count > MostToldAtStart;
        foreach (var service in changes.Services)
            Tell(service, isOneOfMany);
    }

    private void Tell(ObjectKey service, bool isOneOfMany)
    {
        var plan = _index!.Plans.GetValueOrDefault(service);
        foreach (var fault in plan?.Faults ?? [])
            _record(service, true, "invalidAnnotation", $"{fault}");
        if (plan is not { Routes.Count: > 0 })
        {
            _statuses.Want(service, null);
            if (_announced.TryRemove(service, out _))
                _log.LogInformation("{Event}: {Service}: {Reason}", "serviceWithdrawn", service, plan?.Reason.Name() ?? "serviceDeleted");
            return;
        }

        var before = _announced.GetValueOrDefault(service);
        _announced[service] = plan;
        WriteStatus(service, plan);
        if (before is not null && before.Routes.SequenceEqual(plan.Routes))
            return;
        _log.LogInformation(
            "{Event}: {Service}: {Routes}", "serviceAnnounced", service, string.Join(", ", plan.Routes.Select(route => $"{route.Prefix} to {string.Join(" ", route.Peers)}")));
        if (before is null && !isOneOfMany)
            _record(service, false, "nodeAssigned", $"announcing from node \"{_options.NodeName}\" with protocol \"bgp\"");
    }

    // The peers that have been sent it, not those that it is meant for: what is written there is what is so.
    private void WriteStatus(ObjectKey service, BgpPlan plan) => _statuses.Want(service, [.. plan.Peers.Where(_served.Contains)]);

    private void Show(IReadOnlyList<NeighborStatus> shown)
    {
        _shown = shown;
        _metrics.Show(shown);
        _watch.Show(shown);
        var served = shown.Where(neighbor => neighbor is { State: SessionState.Established, IsSynchronized: true }).Select(neighbor => neighbor.Name.Split('/')[0]).ToHashSet(StringComparer.Ordinal);
        if (served.SetEquals(_served))
            return;
        _served = served;
        foreach (var (service, plan) in _announced)
            WriteStatus(service, plan);
    }

    private async Task<BgpReport> ReportAsync(CancellationToken stop) =>
        new(_options.NodeName, Loop is { } loop ? await loop.ReportAsync(stop) : []);

    private static ConfigurationFault Fault(ConfigurationProblem problem) => new(problem.Object.Kind, problem.Object.Name, problem.Error);

    private static string Table(PeerClass peers) => $"{peers.Number}";

    private static bool IsHere(Core.Configuration.BgpPeer peer, NodeFacts node) =>
        peer.NodeSelectors.Count == 0 || peer.NodeSelectors.Any(selector => selector.Matches(node.Labels));

    // At the stop: who keeps our routes until we are back is told nothing; who does not, or when this node is leaving for longer, that it is over.
    private async Task SayFarewellAsync(CancellationToken stop)
    {
        await Task.Delay(Timeout.InfiniteTimeSpan, stop).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        var (supervisor, thread, isLeaving) = (_supervisor, _thread, _isLeaving);
        if (supervisor is not null && thread is not null)
        {
            supervisor.Stop(settings => End(settings, isLeaving));
            await Task.Run(() => thread.Join(FarewellPatience), CancellationToken.None);
        }

        _over.TrySetResult();
    }

    private BgpError? End(Portolan.Bgp.NeighborSettings settings, bool isLeaving)
    {
        var words = isLeaving ? $"node {_options.NodeName} is being drained" : $"the speaker on node {_options.NodeName} stops";
        var shutdown = new BgpError(BgpErrorCode.Cease, (byte)CeaseSubcode.AdministrativeShutdown, ShutdownCommunication.Encode(words), words);
        if (settings.Session.Restart is null)
            return shutdown;
        // A peer that would keep the routes over any other end lets go of them now (RFC 8538 §3.1): the reason stands in the data.
        return isLeaving
            ? new BgpError(BgpErrorCode.Cease, (byte)CeaseSubcode.HardReset, (byte[])[(byte)shutdown.Code, shutdown.Subcode, .. shutdown.Data.Span], words)
            : null;
    }
}

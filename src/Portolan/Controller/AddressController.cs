using System.Threading.Channels;
using Microsoft.Extensions.Logging;
using Portolan.Core.Addresses;
using Portolan.Core.Cluster;
using Portolan.Hosting;
using Portolan.Kubernetes.Client;
using Portolan.Kubernetes.Resources;
using Portolan.Kubernetes.Watching;

namespace Portolan.Controller;

/// <summary>
/// The controller's loop. Reflectors and finished requests put what they have into one bounded queue; one reader decides:
/// object changed → <see cref="ControllerState"/> → decisions → <see cref="ServiceStatusWriter"/>, events, configuration report, counters.
/// <para>
/// Every replica runs the loop and keeps what it watches; only the one that leads decides and writes. Writers other than of Service status,
/// where two at once would cost no address, merely stop with the term.
/// </para>
/// </summary>
internal sealed class AddressController
{
    private const string Component = "metallb-controller";
    private static readonly TimeSpan ReminderInterval = TimeSpan.FromMinutes(30);
    private readonly RoleHost _host;
    private readonly KubeClient _client;
    private readonly string _namespace;
    private readonly ILogger _log;
    private readonly Leadership _leadership;
    private readonly Channel<Action> _queue = Channel.CreateBounded<Action>(new BoundedChannelOptions(1024) { SingleReader = true });
    private readonly ControllerState _state;
    private readonly ControllerMetrics _metrics;
    private readonly EventRecorder _events;
    private readonly ServiceStatusWriter _statuses;
    private readonly ConfigurationReporter _configuration;
    private readonly PoolStatusWriter _poolStatuses;
    private readonly ReservationWriter _reservations;
    private readonly PolicyWatches _policies;
    private readonly PoolSettling _settling;
    private readonly Dictionary<ObjectKey, InvolvedObject> _services = [];
    private readonly List<Func<CancellationToken, Task>> _hearPredecessor = [];
    private bool _serving;
    private int _poolUpdates;

    public AddressController(RoleHost host, KubeClient client, string ns, string? loadBalancerClass, Leadership leadership, string podName = "")
    {
        (_host, _client, _namespace) = (host, client, ns);
        _log = host.Logs.CreateLogger("Controller");
        _leadership = leadership;
        _state = new ControllerState(loadBalancerClass, leads: leadership.IsAlone);
        _events = new EventRecorder(client, Component, host.Time, _log);
        _metrics = new ControllerMetrics(host.Meter, () => _events.Lost);
        _statuses = new ServiceStatusWriter(client, leadership.Fence, _queue.Writer.WriteAsync, host.Time, _log, Tell, () => _metrics.UpdateErrors.Add(1));
        _configuration = new ConfigurationReporter(client, ns, podName, _events, host.Time, _log);
        _poolStatuses = new PoolStatusWriter(client, ns, host.Time);
        _reservations = new ReservationWriter(client, ns, leadership.Fence);
        _policies = new PolicyWatches(host, client, ns, _state, _reservations, leadership, (happened, stop) => _queue.Writer.WriteAsync(() => Follow(happened(), stop), stop), _log);
        _settling = new PoolSettling(client, ns, (pools, stop) => _queue.Writer.WriteAsync(() => Follow(_state.SettlePools(pools), stop), stop), host.Time, _log);
    }

    /// <summary>Adds the loop and everything beside it to the host.</summary>
    public void Supervise(string secretName)
    {
        _host.Readiness.Await("addresses", "Services, Namespaces and IPAddressPools are being listed");
        _host.Supervise("loop", RunAsync);
        _host.Supervise("leader-election", stop => _leadership.RunAsync(term => TakeOverAsync(stop, term), () => StepDownAsync(stop), stop));
        _host.Supervise("idle-trim", new IdleTrim(_host.Time).RunAsync);
        SuperviseLeading("events", _events.RunAsync);
        SuperviseLeading("reminders", RemindAsync);
        SuperviseLeading("pool-settling", _settling.RunAsync);
        SuperviseLeading("configuration-state", _configuration.RunAsync);
        SuperviseLeading("pool-status", _poolStatuses.RunAsync);
        SuperviseLeading("reservations", _reservations.RunAsync);
        SuperviseLeading("memberlist-secret", stop => MemberlistSecret.EnsureAsync(_client, _namespace, secretName, _log, stop));
        _policies.Supervise();
        _hearPredecessor.Add(_policies.RefreshAsync);
        Watch(Kinds.Services, null, OnService, writtenByLeader: true, keepsObjects: false);
        Watch(Kinds.Namespaces, null, (change, stop) => Follow(_state.On(change), stop));
        Watch(Kinds.IPAddressPools, _namespace, (change, stop) => Follow(_state.On(change), stop));
        new ConfigurationWatches(_host, _client, _namespace, _state, (happened, stop) => _queue.Writer.WriteAsync(() => Follow(happened(), stop), stop), _log).Supervise(_configuration.Again);
    }

    // What a leader writes and the next one decides by is listed anew when we take over; and not before the first word about the lease,
    // so that a replica that leads from the start lists once.
    private void Watch<T>(ResourceType<T> type, string? ns, Action<Change<T>, CancellationToken> onChange, bool writtenByLeader = false, bool keepsObjects = true)
        where T : class, IKubeObject
    {
        var reflector = new Reflector<T>(_client, type, ns, timeProvider: _host.Time, logger: _log, keepsObjects: keepsObjects);
        if (writtenByLeader)
            _hearPredecessor.Add(reflector.RefreshAsync);
        _host.Supervise("watch-" + type.Plural, async stop =>
        {
            if (writtenByLeader)
                await _leadership.FirstVerdictAsync(stop);
            await reflector.RunAsync(change => _queue.Writer.WriteAsync(() => onChange(change, stop), stop), stop);
        });
    }

    private void SuperviseLeading(string name, Func<CancellationToken, Task> work) => _host.Supervise(name, stop => _leadership.WhileLeadingAsync(work, stop));

    // An address that the last leader gave moments before it died may not have come through our watch yet: it must be heard before one is given away.
    private async Task TakeOverAsync(CancellationToken stop, CancellationToken term)
    {
        foreach (var hear in _hearPredecessor)
            await hear(term);
        await _queue.Writer.WriteAsync(() => Follow(_state.Lead(), stop), term);
    }

    private async Task StepDownAsync(CancellationToken stop) => await _queue.Writer.WriteAsync(
        () =>
        {
            _state.StepDown();
            _serving = false;
            _statuses.Forget();
            _reservations.Forget();
            _metrics.Publish([]);
        },
        stop);

    private async Task RunAsync(CancellationToken stop)
    {
        while (await _queue.Reader.WaitToReadAsync(stop))
        {
            if (_state.At(_host.Time.GetUtcNow().ToUnixTimeSeconds()) is { Decisions.Count: > 0 } ended)
                Follow(ended, stop);

            // Everything that is there, then the counters once.
            for (var batch = 0; batch < 256 && _queue.Reader.TryRead(out var action); batch++)
            {
                try
                {
                    action();
                }
                catch
                {
                    _metrics.UpdateErrors.Add(1);
                    throw;
                }
            }

            PublishUse();
            if (_state.IsStarted)
                _reservations.Desire(_state.Allocator.TakeReservationsToWrite());
            _policies.Publish(_state.Allocator.NextEnd);
        }
    }

    private void OnService(Change<Service> change, CancellationToken stop)
    {
        if (change.Kind is not ChangeKind.Synced)
        {
            if (change.New is { } service)
                _services[change.Key] = InvolvedObject.Of(Kinds.Services, service);
            else
            {
                _services.Remove(change.Key);
                if (_state.Allocator.Current(change.Key) is { Outcome: Outcome.Assigned })
                    _log.Line(LogLevel.Information, "service deleted", ("event", "serviceDeleted"), ("service", change.Key));
            }

            _statuses.Observe(change.Key, change.New, stop);
        }

        Follow(_state.On(change), stop);
    }

    private void Follow(Consequences consequences, CancellationToken stop)
    {
        _metrics.Updated();
        foreach (var decision in consequences.Decisions)
        {
            _statuses.Desire(decision, stop);
            DecisionLog.Write(_log, decision);
            foreach (var told in decision.Events)
                Tell(decision.Service, told);
            if (decision.Outcome is Outcome.Waiting && decision.Events.Any(told => told.IsWarning))
                _metrics.UpdateErrors.Add(1);
        }

        if (consequences.Configuration is { } problems)
        {
            if (_state.IsLeading)
                _configuration.Tell(problems, _state.Configuration.Notices(), _state.Configuration.Unread);
            _metrics.Configured(_state.IsStale);
        }

        if (_state.AwaitsPools && _state.PoolUpdates != _poolUpdates)
        {
            _poolUpdates = _state.PoolUpdates;
            _settling.Disturb();
        }

        if (_state.IsSynced && !_host.Readiness.IsReady)
            _host.Readiness.Reached("addresses");
        if (_state.IsStarted && !_serving)
            _log.LogInformation("serving {Services} Services from {Pools} pools", _services.Count, _state.Allocator.Pools.Pools.Count);
        _serving = _state.IsStarted;
    }

    private void Tell(ObjectKey service, ServiceEvent told)
    {
        if (_services.TryGetValue(service, out var about))
            _events.Record(about, told.IsWarning, told.Reason, told.Message);
    }

    // Events expire after an hour: whoever asks later why an address is pending must find the answer, too.
    private async Task RemindAsync(CancellationToken stop)
    {
        using var timer = new PeriodicTimer(ReminderInterval, _host.Time);
        while (await timer.WaitForNextTickAsync(stop))
            await _queue.Writer.WriteAsync(() => Remind(), stop);
    }

    private void Remind()
    {
        foreach (var (service, told) in _state.Allocator.Complaints())
            Tell(service, told);
    }

    private void PublishUse()
    {
        if (!_state.IsStarted)
            return;
        var use = _state.Allocator.Use().ToList();
        _metrics.Publish(use);
        _poolStatuses.Publish([.. use.Where(pool => _state.Pools.ContainsKey(pool.Pool)).Select(pool => (pool, _state.Pools[pool.Pool].Status))]);
    }
}

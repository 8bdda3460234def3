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
/// </summary>
internal sealed class AddressController
{
    private const string Component = "metallb-controller";
    private readonly RoleHost _host;
    private readonly KubeClient _client;
    private readonly string _namespace;
    private readonly ILogger _log;
    private readonly Channel<Action> _queue = Channel.CreateBounded<Action>(new BoundedChannelOptions(1024) { SingleReader = true });
    private readonly ControllerState _state;
    private readonly ControllerMetrics _metrics;
    private readonly EventRecorder _events;
    private readonly ServiceStatusWriter _statuses;
    private readonly ConfigurationReporter _configuration;
    private readonly PoolStatusWriter _poolStatuses;
    private readonly Dictionary<ObjectKey, InvolvedObject> _services = [];

    public AddressController(RoleHost host, KubeClient client, string ns, string? loadBalancerClass)
    {
        (_host, _client, _namespace) = (host, client, ns);
        _log = host.Logs.CreateLogger("Controller");
        _state = new ControllerState(loadBalancerClass);
        _metrics = new ControllerMetrics(host.Meter);
        _events = new EventRecorder(client, Component, host.Time, _log);
        _statuses = new ServiceStatusWriter(client, _queue.Writer.WriteAsync, host.Time, _log);
        _configuration = new ConfigurationReporter(client, ns, _events, host.Time, _log);
        _poolStatuses = new PoolStatusWriter(client, ns, host.Time);
    }

    /// <summary>Adds the loop and everything beside it to the host.</summary>
    public void Supervise(string secretName)
    {
        _host.Readiness.Await("addresses", "Services, Namespaces, IPAddressPools and L2Advertisements are being listed");
        _host.Supervise("loop", RunAsync);
        _host.Supervise("events", _events.RunAsync);
        _host.Supervise("configuration-state", _configuration.RunAsync);
        _host.Supervise("pool-status", _poolStatuses.RunAsync);
        _host.Supervise("memberlist-secret", stop => MemberlistSecret.EnsureAsync(_client, _namespace, secretName, _log, stop));
        Watch(Kinds.Services, null, OnService);
        Watch(Kinds.Namespaces, null, (change, stop) => Follow(_state.On(change), stop));
        Watch(Kinds.IPAddressPools, _namespace, (change, stop) => Follow(_state.On(change), stop));
        Watch(Kinds.L2Advertisements, _namespace, (change, stop) => Follow(_state.On(change), stop));
    }

    private void Watch<T>(ResourceType<T> type, string? ns, Action<Change<T>, CancellationToken> onChange)
        where T : class, IKubeObject
    {
        var reflector = new Reflector<T>(_client, type, ns, timeProvider: _host.Time, logger: _log);
        _host.Supervise("watch-" + type.Plural, stop => reflector.RunAsync(change => _queue.Writer.WriteAsync(() => onChange(change, stop), stop), stop));
    }

    private async Task RunAsync(CancellationToken stop)
    {
        while (await _queue.Reader.WaitToReadAsync(stop))
        {
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
        }
    }

    private void OnService(Change<Service> change, CancellationToken stop)
    {
        if (change.Kind is not ChangeKind.Synced)
        {
            if (change.New is { } service)
                _services[change.Key] = InvolvedObject.Of(Kinds.Services, service);
            else
                _services.Remove(change.Key);
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
            foreach (var told in decision.Events)
                Tell(decision, told);
        }

        if (consequences.Configuration is { } problems)
        {
            _configuration.Report(problems);
            _metrics.Configured(stale: problems.Count > 0);
        }

        if (_state.IsStarted && !_host.Readiness.IsReady)
        {
            _host.Readiness.Reached("addresses");
            _log.LogInformation("serving {Services} Services from {Pools} pools", _services.Count, _state.Allocator.Pools.Pools.Count);
        }
    }

    private void Tell(Decision decision, ServiceEvent told)
    {
        _log.Log(
            told.IsWarning ? LogLevel.Warning : LogLevel.Information,
            "{Event}: {Service}: {Message}", told.Reason, decision.Service, told.Message);
        if (_services.TryGetValue(decision.Service, out var about))
            _events.Record(about, told.IsWarning, told.Reason, told.Message);
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

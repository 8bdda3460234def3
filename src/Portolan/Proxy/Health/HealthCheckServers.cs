using System.Net;
using System.Net.Sockets;
using Microsoft.Extensions.Logging;
using Portolan.Core.Cluster;
using Portolan.Core.Forwarding;
using Portolan.Hosting;

namespace Portolan.Proxy.Health;

/// <summary>A port could not be opened.</summary>
/// <param name="Service">Whose port it is.</param>
/// <param name="Uid">The Service's uid.</param>
/// <param name="Port">The port.</param>
/// <param name="Reason">Why not.</param>
internal readonly record struct HealthCheckFailure(ObjectKey Service, string Uid, ushort Port, string Reason);

/// <summary>
/// Keeps a server open at each <c>healthCheckNodePort</c>. A port that is taken is said once and tried again, whatever the others do. Told by one thread;
/// the servers answer on others.
/// </summary>
/// <param name="isProxyHealthy">Whether what the plans say is in the kernel, more or less.</param>
/// <param name="addresses">Where to listen now.</param>
/// <param name="failed">Told of each new failure.</param>
/// <param name="time">The clock.</param>
/// <param name="log">Told of what is opened and closed.</param>
internal sealed class HealthCheckServers(Func<bool> isProxyHealthy, Func<IReadOnlyList<IPAddress>> addresses, Action<HealthCheckFailure> failed, TimeProvider time, ILogger log) : IDisposable
{
    /// <summary>Ports that are taken are tried again after this long, and addresses that come and go are followed.</summary>
    internal static readonly TimeSpan Again = TimeSpan.FromSeconds(30);

    private readonly Lock _gate = new();
    private readonly Dictionary<ObjectKey, Check> _checks = [];
    private readonly ProbePlaces _places = new(256);

    /// <summary>The number of Services whose port is open.</summary>
    internal int Open
    {
        get
        {
            lock (_gate)
                return _checks.Values.Count(check => check.Failure is null);
        }
    }

    /// <summary>What is in force now for some Services.</summary>
    internal void Apply(IReadOnlyList<ServiceForwarding> services)
    {
        lock (_gate)
        {
            // A port may go from one Service to another: first what closes, then what opens.
            var isFreed = false;
            foreach (var service in services)
            {
                if (_checks.TryGetValue(service.Key, out var known) && (service.HealthCheck is null || known.Plan.Port != service.HealthCheck.Port || known.Uid != service.Service?.Uid))
                {
                    known.Dispose();
                    _checks.Remove(service.Key);
                    isFreed = true;
                }
            }

            IReadOnlyList<IPAddress>? at = null;
            foreach (var service in services)
            {
                if (service.HealthCheck is not { } plan)
                    continue;
                if (_checks.TryGetValue(service.Key, out var known))
                    known.Plan = plan;
                else
                    OpenAll(_checks[service.Key] = new Check(service.Key, service.Service!.Uid, plan), at ??= addresses());
            }

            if (isFreed)
                RetryAll(at ?? addresses());
        }
    }

    /// <summary>Tries again what failed, and follows the node's addresses, until cancelled.</summary>
    internal async Task RunAsync(CancellationToken stop)
    {
        while (true)
        {
            await Task.Delay(Again, time, stop);
            Retry();
        }
    }

    /// <summary>Tries again what failed, and listens at the node's addresses of now.</summary>
    internal void Retry()
    {
        lock (_gate)
        {
            if (_checks.Count > 0)
                RetryAll(addresses());
        }
    }

    public void Dispose()
    {
        lock (_gate)
        {
            foreach (var check in _checks.Values)
                check.Dispose();
            _checks.Clear();
        }
    }

    private void RetryAll(IReadOnlyList<IPAddress> at)
    {
        foreach (var check in _checks.Values)
        {
            if (check.Failure is not null || !check.IsAt(at))
                OpenAll(check, at);
        }
    }

    private void OpenAll(Check check, IReadOnlyList<IPAddress> at)
    {
        check.CloseAllBut(at);
        string? failure = at.Count == 0 ? "the node has no address that node ports answer at" : null;
        foreach (var address in at)
        {
            try
            {
                if (!check.Listeners.ContainsKey(address))
                    check.Listeners[address] = ProbeListener.Open(new IPEndPoint(address, check.Plan.Port), request => Answer(check, request), _places, time, log);
            }
            catch (SocketException refusal)
            {
                failure = $"listen {new IPEndPoint(address, check.Plan.Port)}: {refusal.Message}";
                break;
            }
        }

        // All or nothing: a load balancer that checks some of the node's addresses must not get another answer than at the rest.
        if (failure is not null)
            check.CloseAllBut([]);
        var isNew = failure != check.Failure;
        check.Failure = failure;
        if (failure is null)
        {
            log.Line(LogLevel.Debug, "health check port is open", ("op", "healthCheck"), ("service", check.Service), ("port", check.Plan.Port));
        }
        else if (isNew)
        {
            log.Line(LogLevel.Warning, "health check port cannot be opened; trying again", ("op", "healthCheck"), ("service", check.Service), ("port", check.Plan.Port), ("error", failure));
            failed(new HealthCheckFailure(check.Service, check.Uid, check.Plan.Port, failure));
        }
    }

    private ProbeAnswer Answer(Check check, ProbeRequest request) =>
        HealthCheckAnswer.Of(check.Service, check.Plan.LocalEndpoints(request.Family), isProxyHealthy());

    private sealed class Check(ObjectKey service, string uid, HealthCheckPlan plan) : IDisposable
    {
        private volatile HealthCheckPlan _plan = plan;

        internal ObjectKey Service => service;

        internal string Uid => uid;

        internal HealthCheckPlan Plan
        {
            get => _plan;
            set => _plan = value;
        }

        /// <summary>Why the port is not open, or null.</summary>
        internal string? Failure { get; set; }

        internal Dictionary<IPAddress, ProbeListener> Listeners { get; } = [];

        internal bool IsAt(IReadOnlyList<IPAddress> addresses) => Listeners.Count == addresses.Count && addresses.All(Listeners.ContainsKey);

        internal void CloseAllBut(IReadOnlyList<IPAddress> addresses)
        {
            foreach (var (address, listener) in Listeners.Where(entry => !addresses.Contains(entry.Key)).ToList())
            {
                listener.Dispose();
                Listeners.Remove(address);
            }
        }

        public void Dispose() => CloseAllBut([]);
    }
}

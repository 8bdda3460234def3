using System.Net;
using System.Text.Json.Nodes;
using Microsoft.Extensions.Logging;
using Portolan.Controller;
using Portolan.Core.Addresses;
using Portolan.Hosting;
using Portolan.Kubernetes.Resources;
using Portolan.Linux.Links;
using Portolan.Linux.Netlink;
using Portolan.Proxy.Configuration;
using Portolan.Proxy.Ipvs;
using Portolan.Proxy.Health;
using Portolan.Proxy.Metrics;
using Portolan.Proxy.Programmed;

namespace Portolan.Proxy;

/// <summary>Puts together what the proxy tells the world of itself: health, metrics, health check ports, events.</summary>
internal sealed class ProxyReporting : IDisposable
{
    private readonly RoleHost _host;
    private readonly HealthState _health;
    private readonly ProxyMetrics _metrics;
    private readonly HealthCheckServers _healthChecks;
    private readonly ProgrammedFeed? _feed;

    /// <param name="host">What everything here runs in.</param>
    /// <param name="options">Where and how long.</param>
    /// <param name="events">Takes what users must know.</param>
    /// <param name="nodeName">This node.</param>
    /// <param name="kernel">Tells of tracked flows that were ended.</param>
    /// <param name="nodePortAddresses">Blocks of addresses that node ports answer at now, loopback left out.</param>
    internal ProxyReporting(RoleHost host, ProxyOptions options, EventRecorder events, string nodeName, ProxyKernel kernel, Func<IReadOnlyCollection<IpPrefix>> nodePortAddresses)
    {
        _host = host;
        _health = new HealthState(host.Time, options.SyncPeriod);
        _metrics = new ProxyMetrics(host.Meter, host.Time);
        kernel.Flows.Searched += _metrics.Searched;
        _healthChecks = new HealthCheckServers(
            () => _health.IsHealthy,
            () => HealthCheckAddresses.Of(nodePortAddresses(), OwnAddresses()),
            failure => events.Record(
                new InvolvedObject(Kinds.Services.ApiVersion, Kinds.Services.Kind, failure.Service.Namespace, failure.Service.Name, failure.Uid),
                isWarning: true,
                "FailedToStartServiceHealthcheck",
                $"node {nodeName} failed to start healthcheck \"{failure.Service}\" on port {failure.Port}: {failure.Reason}"),
            host.Time,
            host.Logs.CreateLogger("healthchecks"));
        host.Meter.CreateObservableGauge("portolan_proxy_health_check_ports", () => _healthChecks.Open, description: "Health check node ports that are open.");
        host.Meter.CreateObservableCounter("portolan_proxy_transaction_bytes_total", () => kernel.TransactionBytes, description: "Bytes of the transactions sent to the kernel.");
        host.Supervise("health-checks", _healthChecks.RunAsync);
        _feed = options.ProgrammedSocket is { Length: > 0 } path ? new ProgrammedFeed(path, host.Time, host.Logs.CreateLogger("programmed")) : null;
        host.Meter.CreateObservableGauge("portolan_proxy_programmed_readers", () => _feed?.Readers ?? 0, description: "Processes that follow which Services are programmed.");
        Reports = new ProxyReports(_health, _metrics, _healthChecks, _feed);
        var endpoints = new ProxyEndpoints(
            _health, host.Readiness, host.RenderMetrics, () => new JsonObject { ["kubeproxy.config.k8s.io"] = options.Configuration.ToJson() }.ToJsonString(), _metrics.Answered);
        Serve("healthz", options.HealthzBindAddress, endpoints.AnswerHealth);
        Serve("metrics", options.MetricsBindAddress, endpoints.AnswerMetrics);
    }

    /// <summary>What the loop tells.</summary>
    internal ProxyReports Reports { get; }

    /// <summary>Serves who wants to know what is programmed.</summary>
    /// <param name="loop">Tells them.</param>
    /// <param name="onReader">Called for each: it is a speaker that announces what is forwarded here.</param>
    internal void Feed(ProxyLoop loop, Action onReader)
    {
        if (_feed is null)
            return;
        _host.Supervise("programmed", stop => _feed.RunAsync(
            token =>
            {
                onReader();
                return loop.PostAsync(new ProxyEvent.ReaderCame(), token);
            },
            stop));
    }

    private void Serve(string name, IPEndPoint? at, Func<ProbeRequest, ProbeAnswer> answer)
    {
        if (at is not null)
            _host.Supervise(name, stop => ProxyEndpoints.ServeAsync(at, answer, _host.Time, _host.Logs.CreateLogger(name), stop));
    }

    public void Dispose() => _healthChecks.Dispose();

    // Read only where somebody looks.
    private IEnumerable<IPAddress> OwnAddresses()
    {
        foreach (var address in Read())
            yield return address.Address;

        IReadOnlyList<InterfaceAddress> Read()
        {
            try
            {
                using var links = LinkMonitor.OpenWithout(ServiceLink.Name);
                return links.Current.Addresses;
            }
            catch (NetlinkException refusal)
            {
                _host.Logs.CreateLogger("healthchecks").LogWarning("the node's addresses cannot be read; trying again: {Refusal}", refusal.Message);
                return [];
            }
        }
    }
}

using Microsoft.Extensions.Time.Testing;
using Portolan.Core.Addresses;
using Portolan.Hosting;
using Portolan.Proxy.Health;

namespace Portolan.Tests.Proxy.Health;

public sealed class ProxyEndpointsTests
{
    private readonly FakeTimeProvider _time = new();
    private readonly Readiness _readiness = new();
    private readonly List<(string, int)> _answered = [];
    private readonly HealthState _health;
    private readonly ProxyEndpoints _endpoints;

    public ProxyEndpointsTests()
    {
        _health = new HealthState(_time, TimeSpan.FromSeconds(30));
        _endpoints = new ProxyEndpoints(_health, _readiness, () => "a 1\n", () => "{\"a\":{}}", (path, code) => _answered.Add((path, code)));
    }

    private ProbeAnswer Health(string path) => _endpoints.AnswerHealth(new ProbeRequest(path, false, IpFamily.IPv4));

    private ProbeAnswer Metrics(string path) => _endpoints.AnswerMetrics(new ProbeRequest(path, false, IpFamily.IPv4));

    [Fact]
    public void TheHealthAddressTellsHealthOnly()
    {
        _readiness.Await("forwarding", "not yet programmed");
        _health.Node = NodeStanding.Deleting;
        Assert.Equal((503, 200, 503), (Health("/healthz").Status, Health("/livez").Status, Health("/readyz").Status));
        Assert.Equal(("application/json", "forwarding: not yet programmed\n"), (Health("/livez").ContentType, Health("/readyz").Body));
        Assert.Equal(404, Health("/metrics").Status);
        Assert.Equal([("/healthz", 503), ("/livez", 200), ("/livez", 200)], _answered);
    }

    [Fact]
    [Contract("proxy §1.7-9")]
    public void TheMetricsAddressServesWhatScriptsAskKubeProxyFor()
    {
        Assert.Equal(("a 1\n", "text/plain; version=0.0.4; charset=utf-8"), (Metrics("/metrics").Body, Metrics("/metrics").ContentType));
        Assert.Equal("ok", Metrics("/healthz").Body);
        Assert.Equal("nftables", Metrics("/proxyMode").Body);
        Assert.Equal(("{\"a\":{}}", "application/json"), (Metrics("/configz").Body, Metrics("/configz").ContentType));
        Assert.Equal((404, "profiling is not offered\n"), (Metrics("/debug/pprof/profile").Status, Metrics("/debug/pprof/").Body));
        Assert.Equal(404, Metrics("/other").Status);
    }
}

using Microsoft.Extensions.Time.Testing;
using Portolan.Core.Addresses;
using Portolan.Core.Cluster;
using Portolan.Proxy.Health;

namespace Portolan.Tests.Proxy.Health;

public sealed class ProxyHealthTests
{
    private static readonly TimeSpan _limit = TimeSpan.FromSeconds(60);
    private static readonly DateTime _now = new(2026, 1, 2, 3, 4, 5, DateTimeKind.Utc);
    private static readonly DateTime _earlier = _now.AddMinutes(-5);
    private readonly FakeTimeProvider _time = new(new DateTimeOffset(_now));

    [Fact]
    [Contract("proxy §1.7-6")]
    public void SaysFieldByFieldWhatKubeProxySays()
    {
        FamilyProgress[] families = [new(IpFamily.IPv4, _earlier, TimeSpan.FromSeconds(59.9)), new(IpFamily.IPv6, _earlier.AddSeconds(-1.5), TimeSpan.FromSeconds(60))];
        var late = ProxyHealth.Of(families, NodeStanding.Present, _now, _limit);
        Assert.Equal(503, late.StatusCode);
        Assert.Equal(
            """{"lastUpdated":"2026-01-02T02:59:05Z","currentTime":"2026-01-02T03:04:05Z","nodeEligible":true,"healthy":false,"status":{"IPv4":{"lastUpdated":"2026-01-02T02:59:05Z","healthy":true},"IPv6":{"lastUpdated":"2026-01-02T02:59:03.5Z","healthy":false}}}""",
            late.ToJson());

        // Well, it says the present, as older releases did.
        var well = ProxyHealth.Of(families[..1], null, _now, _limit);
        Assert.Equal(200, well.StatusCode);
        Assert.Equal(
            """{"lastUpdated":"2026-01-02T03:04:05Z","currentTime":"2026-01-02T03:04:05Z","healthy":true,"status":{"IPv4":{"lastUpdated":"2026-01-02T02:59:05Z","healthy":true}}}""",
            well.ToJson());
    }

    [Fact]
    public void IsWellWhileItStarts()
    {
        var health = ProxyHealth.Of([new(IpFamily.IPv4, null, TimeSpan.FromHours(1))], NodeStanding.Unknown, _now, _limit);
        Assert.Equal(200, health.StatusCode);
        Assert.Equal("""{"lastUpdated":"2026-01-02T03:04:05Z","currentTime":"2026-01-02T03:04:05Z","nodeEligible":true,"healthy":true}""", health.ToJson());
    }

    [Theory]
    [InlineData(nameof(NodeStanding.Unknown), 200)]
    [InlineData(nameof(NodeStanding.Present), 200)]
    [InlineData(nameof(NodeStanding.Missing), 503)]
    [InlineData(nameof(NodeStanding.Deleting), 503)]
    [InlineData(nameof(NodeStanding.ScaledDown), 503)]
    [Contract("proxy §1.7-7")]
    public void ANodeThatLeavesIsOutOfService_ButItsProxyIsAlive(string standing, int code)
    {
        var state = new HealthState(_time, TimeSpan.FromSeconds(30)) { Node = Enum.Parse<NodeStanding>(standing) };
        state.Programmed(IpFamily.IPv4);
        Assert.Equal(code, state.Healthz().StatusCode);
        Assert.Equal(code == 200, state.Healthz().NodeEligible);
        Assert.True(state.Healthz().Healthy);
        Assert.Equal(200, state.Livez().StatusCode);
        Assert.Null(state.Livez().NodeEligible);
    }

    [Fact]
    public void KnowsANodeThatIsLeaving()
    {
        var node = new NodeFacts { Name = "a" };
        Assert.Equal(NodeStanding.Present, NodeStandings.Of(node with { TaintKeys = ["node.kubernetes.io/unreachable"] }));
        Assert.Equal(NodeStanding.ScaledDown, NodeStandings.Of(node with { TaintKeys = ["x", "ToBeDeletedByClusterAutoscaler"] }));
        Assert.Equal(NodeStanding.Deleting, NodeStandings.Of(node with { Deleting = true, TaintKeys = ["ToBeDeletedByClusterAutoscaler"] }));
    }

    [Fact]
    [Contract("proxy §1.7-8")]
    public void AChangeMayWaitForTwiceTheSyncPeriod_InTheQueueAndBeforeTheKernelTogether()
    {
        var state = new HealthState(_time, TimeSpan.FromSeconds(30));
        state.Programmed(IpFamily.IPv4);
        state.Programmed(IpFamily.IPv6);
        state.Queue();
        _time.Advance(TimeSpan.FromSeconds(40));
        state.Take();
        _time.Advance(TimeSpan.FromSeconds(10));
        state.Queue();
        state.Take();
        Assert.True(state.IsHealthy);
        _time.Advance(TimeSpan.FromSeconds(10));
        Assert.False(state.IsHealthy);
        state.Programmed(IpFamily.IPv4);
        Assert.Equal(["IPv4 True", "IPv6 False"], state.Livez().Status!.Select(family => $"{family.Key} {family.Value.Healthy}"));
        state.Programmed(IpFamily.IPv6);
        Assert.True(state.IsHealthy);
    }

    [Fact]
    public void AChangeThatChangesNoRuleWaitsForNothing()
    {
        var state = new HealthState(_time, TimeSpan.FromSeconds(30));
        state.Programmed(IpFamily.IPv4);
        state.Queue();
        state.Take();
        _time.Advance(TimeSpan.FromSeconds(1));
        state.Programmed();
        _time.Advance(TimeSpan.FromSeconds(60));
        Assert.True(state.IsHealthy);
        Assert.Equal(new KeyValuePair<string, FamilyHealth>("IPv4", new FamilyHealth(_now.AddSeconds(1), true)), Assert.Single(state.Livez().Status!));
    }

    [Fact]
    public void ALoopThatTakesNothingInIsNoticed()
    {
        var state = new HealthState(_time, TimeSpan.FromSeconds(30));
        state.Programmed(IpFamily.IPv4);
        state.Queue();
        _time.Advance(TimeSpan.FromSeconds(30));
        state.Queue();
        _time.Advance(TimeSpan.FromSeconds(30));
        Assert.Equal(503, state.Livez().StatusCode);
    }

    [Fact]
    public void WhatIsQueuedWhileTheKernelWorks_WaitsOn()
    {
        var state = new HealthState(_time, TimeSpan.FromSeconds(30));
        state.Programmed(IpFamily.IPv4);
        state.Queue();
        state.Take();
        state.Queue();
        state.Programmed(IpFamily.IPv4);
        _time.Advance(TimeSpan.FromSeconds(60));
        Assert.False(state.IsHealthy);
    }
}

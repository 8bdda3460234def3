using Portolan.Core.Addresses;
using Portolan.Core.Cluster;

namespace Portolan.Core.Tests.Addresses;

/// <summary>What a Service can ask for and which Services are ours: docs/metallb-contract.md §2.</summary>
public sealed class ServiceContractTests
{
    private const string SharedKey = "metallb.io/allow-shared-ip";

    private static readonly AddressPoolSpec[] _pools =
    [
        Given.Pool("first", "10.0.0.0/29"),
        Given.Pool("second", "10.0.1.0/29"),
        Given.Pool("manual", "10.0.2.0/29") with { AutoAssign = false },
        Given.Pool("elsewhere", "10.0.3.0/29") with { Namespaces = ["other"] },
        Given.Pool("both", "10.0.4.0/29", "fd00::/125") with { AutoAssign = false },
    ];

    [Contract("§2 annotation prefixes")]
    [Theory]
    [InlineData("address-pool", "second", "10.0.1.0")]
    [InlineData("loadBalancerIPs", "10.0.0.5", "10.0.0.5")]
    [InlineData("allow-shared-ip", "k", "10.0.0.0")]
    public void BothPrefixesAreHeard(string name, string value, string expected)
    {
        foreach (var prefix in new[] { "metallb.io/", "metallb.universe.tf/" })
        {
            var allocator = Given.Allocator(_pools);
            Assert.Equal("10.0.0.0", allocator.Set(Given.Service("neighbour").With(SharedKey, "k").On(81)));
            Assert.Equal(expected, allocator.Set(Given.Service("web").With(prefix + name, value)));
        }
    }

    [Contract("§2 annotation prefixes")]
    [Theory]
    [InlineData("address-pool", "second", "first", "10.0.1.0")]
    [InlineData("loadBalancerIPs", "10.0.0.5", "10.0.0.6", "10.0.0.5")]
    [InlineData("allow-shared-ip", "mine", "k", "10.0.0.1")]
    [InlineData("allow-shared-ip", "", "k", "10.0.0.1")]
    [InlineData("address-pool", "", "second", "10.0.0.1")]
    public void CurrentPrefixWins_EvenWhereItsValueIsEmpty(string name, string current, string former, string expected)
    {
        var allocator = Given.Allocator(_pools);
        allocator.Set(Given.Service("neighbour").With(SharedKey, "k").On(81));
        Assert.Equal(expected, allocator.Set(Given.Service("web").With("metallb.io/" + name, current).With("metallb.universe.tf/" + name, former)));
    }

    [Contract("§2 event deprecatedAnnotation")]
    [Theory]
    [InlineData("address-pool", "first")]
    [InlineData("loadBalancerIPs", "10.0.0.5")]
    [InlineData("allow-shared-ip", "k")]
    public void FormerPrefixIsWarnedAbout_Once(string name, string value)
    {
        var allocator = Given.Allocator(_pools);
        var service = Given.Service("web").With("metallb.universe.tf/" + name, value);
        var told = Assert.Single(allocator.SetService(service)).Events[0];
        Assert.Equal((true, "deprecatedAnnotation", $"Service uses the deprecated annotation metallb.universe.tf/{name}: use metallb.io/{name}"), (told.IsWarning, told.Reason, told.Message));
        Assert.Empty(Assert.Single(allocator.SetService(service with { CreatedAt = 1 })).Events);
    }

    [Contract("§2 event deprecatedAnnotation")]
    [Fact]
    public void RestartDoesNotWarnAgain_OfWhatWasToldWhenTheAddressWasGiven()
    {
        var restarted = new Allocator();
        restarted.SetPools(Given.Pools(_pools));
        restarted.SetService(Given.Service("web").With("metallb.universe.tf/address-pool", "second").Holding("10.0.1.3"));
        Assert.Empty(Assert.Single(restarted.Start()).Events);
    }

    [Contract("§2 address-pool")]
    [Theory]
    [InlineData("second", "10.0.1.0")]
    [InlineData("manual", "10.0.2.0")]
    [InlineData("nowhere", "the requested IPAddressPool nowhere does not exist")]
    [InlineData("elsewhere", "the requested IPAddressPool elsewhere is not for this Service")]
    public void PoolByName(string pool, string expected) => Assert.Equal(expected, Outcome(Given.Service("web").With("metallb.io/address-pool", pool)));

    [Contract("§2 loadBalancerIPs")]
    [Theory]
    [InlineData("10.0.1.3", "10.0.1.3")]
    [InlineData(" 10.0.1.3 ", "10.0.1.3")]
    [InlineData("10.0.2.3", "10.0.2.3")]
    [InlineData("10.9.9.9", "the requested 10.9.9.9 is outside every IPAddressPool: both (10.0.4.0-10.0.4.7, fd00::-fd00::7), elsewhere (10.0.3.0-10.0.3.7), first (10.0.0.0-10.0.0.7), manual (10.0.2.0-10.0.2.7) and 1 more")]
    [InlineData("10.0.3.3", "the requested 10.0.3.3 is in IPAddressPool elsewhere, which is not for this Service")]
    [InlineData("10.0.1.3,10.0.1.4", "metallb.io/loadBalancerIPs: 10.0.1.3 and 10.0.1.4 are of the same family")]
    [InlineData("10.0.4.1,fd00::1,fd00::2", "metallb.io/loadBalancerIPs: more than two addresses")]
    [InlineData("10.0.4.1,fd00::1", "the requested 10.0.4.1, fd00::1 does not match the Service's address families (IPv4)")]
    [InlineData("fd00::1", "the requested fd00::1 does not match the Service's address families (IPv4)")]
    [InlineData("10.0.1.3,", "metallb.io/loadBalancerIPs: : not an IP address")]
    [InlineData("ten", "metallb.io/loadBalancerIPs: ten: not an IP address")]
    public void AddressesByAnnotation(string value, string expected) => Assert.Equal(expected, Outcome(Given.Service("web").With("metallb.io/loadBalancerIPs", value)));

    [Contract("§2 loadBalancerIPs")]
    [Theory]
    [InlineData("10.0.4.1,fd00::1", "10.0.4.1,fd00::1")]
    [InlineData("fd00::1,10.0.4.1", "fd00::1,10.0.4.1")]
    [InlineData("10.0.0.1,fd00::1", "the requested 10.0.0.1, fd00::1 are not from one IPAddressPool")]
    [InlineData("10.0.4.1", "the requested 10.0.4.1 does not match the Service's address families (IPv4, IPv6)")]
    public void AddressesByAnnotation_OfADualStackService(string value, string expected)
    {
        foreach (var policy in new[] { IpFamilyPolicy.PreferDualStack, IpFamilyPolicy.RequireDualStack })
            Assert.Equal(expected, Outcome(Given.Service("web", "10.233.0.1", "fd99::1").With("metallb.io/loadBalancerIPs", value) with { IpFamilyPolicy = policy }));
    }

    [Contract("§2 loadBalancerIPs")]
    [Contract("§2 address-pool")]
    [Fact]
    public void AddressAndPoolMustFit() => Assert.Equal(
        "the requested 10.0.1.3 is in IPAddressPool second, not in the requested first",
        Outcome(Given.Service("web").With("metallb.io/loadBalancerIPs", "10.0.1.3").With("metallb.io/address-pool", "first")));

    [Contract("§2 loadBalancerIPs")]
    [Contract("§2 spec.loadBalancerIP")]
    [Theory]
    [InlineData("metallb.io/")]
    [InlineData("metallb.universe.tf/")]
    public void BothWaysToAskAtOnceAreAnError(string prefix) => Assert.Equal(
        "metallb.io/loadBalancerIPs and spec.loadBalancerIP cannot both be set",
        Outcome(Given.Service("web").With(prefix + "loadBalancerIPs", "10.0.1.3") with { LoadBalancerIP = "10.0.1.3" }));

    [Contract("§2 spec.loadBalancerIP")]
    [Theory]
    [InlineData("10.0.1.3", "10.0.1.3", "10.233.0.1")]
    [InlineData("fd00::1", "fd00::1", "fd99::1")]
    [InlineData("fd00::1", "the requested fd00::1 does not match the Service's address families (IPv4)", "10.233.0.1")]
    [InlineData("10.0.4.1", "the requested 10.0.4.1 does not match the Service's address families (IPv4, IPv6)", "10.233.0.1", "fd99::1")]
    [InlineData("ten", "spec.loadBalancerIP: ten: not an IP address", "10.233.0.1")]
    public void SpecLoadBalancerIP_OfOneFamilyOnly(string wanted, string expected, params string[] clusterIPs) =>
        Assert.Equal(expected, Outcome(Given.Service("web", clusterIPs) with { LoadBalancerIP = wanted, IpFamilyPolicy = IpFamilyPolicy.PreferDualStack }));

    [Contract("§2 loadBalancerClass")]
    [Theory]
    [InlineData(null, null, true)]
    [InlineData(null, "other", false)]
    [InlineData("ours", "ours", true)]
    [InlineData("ours", "Ours", false)]
    [InlineData("ours", "ours2", false)]
    [InlineData("ours", null, false)]
    public void ClassMustBeExactlyOurs(string? own, string? asked, bool served)
    {
        var allocator = new Allocator(own);
        allocator.SetPools(Given.Pools(_pools));
        allocator.Start();
        Assert.Equal(served ? "10.0.0.0" : "(NotOurs)", allocator.Set(Given.Service("web") with { LoadBalancerClass = asked }));
        Assert.Equal("(NotOurs)", allocator.Set(Given.Service("held").Holding("10.0.0.4") with { LoadBalancerClass = "theirs" }));
    }

    [Contract("§2 allow-shared-ip")]
    [Contract("§2 sharing key")]
    [Theory]
    [InlineData("k", "k", true)]
    [InlineData("k", "m", false)]
    [InlineData("k", null, false)]
    [InlineData(null, "k", false)]
    [InlineData("", "", false)]
    [InlineData(null, null, false)]
    public void SharesWithTheSameKey(string? one, string? other, bool shared) => Assert.Equal(shared, Shares(Keyed("a", one), Keyed("b", other).On(81)));

    [Contract("§2 sharing ports")]
    [Theory]
    [InlineData(Protocol.Tcp, 80, Protocol.Tcp, 80, false)]
    [InlineData(Protocol.Tcp, 80, Protocol.Udp, 80, true)]
    [InlineData(Protocol.Udp, 80, Protocol.Sctp, 80, true)]
    [InlineData(Protocol.Udp, 53, Protocol.Udp, 53, false)]
    [InlineData(Protocol.Tcp, 80, Protocol.Tcp, 81, true)]
    public void SharesWherePortsDiffer(Protocol protocol, int port, Protocol other, int otherPort, bool shared) => Assert.Equal(shared, Shares(
        Keyed("a", "k") with { Ports = [new ServicePort("x", Protocol.Tcp, 1, 0), new ServicePort("y", protocol, (ushort)port, 0)] },
        Keyed("b", "k") with { Ports = [new ServicePort("x", Protocol.Tcp, 2, 0), new ServicePort("y", other, (ushort)otherPort, 0)] }));

    [Contract("§2 sharing backend")]
    [Theory]
    [InlineData(TrafficPolicy.Cluster, "x", TrafficPolicy.Cluster, "y", true)]
    [InlineData(TrafficPolicy.Local, "x", TrafficPolicy.Local, "x", true)]
    [InlineData(TrafficPolicy.Local, "x", TrafficPolicy.Local, "y", false)]
    [InlineData(TrafficPolicy.Local, "x", TrafficPolicy.Cluster, "x", false)]
    [InlineData(TrafficPolicy.Cluster, "x", TrafficPolicy.Local, "x", false)]
    public void SharesWithTheSameBackend(TrafficPolicy policy, string app, TrafficPolicy other, string otherApp, bool shared) => Assert.Equal(shared, Shares(
        Keyed("a", "k") with { ExternalTrafficPolicy = policy, Selector = new Dictionary<string, string> { ["app"] = app, ["tier"] = "web" } },
        Keyed("b", "k").On(81) with { ExternalTrafficPolicy = other, Selector = new Dictionary<string, string> { ["tier"] = "web", ["app"] = otherApp } }));

    [Contract("§2 sole holder changes its key")]
    [Fact]
    public void SoleHolderChangesAllItsTermsInPlace_AndASharerThatDoesMustLeave()
    {
        var allocator = Given.Allocator(_pools);
        Assert.Equal("10.0.0.0", allocator.Set(Keyed("a", "k")));
        Assert.Equal("10.0.0.0", allocator.Set(Keyed("a", "m")));
        Assert.Equal("10.0.0.0", allocator.Set(Keyed("a", null)));
        Assert.Equal("10.0.0.0", allocator.Set(Keyed("a", "k") with { ExternalTrafficPolicy = TrafficPolicy.Local }));
        Assert.Equal("10.0.0.0", allocator.Set(Keyed("a", "k")));
        Assert.Equal("10.0.0.0", allocator.Set(Keyed("b", "k").On(81)));
        Assert.Equal("10.0.0.1", allocator.Set(Keyed("b", "m").On(81)));
        Assert.Equal("10.0.0.0", allocator.Has("a"));
    }

    [Contract("§2 co-location")]
    [Fact]
    public void CoLocatesOnRequest_AndByFirstFit()
    {
        var allocator = Given.Allocator(_pools);
        Assert.Equal("10.0.1.3", allocator.Set(Keyed("a", "k").With("metallb.io/loadBalancerIPs", "10.0.1.3")));
        Assert.Equal("10.0.0.0", allocator.Set(Keyed("b", "k").On(81)));
        Assert.Equal("10.0.1.3", allocator.Set(Keyed("c", "k").On(82).With("metallb.io/loadBalancerIPs", "10.0.1.3")));
        Assert.Equal("10.0.0.0", allocator.Set(Keyed("d", "k").On(83)));
        Assert.Equal("(Waiting)", allocator.Set(Keyed("e", "k").On(82).With("metallb.io/loadBalancerIPs", "10.0.1.3")));
    }

    private static ServiceFacts Keyed(string name, string? key) => key is null ? Given.Service(name) : Given.Service(name).With(SharedKey, key);

    private static bool Shares(ServiceFacts one, ServiceFacts other)
    {
        var allocator = Given.Allocator(Given.Pool("p", "10.0.0.0/30"));
        Assert.Equal("10.0.0.0", allocator.Set(one));
        return allocator.Set(other) == "10.0.0.0";
    }

    // The addresses, or what the user is told.
    private static string Outcome(ServiceFacts service)
    {
        var decision = Assert.Single(Given.Allocator(_pools).SetService(service));
        if (decision.Outcome is Portolan.Core.Addresses.Outcome.Assigned)
            return string.Join(',', decision.Addresses);
        var failed = Assert.Single(decision.Events, told => told.Reason == "AllocationFailed");
        Assert.True(failed.IsWarning);
        Assert.Equal($"Failed to allocate IP for \"{service.Key}\": {decision.Reason}", failed.Message);
        return decision.Reason;
    }
}

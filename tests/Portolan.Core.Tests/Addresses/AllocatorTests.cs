using Portolan.Core.Addresses;
using Portolan.Core.Cluster;

namespace Portolan.Core.Tests.Addresses;

public sealed class AllocatorTests
{
    private const string SharedKey = "metallb.io/allow-shared-ip";

    [Fact]
    public void GivesTheFirstFreeAddress_AndSaysSo()
    {
        var allocator = Given.Allocator(Given.Pool("lab", "192.168.100.240-192.168.100.249"));
        var decision = Assert.Single(allocator.SetService(Given.Service("web")));
        Assert.Equal((Outcome.Assigned, "192.168.100.240", "lab"), (decision.Outcome, decision.Addresses[0].ToString(), decision.Pool));
        Assert.Equal(new ServiceEvent(false, "IPAllocated", "Assigned IP [\"192.168.100.240\"]"), Assert.Single(decision.Events));
        Assert.Equal("192.168.100.241", allocator.Set(Given.Service("api")));
    }

    [Fact]
    public void KeepsAddress_WhenControllerRestarts()
    {
        var restarted = new Allocator();
        restarted.SetService(Given.Service("a"));
        restarted.SetService(Given.Service("b").Holding("10.0.0.0"));
        restarted.SetPools(Given.Pools(Given.Pool("p", "10.0.0.0/31")));
        Assert.Null(restarted.Current(new ObjectKey("default", "b")));
        var decisions = restarted.Start();
        Assert.Equal("10.0.0.0", restarted.Has("b"));
        Assert.Equal("10.0.0.1", restarted.Has("a"));
        Assert.Empty(decisions.Single(decision => decision.Service.Name == "b").Events);
    }

    [Theory]
    [InlineData("", 81)] // shares no more
    [InlineData("other", 81)]
    [InlineData("key", 82)] // the port of the second
    public void WhoChangedItsTermsWhileNobodyWatchedGoes_NotWhoIsYounger(string key, ushort port)
    {
        var allocator = Given.Allocator(Given.Pool("p", "10.0.0.0/30"));
        var (old, second, third) = (Sharing("old", 81, 1), Sharing("second", 82, 2), Sharing("third", 83, 3));
        foreach (var service in new[] { old, second, third })
            Assert.Equal("10.0.0.0", allocator.Set(service));

        var restarted = new Allocator();
        restarted.SetPools(allocator.Pools);
        restarted.SetService(Written(old).With("metallb.io/allow-shared-ip", key).On(port));
        restarted.SetService(Written(second));
        restarted.SetService(Written(third));
        restarted.Start();
        Assert.Equal(("10.0.0.1", "10.0.0.0", "10.0.0.0"), (restarted.Has("old"), restarted.Has("second"), restarted.Has("third")));

        // As the status and the annotation would be after that, nothing is changed any more.
        Assert.Equal(restarted.Current(old.Key)!.SharedAs.Length, key.Length > 0 ? 16 : 0);

        ServiceFacts Written(ServiceFacts service) =>
            service.Holding([.. allocator.Current(service.Key)!.Addresses.Select(address => address.ToString())]).With(ServiceAnnotations.SharedAs, allocator.Current(service.Key)!.SharedAs);

        static ServiceFacts Sharing(string name, ushort port, int createdAt) => Given.Service(name).On(port).With("metallb.io/allow-shared-ip", "key") with { CreatedAt = createdAt };
    }

    [Fact]
    public void TheRecordOfTermsIsTheSameForever()
    {
        var allocator = Given.Allocator(Given.Pool("p", "10.0.0.0/30"));
        allocator.Set(Given.Service("web").On(80).With("metallb.io/allow-shared-ip", "key"));
        allocator.Set(Given.Service("alone"));
        Assert.Equal(("3c4af82e188b9bf3", ""), (allocator.Current(new ObjectKey("default", "web"))!.SharedAs, allocator.Current(new ObjectKey("default", "alone"))!.SharedAs));
    }

    [Fact]
    public void NobodyIsGivenWhatAnotherHolds_WhenItsOwnAddressIsNoLongerAllowedAtStart()
    {
        var restarted = new Allocator();
        restarted.SetService(Given.Service("a").Holding("10.9.9.9"));
        restarted.SetService(Given.Service("b").Holding("10.0.0.0"));
        restarted.SetPools(Given.Pools(Given.Pool("p", "10.0.0.0/31")));
        restarted.Start();
        Assert.Equal("10.0.0.0", restarted.Has("b"));
        Assert.Equal("10.0.0.1", restarted.Has("a"));
    }

    [Fact]
    public void OldStatusDoesNotMoveAnAddress()
    {
        var allocator = Given.Allocator(Given.Pool("p", "10.0.0.0/30"));
        Assert.Equal("10.0.0.0", allocator.Set(Given.Service("a")));
        Assert.Equal("10.0.0.0", allocator.Set(Given.Service("a").With("note", "edited before the status was written")));
        Assert.Equal("10.0.0.0", allocator.Set(Given.Service("a").Holding("10.0.0.3")));
    }

    [Fact]
    public void FreedAddressGoesToTheOneWaitingLongest()
    {
        var allocator = Given.Allocator(Given.Pool("p", "10.0.0.7/32"));
        Assert.Equal("10.0.0.7", allocator.Set(Given.Service("first")));
        Assert.Equal("(Waiting)", allocator.Set(Given.Service("young") with { CreatedAt = 20 }));
        Assert.Equal("(Waiting)", allocator.Set(Given.Service("old") with { CreatedAt = 10 }));
        var decision = Assert.Single(allocator.RemoveService(new ObjectKey("default", "first")));
        Assert.Equal(("old", Outcome.Assigned), (decision.Service.Name, decision.Outcome));
        Assert.Equal("(Waiting)", allocator.Has("young"));
    }

    [Fact]
    public void TellsOnceWhyNoAddressCouldBeGiven()
    {
        var allocator = Given.Allocator(Given.Pool("lab", "10.0.0.1/32"));
        var service = Given.Service("web").With("metallb.io/loadBalancerIPs", "10.9.9.9");
        var told = Assert.Single(Assert.Single(allocator.SetService(service)).Events);
        Assert.Equal(new ServiceEvent(true, "AllocationFailed",
            "Failed to allocate IP for \"default/web\": the requested 10.9.9.9 is outside every IPAddressPool: lab (10.0.0.1-10.0.0.1)"), told);
        Assert.Empty(Assert.Single(allocator.SetService(service with { CreatedAt = 1 })).Events);
    }

    [Theory]
    [InlineData("metallb.io/loadBalancerIPs", "10.0.0.2", "10.0.0.2")]
    [InlineData("metallb.universe.tf/loadBalancerIPs", "10.0.0.2", "10.0.0.2")]
    [InlineData("metallb.io/loadBalancerIPs", "10.0.0.2,10.0.0.3", "(Waiting)")]
    [InlineData("metallb.io/loadBalancerIPs", "ten", "(Waiting)")]
    [InlineData("metallb.io/loadBalancerIPs", "fd00::1", "(Waiting)")]
    [InlineData("metallb.io/address-pool", "second", "10.0.1.0")]
    [InlineData("metallb.universe.tf/address-pool", "manual", "10.0.2.0")]
    [InlineData("metallb.io/address-pool", "nowhere", "(Waiting)")]
    public void HonoursTheAnnotation(string annotation, string value, string expected)
    {
        var allocator = Given.Allocator(Given.Pool("first", "10.0.0.0/29"), Given.Pool("second", "10.0.1.0/29"), Given.Pool("manual", "10.0.2.0/29") with { AutoAssign = false });
        Assert.Equal(expected, allocator.Set(Given.Service("web").With(annotation, value)));
    }

    [Fact]
    public void CurrentPrefixWinsOverTheFormer_WhichIsReported()
    {
        var allocator = Given.Allocator(Given.Pool("p", "10.0.0.0/29"));
        var decision = Assert.Single(allocator.SetService(Given.Service("web").With("metallb.io/loadBalancerIPs", "10.0.0.2").With("metallb.universe.tf/loadBalancerIPs", "10.0.0.3")));
        Assert.Equal("10.0.0.2", decision.Addresses[0].ToString());
        Assert.Equal(["deprecatedAnnotation", "IPAllocated"], decision.Events.Select(told => told.Reason));
    }

    [Fact]
    public void SpecLoadBalancerIPIsHonoured_AndNotTogetherWithTheAnnotation()
    {
        var allocator = Given.Allocator(Given.Pool("p", "10.0.0.0/29"));
        var service = Given.Service("web") with { LoadBalancerIP = "10.0.0.5" };
        Assert.Equal("10.0.0.5", allocator.Set(service));
        Assert.Equal("(Waiting)", allocator.Set(Given.Service("api").With("metallb.io/loadBalancerIPs", "10.0.0.4") with { LoadBalancerIP = "10.0.0.4" }));
    }

    [Fact]
    public void MovesOnRequest_KeepsOnNonsense()
    {
        var allocator = Given.Allocator(Given.Pool("p", "10.0.0.0/29"), Given.Pool("q", "10.0.1.0/29"));
        Assert.Equal("10.0.0.0", allocator.Set(Given.Service("web")));
        Assert.Equal("10.0.0.3", allocator.Set(Given.Service("web").With("metallb.io/loadBalancerIPs", "10.0.0.3")));
        Assert.Equal("10.0.1.0", allocator.Set(Given.Service("web").With("metallb.io/address-pool", "q")));
        Assert.Equal("10.0.1.0", allocator.Set(Given.Service("web").With("metallb.io/loadBalancerIPs", "nonsense")));
    }

    [Fact]
    public void PinnedPoolsComeFirstByPriority_ThenTheOthers()
    {
        var allocator = Given.Allocator(
            Given.Pool("a-open", "10.0.0.0/32"),
            Given.Pool("b-late", "10.0.1.0/32") with { Namespaces = ["default"] },
            Given.Pool("c-early", "10.0.2.0/32") with { Namespaces = ["default"], Priority = 3 },
            Given.Pool("d-foreign", "10.0.3.0/32") with { Namespaces = ["elsewhere"], Priority = 1 });
        Assert.Equal("10.0.2.0", allocator.Set(Given.Service("1")));
        Assert.Equal("10.0.1.0", allocator.Set(Given.Service("2")));
        Assert.Equal("10.0.0.0", allocator.Set(Given.Service("3")));
        Assert.Equal("(Waiting)", allocator.Set(Given.Service("4")));
    }

    [Theory]
    [InlineData(null, null, "10.0.0.0")]
    [InlineData(null, "other", "(NotOurs)")]
    [InlineData("ours", "ours", "10.0.0.0")]
    [InlineData("ours", null, "(NotOurs)")]
    public void ServesExactlyItsClass(string? own, string? asked, string expected)
    {
        var allocator = new Allocator(own);
        allocator.SetPools(Given.Pools(Given.Pool("p", "10.0.0.0/29")));
        allocator.Start();
        Assert.Equal(expected, allocator.Set(Given.Service("web") with { LoadBalancerClass = asked }));
    }

    [Fact]
    public void SharesByKey_WhereNoPortIsInCommon()
    {
        var allocator = Given.Allocator(Given.Pool("p", "10.0.0.0/30"));
        Assert.Equal("10.0.0.0", allocator.Set(Given.Service("web").With(SharedKey, "k")));
        Assert.Equal("10.0.0.0", allocator.Set(Given.Service("dns").With(SharedKey, "k").On(53)));
        Assert.Equal("10.0.0.1", allocator.Set(Given.Service("web2").With(SharedKey, "k")));
        Assert.Equal("10.0.0.2", allocator.Set(Given.Service("other").With(SharedKey, "m").On(99)));
        Assert.Equal("10.0.0.3", allocator.Set(Given.Service("none").On(100)));
        Assert.Equal("10.0.0.0", allocator.Set(Given.Service("third").With(SharedKey, "k").On(54)));
    }

    [Fact]
    public void LocalSharersMustHaveTheSamePods()
    {
        var allocator = Given.Allocator(Given.Pool("p", "10.0.0.0/30"));
        ServiceFacts Local(string name, ushort port, string app) => Given.Service(name).With(SharedKey, "k").On(port) with
        {
            ExternalTrafficPolicy = TrafficPolicy.Local,
            Selector = new Dictionary<string, string> { ["app"] = app },
        };
        Assert.Equal("10.0.0.0", allocator.Set(Local("a", 1, "x")));
        Assert.Equal("10.0.0.0", allocator.Set(Local("b", 2, "x")));
        Assert.Equal("10.0.0.1", allocator.Set(Local("c", 3, "y")));
        Assert.Equal("10.0.0.2", allocator.Set(Given.Service("d").With(SharedKey, "k").On(4)));
    }

    [Fact]
    public void SoleHolderChangesItsKeyInPlace_ASharerMustLeave()
    {
        var allocator = Given.Allocator(Given.Pool("p", "10.0.0.0/30"));
        allocator.Set(Given.Service("a").With(SharedKey, "k"));
        Assert.Equal("10.0.0.0", allocator.Set(Given.Service("a").With(SharedKey, "m")));
        Assert.Equal("10.0.0.0", allocator.Set(Given.Service("b").With(SharedKey, "m").On(81)));
        Assert.Equal("10.0.0.1", allocator.Set(Given.Service("b").With(SharedKey, "n").On(81)));
    }

    [Fact]
    public void DualStackNeedsOnePoolWithBoth()
    {
        var allocator = Given.Allocator(Given.Pool("four", "10.0.0.0/30"), Given.Pool("six", "fd00::/126"), Given.Pool("x-both", "10.0.1.0/30", "fd01::/126"));
        var dual = Given.Service("dual", "10.233.0.1", "fd99::1") with { IpFamilyPolicy = IpFamilyPolicy.RequireDualStack };
        Assert.Equal("10.0.1.0,fd01::", allocator.Set(dual));
        Assert.Equal("fd00::", allocator.Set(Given.Service("single6", "fd99::2")));
    }

    [Fact]
    public void PreferDualStackTakesOneOfItsFirstFamily_AndGainsTheOtherWhenThatPoolHasIt()
    {
        var allocator = Given.Allocator(Given.Pool("four", "10.0.0.0/30"), Given.Pool("six", "fd00::/126"));
        var prefer = Given.Service("prefer", "fd99::1", "10.233.0.1") with { IpFamilyPolicy = IpFamilyPolicy.PreferDualStack, IpFamilies = [IpFamily.IPv6, IpFamily.IPv4] };
        Assert.Equal("fd00::", allocator.Set(prefer));
        allocator.SetPools(allocator.Pools.Update([Given.Pool("four", "10.0.0.0/30"), Given.Pool("six", "fd00::/126", "10.0.1.0/30")]));
        Assert.Equal("fd00::,10.0.1.0", allocator.Has("prefer"));
    }

    [Fact]
    public void ReleasesWhenNoLongerOfTypeLoadBalancer_ThenLeavesTheServiceAlone()
    {
        var allocator = Given.Allocator(Given.Pool("p", "10.0.0.0/30"));
        allocator.Set(Given.Service("web"));
        Assert.Equal("(Released)", allocator.Set(Given.Service("web").Holding("10.0.0.0") with { Type = ServiceType.ClusterIP }));
        Assert.Equal("(NotOurs)", allocator.Set(Given.Service("web") with { Type = ServiceType.ClusterIP }));
        Assert.Equal("10.0.0.0", allocator.Set(Given.Service("api")));
    }

    [Fact]
    public void NewServiceOfTheSameNameHasNoClaim()
    {
        var allocator = Given.Allocator(Given.Pool("p", "10.0.0.0/30"));
        allocator.Set(Given.Service("web").With("metallb.io/loadBalancerIPs", "10.0.0.3"));
        Assert.Equal("10.0.0.0", allocator.Set(Given.Service("web") with { Uid = "another" }));
    }

    [Fact]
    public void KeepsAddress_WhenItsPoolIsRenamedOrClosed_AndLosesItWhenNoPoolHasIt()
    {
        var allocator = Given.Allocator(Given.Pool("p", "10.0.0.0/30"));
        allocator.Set(Given.Service("web"));
        allocator.SetPools(allocator.Pools.Update([Given.Pool("renamed", "10.0.0.0/31") with { AutoAssign = false }]));
        Assert.Equal(("10.0.0.0", "renamed"), (allocator.Has("web"), allocator.Current(new ObjectKey("default", "web"))!.Pool));
        allocator.SetPools(allocator.Pools.Update([Given.Pool("far", "10.9.0.0/30")]));
        Assert.Equal("10.9.0.0", allocator.Has("web"));
        allocator.SetPools(allocator.Pools.Update([]));
        Assert.Equal("(Waiting)", allocator.Has("web"));
    }

    [Fact]
    public void NobodyLosesAnAddress_WhenThePoolIsWrongAtStart()
    {
        var restarted = new Allocator();
        restarted.SetService(Given.Service("web").Holding("10.0.0.1"));
        restarted.SetService(Given.Service("new"));
        restarted.SetPools(PoolSet.Empty.Update([Given.Pool("p", "10.0.0.9-10.0.0.1")]));
        restarted.Start();
        Assert.Equal("10.0.0.1", restarted.Has("web"));
        Assert.Equal("(Waiting)", restarted.Has("new"));
        restarted.SetPools(restarted.Pools.Update([Given.Pool("p", "10.0.0.1-10.0.0.9")]));
        Assert.Equal("10.0.0.1", restarted.Has("web"));
        Assert.Equal("10.0.0.2", restarted.Has("new"));
    }

    [Fact]
    [Contract("§1.1 avoidBuggyIPs")]
    public void SkipsAddressesThatLookLikeNetworksOrBroadcasts_AndCountsWithoutThem()
    {
        var allocator = Given.Allocator(Given.Pool("p", "10.0.0.254-10.0.2.1") with { AvoidBuggyIPs = true });
        Assert.Equal("10.0.0.254", allocator.Set(Given.Service("a")));
        Assert.Equal("10.0.1.1", allocator.Set(Given.Service("b")));
        Assert.Equal(new PoolUse("p", 2, 0, 254, 0) { Services = 2 }, Assert.Single(allocator.Use()));
        Assert.Equal("(Waiting)", allocator.Set(Given.Service("c").With("metallb.io/loadBalancerIPs", "10.0.1.255")));
    }

    [Fact]
    public void CountsSharedAddressesOnce_AndSaturatesIPv6()
    {
        var allocator = Given.Allocator(Given.Pool("p", "10.0.0.0/30", "fd00::/32"));
        allocator.Set(Given.Service("a").With(SharedKey, "k"));
        allocator.Set(Given.Service("b").With(SharedKey, "k").On(81));
        Assert.Equal(new PoolUse("p", 1, 0, 3, long.MaxValue) { Services = 2 }, Assert.Single(allocator.Use()));
    }

    [Fact]
    public void NamespaceThatGainsTheLabelOpensThePool()
    {
        var allocator = Given.Allocator(Given.Pool("p", "10.0.0.0/30") with { NamespaceSelectors = [Given.Selector("team", "red")] });
        Assert.Equal("(Waiting)", allocator.Set(Given.Service("web")));
        Assert.Single(allocator.SetNamespace("default", new Dictionary<string, string> { ["team"] = "red" }));
        Assert.Equal("10.0.0.0", allocator.Has("web"));
    }
}

using Portolan.Core.Addresses;
using Portolan.Core.Cluster;

namespace Portolan.Core.Tests.Addresses;

/// <summary>When an address is given, kept, taken back: docs/metallb-contract.md §2 and §3.</summary>
public sealed class AllocationContractTests
{
    private static readonly AddressPoolSpec _p = Given.Pool("p", "10.0.0.0/30");
    private static readonly AddressPoolSpec _q = Given.Pool("q", "10.0.1.0/30");
    private static readonly ObjectKey _web = new("default", "web");

    [Contract("§2 released: deleted")]
    [Contract("§2 tries again")]
    [Fact]
    public void Released_WhenDeleted_AndTheNextInLineHasIt()
    {
        var allocator = Given.Allocator(Given.Pool("p", "10.0.0.7/32"));
        Assert.Equal("10.0.0.7", allocator.Set(Given.Service("web")));
        Assert.Equal("(Waiting)", allocator.Set(Given.Service("next")));
        var decision = Assert.Single(allocator.RemoveService(_web));
        Assert.Equal(("next", "10.0.0.7"), (decision.Service.Name, Assert.Single(decision.Addresses).ToString()));
        Assert.Null(allocator.Current(_web));
    }

    [Contract("§2 released: type")]
    [Theory]
    [InlineData(ServiceType.ClusterIP)]
    [InlineData(ServiceType.NodePort)]
    [InlineData(ServiceType.ExternalName)]
    public void Released_WhenOfAnotherType(ServiceType type)
    {
        var allocator = Given.Allocator(_p);
        Assert.Equal("10.0.0.0", allocator.Set(Given.Service("web")));
        var decision = Assert.Single(allocator.SetService(Held("10.0.0.0", "p") with { Type = type }));
        Assert.Equal((Outcome.Released, "10.0.0.0"), (decision.Outcome, Assert.Single(decision.Leaving).ToString()));
        Assert.Empty(decision.Events);
        Assert.Equal("10.0.0.0", allocator.Set(Given.Service("next")));
    }

    [Contract("§2 released: type")]
    [Theory]
    [InlineData("metallb.io/ip-allocated-from-pool", "10.0.0.3", Outcome.Released)]
    [InlineData("metallb.universe.tf/ip-allocated-from-pool", "10.0.0.3", Outcome.Released)]
    [InlineData("metallb.io/ip-allocated-from-pool", "10.99.0.3", Outcome.Released)]
    [InlineData("note", "10.0.0.3", Outcome.Released)]
    [InlineData("note", "10.99.0.3", Outcome.NotOurs)]
    public void Released_WhenOfAnotherType_AlsoIfThatHappenedWhileNobodyWatched(string annotation, string address, Outcome expected)
    {
        var restarted = new Allocator();
        restarted.SetPools(Given.Pools(_p));
        restarted.SetService(Given.Service("web").With(annotation, "p").Holding(address) with { Type = ServiceType.ClusterIP });
        var decision = Assert.Single(restarted.Start());
        Assert.Equal((expected, expected is Outcome.Released ? 1 : 0), (decision.Outcome, decision.Leaving.Count));
    }

    [Contract("§2 released: no cluster IP")]
    [Fact]
    public void Released_WhenItLosesItsClusterIP()
    {
        var allocator = Given.Allocator(_p);
        allocator.Set(Given.Service("web"));
        var decision = Assert.Single(allocator.SetService(Held("10.0.0.0", "p") with { ClusterIPs = [] }));
        Assert.Equal(Outcome.Waiting, decision.Outcome);
        Assert.Equal("Failed to allocate IP for \"default/web\": the Service has no cluster IP, so the address family is not known", Assert.Single(decision.Events).Message);
        Assert.Equal("10.0.0.0", allocator.Set(Given.Service("next")));
    }

    [Contract("§2 released: class")]
    [Fact]
    public void Released_WhenOfAnotherClass_LeavingWhatTheOtherControllerWrote()
    {
        var allocator = Given.Allocator(_p);
        allocator.Set(Given.Service("web"));
        var decision = Assert.Single(allocator.SetService(Held("10.0.0.0", "p").Holding("10.0.0.0", "198.51.100.1") with { LoadBalancerClass = "theirs" }));
        Assert.Equal((Outcome.Released, "10.0.0.0"), (decision.Outcome, Assert.Single(decision.Leaving).ToString()));
        Assert.Equal("10.0.0.0", allocator.Set(Given.Service("next")));
        Assert.Equal("(NotOurs)", allocator.Set(Given.Service("web").Holding("198.51.100.1") with { LoadBalancerClass = "theirs" }));
        Assert.Equal("(NotOurs)", allocator.Set(Given.Service("foreign").Holding("10.0.0.3") with { LoadBalancerClass = "theirs" }));
    }

    [Contract("§2 released: no pools")]
    [Fact]
    public void Released_WhenNoPoolIsLeft_AndToldWhy()
    {
        var allocator = Given.Allocator(_p);
        allocator.Set(Given.Service("web"));
        var decision = Assert.Single(allocator.SetPools(allocator.Pools.Update([])));
        Assert.Equal((Outcome.Waiting, "there is no IPAddressPool"), (decision.Outcome, decision.Reason));
        Assert.Equal((true, "AllocationFailed"), (Assert.Single(decision.Events).IsWarning, decision.Events[0].Reason));
    }

    [Contract("§2 released: outside every pool")]
    [Contract("§2 event ClearAssignment")]
    [Contract("§2 tries again")]
    [Fact]
    public void Released_WhenNoPoolHasItsAddressAnyMore_AndTriedAgain()
    {
        var allocator = Given.Allocator(_p, _q);
        allocator.Set(Given.Service("web"));
        var decision = Assert.Single(allocator.SetPools(allocator.Pools.Update([_q])));
        Assert.Equal(
            [
                new ServiceEvent(false, "ClearAssignment", "current IP for \"default/web\" not allowed by config, will attempt for new IP assignment: 10.0.0.0 is in no IPAddressPool"),
                new ServiceEvent(false, "IPAllocated", "Assigned IP [\"10.0.1.0\"]"),
            ],
            decision.Events);
    }

    [Contract("§2 released: outside every pool")]
    [Fact]
    public void Released_WhenItsPoolIsForOthersNow_OrAvoidsItsAddress()
    {
        var allocator = Given.Allocator(_p, _q);
        allocator.Set(Given.Service("web"));
        allocator.SetPools(allocator.Pools.Update([_p with { AvoidBuggyIPs = true }, _q]));
        Assert.Equal("10.0.0.1", allocator.Has("web"));
        allocator.SetPools(allocator.Pools.Update([_p with { Namespaces = ["other"] }, _q]));
        Assert.Equal("10.0.1.0", allocator.Has("web"));
        allocator.SetPools(allocator.Pools.Update([_p, _q with { ServiceSelectors = [Given.Selector("tier", "db")] }]));
        Assert.Equal("10.0.0.0", allocator.Has("web"));
    }

    [Contract("§2 released: outside every pool")]
    [Fact]
    public void Released_WhenItsNamespaceLosesTheLabelThatItsPoolSelects()
    {
        var allocator = Given.Allocator(_p with { NamespaceSelectors = [Given.Selector("team", "red")] });
        allocator.SetNamespace("default", new Dictionary<string, string> { ["team"] = "red" });
        Assert.Equal("10.0.0.0", allocator.Set(Given.Service("web")));
        Assert.Equal(Outcome.Waiting, Assert.Single(allocator.SetNamespace("default", new Dictionary<string, string>())).Outcome);
    }

    [Contract("§2 released: other pool requested")]
    [Fact]
    public void Released_WhenAnotherPoolIsRequested_AlsoIfThatOneCannotServe()
    {
        var allocator = Given.Allocator(_p, _q);
        allocator.Set(Given.Service("web"));
        Assert.Equal("10.0.1.0", allocator.Set(Held("10.0.0.0", "p").With("metallb.io/address-pool", "q")));
        Assert.Equal("(Waiting)", allocator.Set(Held("10.0.1.0", "q").With("metallb.io/address-pool", "nowhere")));
        Assert.Equal("10.0.0.0", allocator.Set(Given.Service("web")));
    }

    [Contract("§2 released: other address requested")]
    [Fact]
    public void Released_WhenAnotherAddressIsRequested_AlsoIfThatOneIsNotToBeHad()
    {
        var allocator = Given.Allocator(_p, _q);
        allocator.Set(Given.Service("other"));
        Assert.Equal("10.0.0.1", allocator.Set(Given.Service("web")));
        Assert.Equal("10.0.1.3", allocator.Set(Given.Service("web").With("metallb.io/loadBalancerIPs", "10.0.1.3")));
        Assert.Equal("10.0.1.2", allocator.Set(Given.Service("web") with { LoadBalancerIP = "10.0.1.2" }));
        Assert.Equal("(Waiting)", allocator.Set(Given.Service("web") with { LoadBalancerIP = "10.0.0.0" }));
    }

    [Contract("§2 event LoadBalancerFailed")]
    [Fact]
    public void NonsensicalRequestIsTold_AndCostsNoAddress()
    {
        var allocator = Given.Allocator(_p);
        allocator.Set(Given.Service("web"));
        var decision = Assert.Single(allocator.SetService(Given.Service("web").With("metallb.io/loadBalancerIPs", "ten")));
        Assert.Equal("10.0.0.0", Assert.Single(decision.Addresses).ToString());
        Assert.Equal(new ServiceEvent(true, "LoadBalancerFailed", "invalid requested loadbalancer IPs: metallb.io/loadBalancerIPs: ten: not an IP address"), Assert.Single(decision.Events));
    }

    [Contract("§2 released: sharing")]
    [Contract("§3.5 sharing terms change")]
    [Fact]
    public void Released_WhenSharingBecomesIllegal()
    {
        var allocator = Given.Allocator(_p);
        var a = Given.Service("a").With("metallb.io/allow-shared-ip", "k");
        var b = Given.Service("b").With("metallb.io/allow-shared-ip", "k").On(81);
        Assert.Equal("10.0.0.0", allocator.Set(a));
        Assert.Equal("10.0.0.0", allocator.Set(b));
        Assert.Equal("10.0.0.1", allocator.Set(b.On(80)));
        Assert.Equal("10.0.0.1", allocator.Set(b.On(81)));
        Assert.Equal("10.0.0.0", allocator.Set(Given.Service("c").With("metallb.io/allow-shared-ip", "k").On(82)));
        Assert.Equal("10.0.0.2", allocator.Set(Given.Service("c").With("metallb.io/allow-shared-ip", "k").On(82) with { ExternalTrafficPolicy = TrafficPolicy.Local, Selector = new Dictionary<string, string> { ["app"] = "c" } }));
    }

    [Contract("§3.5 sharing terms change")]
    [Fact]
    public void ChangedTermsOpenTheAddressToThoseWhoWait()
    {
        var allocator = Given.Allocator(Given.Pool("p", "10.0.0.7/32"));
        var a = Given.Service("a");
        Assert.Equal("10.0.0.7", allocator.Set(a));
        Assert.Equal("(Waiting)", allocator.Set(Given.Service("b").With("metallb.io/allow-shared-ip", "k").On(81)));
        Assert.Equal("(Waiting)", allocator.Set(Given.Service("c").With("metallb.io/allow-shared-ip", "k").On(80)));
        allocator.SetService(a.With("metallb.io/allow-shared-ip", "k"));
        Assert.Equal("10.0.0.7", allocator.Has("b"));
        Assert.Equal("(Waiting)", allocator.Has("c"));
        allocator.SetService(a.With("metallb.io/allow-shared-ip", "k").On(82));
        Assert.Equal("10.0.0.7", allocator.Has("c"));
    }

    [Contract("§2 kept: autoAssign off")]
    [Contract("§1.1 autoAssign")]
    [Fact]
    public void Kept_WhenAutoAssignIsTurnedOff_WhichGivesNoMoreByItself()
    {
        var allocator = Given.Allocator(_p);
        allocator.Set(Given.Service("web"));
        allocator.SetPools(allocator.Pools.Update([_p with { AutoAssign = false }]));
        Assert.Equal("10.0.0.0", allocator.Has("web"));
        Assert.Equal("(Waiting)", allocator.Set(Given.Service("next")));
        Assert.Equal("10.0.0.1", allocator.Set(Given.Service("asks").With("metallb.io/address-pool", "p")));
        Assert.Equal("10.0.0.3", allocator.Set(Given.Service("asks2").With("metallb.io/loadBalancerIPs", "10.0.0.3")));
    }

    [Contract("§2 kept: pool renamed or split")]
    [Contract("§3.6 pool change")]
    [Fact]
    public void Kept_WhenThePoolIsRenamedOrSplit_UnderTheNewName()
    {
        var allocator = Given.Allocator(_p);
        allocator.Set(Given.Service("web"));
        Assert.Equal("10.0.0.1", allocator.Set(Given.Service("other")));
        allocator.SetPools(allocator.Pools.Update([Given.Pool("low", "10.0.0.0/32"), Given.Pool("high", "10.0.0.1-10.0.0.3")]));
        Assert.Equal(("10.0.0.0", "low"), (allocator.Has("web"), allocator.Current(_web)!.Pool));
        Assert.Equal("10.0.0.1", allocator.Has("other"));
        Assert.Equal(["high 1/2/1", "low 1/0/1"], allocator.Use().Select(use => $"{use.Pool} {use.AssignedIPv4}/{use.AvailableIPv4}/{use.Services}"));
    }

    [Contract("§2 kept: better priority elsewhere")]
    [Fact]
    public void Kept_WhenABetterPoolAppears()
    {
        var allocator = Given.Allocator(_p);
        allocator.Set(Given.Service("web"));
        allocator.SetPools(allocator.Pools.Update([_p, _q with { Priority = 1, Namespaces = ["default"] }]));
        Assert.Equal("10.0.0.0", allocator.Has("web"));
        Assert.Equal("10.0.1.0", allocator.Set(Given.Service("next")));
    }

    [Contract("§2 kept: restart")]
    [Contract("§3.1 replicas")]
    [Fact]
    public void Kept_WhenTheControllerRestarts_WithNothingToWriteOrToSay()
    {
        var restarted = new Allocator();
        restarted.SetPools(Given.Pools(_p, _q));
        restarted.SetService(Given.Service("waits").With("metallb.io/loadBalancerIPs", "10.0.1.2"));
        restarted.SetService(Held("10.0.1.2", "q"));
        var decisions = restarted.Start().ToDictionary(decision => decision.Service.Name);
        Assert.Equal(("10.0.1.2", "q"), (Assert.Single(decisions["web"].Addresses).ToString(), decisions["web"].Pool));
        Assert.Empty(decisions["web"].Events);
        Assert.Equal(Outcome.Waiting, decisions["waits"].Outcome);
    }

    [Contract("§2 event IPAllocated")]
    [Fact]
    public void GivenAddressIsTold()
    {
        var decision = Assert.Single(Given.Allocator(_p).SetService(Given.Service("web")));
        Assert.Equal(new ServiceEvent(false, "IPAllocated", "Assigned IP [\"10.0.0.0\"]"), Assert.Single(decision.Events));
        decision = Assert.Single(Given.Allocator(Given.Pool("both", "10.0.0.0/30", "fd00::/126")).SetService(Given.Service("web", "10.233.0.1", "fd99::1")));
        Assert.Equal(new ServiceEvent(false, "IPAllocated", "Assigned IP [\"10.0.0.0\" \"fd00::\"]"), Assert.Single(decision.Events));
    }

    [Contract("§2 event AllocationFailed")]
    [Fact]
    public void LackOfAnAddressIsTold_WithThePoolsAndTheReason_Once()
    {
        var allocator = Given.Allocator(Given.Pool("p", "10.0.0.0/32"), Given.Pool("q", "fd00::/126"));
        allocator.Set(Given.Service("other"));
        var decision = Assert.Single(allocator.SetService(Given.Service("web")));
        Assert.Equal(new ServiceEvent(true, "AllocationFailed", "Failed to allocate IP for \"default/web\": no available IPv4 address in p, q"), Assert.Single(decision.Events));
        Assert.Empty(Assert.Single(allocator.SetService(Given.Service("web").With("note", "x"))).Events);
        Assert.All(allocator.SetPools(allocator.Pools), again => Assert.Empty(again.Events));
        Assert.Empty(allocator.RemoveService(new ObjectKey("default", "nobody")));
    }

    [Contract("§2 allocateLoadBalancerNodePorts")]
    [Fact]
    public void NodePortsAreNoMatterOfOurs() =>
        Assert.Equal("10.0.0.0", Given.Allocator(_p).Set(Given.Service("web") with { Ports = [new ServicePort("", Protocol.Tcp, 80, 0)] }));

    [Contract("§2 status")]
    [Fact]
    public void StatusIsTheOnlyRecord_AndOnlyUntilTheStart()
    {
        var allocator = Given.Allocator(_p);
        Assert.Equal("10.0.0.2", allocator.Set(Given.Service("web").Holding("10.0.0.2")));
        Assert.Equal("10.0.0.2", allocator.Set(Given.Service("web").Holding("10.0.0.3")));
        Assert.Equal("10.0.0.2", allocator.Set(Given.Service("web").Holding("198.51.100.1")));
        Assert.Equal("10.0.0.2", allocator.Set(Given.Service("web")));
    }

    [Contract("§3.2 holders first")]
    [Fact]
    public void NothingIsGivenBeforeTheStart_AndThenHoldersComeFirst_MoreAddressesBeforeFewer()
    {
        var allocator = new Allocator();
        Assert.Empty(allocator.SetPools(Given.Pools(Given.Pool("p", "10.0.0.0/31", "fd00::/127"))));
        Assert.Empty(allocator.SetService(Given.Service("a")));
        Assert.Empty(allocator.SetService(Given.Service("single").Holding("10.0.0.0") with { CreatedAt = 1 }));
        Assert.Empty(allocator.SetService(Given.Service("double", "10.233.0.1", "fd99::1").Holding("10.0.0.0", "fd00::") with { CreatedAt = 2 }));
        Assert.Empty(allocator.SetNamespace("default", new Dictionary<string, string>()));
        allocator.Start();
        Assert.Equal("10.0.0.0,fd00::", allocator.Has("double"));

        // Whoever held something and lost it comes before whoever had nothing.
        Assert.Equal("10.0.0.1", allocator.Has("single"));
        Assert.Equal("(Waiting)", allocator.Has("a"));
    }

    [Contract("§3.3 order")]
    [Fact]
    public void Order_KeepThenAddressThenPoolThenPinnedByPriorityThenOthers()
    {
        var allocator = Given.Allocator(
            _p,
            _q with { Namespaces = ["default"], Priority = 7 },
            Given.Pool("r", "10.0.2.0/30") with { ServiceSelectors = [Given.Selector("tier", "web")], Priority = 3 },
            Given.Pool("s", "10.0.3.0/30") with { Namespaces = ["default"] });
        var web = Given.Service("x") with { Labels = new Dictionary<string, string> { ["tier"] = "web" } };
        Assert.Equal("10.0.2.0", allocator.Set(web));
        Assert.Equal("10.0.2.0", allocator.Set(web with { Labels = new Dictionary<string, string>() { ["tier"] = "web", ["more"] = "labels" } }));
        Assert.Equal("10.0.1.0", allocator.Set(Given.Service("pinned")));
        Assert.Equal("10.0.0.0", allocator.Set(Given.Service("pool").With("metallb.io/address-pool", "p")));
        Assert.Equal("10.0.0.3", allocator.Set(Given.Service("address").With("metallb.io/address-pool", "p").With("metallb.io/loadBalancerIPs", "10.0.0.3")));
    }

    [Contract("§3.3 equal pools")]
    [Fact]
    public void EqualPoolsAreTakenByName()
    {
        var allocator = Given.Allocator(Given.Pool("b", "10.0.1.0/32"), Given.Pool("a", "10.0.2.0/32"), Given.Pool("c", "10.0.0.0/32"));
        Assert.Equal(["10.0.2.0", "10.0.1.0", "10.0.0.0"], new[] { "1", "2", "3" }.Select(name => allocator.Set(Given.Service(name))));
    }

    [Contract("§3.3 pinned pools exhausted")]
    [Fact]
    public void ExhaustedPinnedPoolsFallThroughToTheOthers()
    {
        var allocator = Given.Allocator(Given.Pool("z-pinned", "10.0.1.0/32") with { Namespaces = ["default"] }, Given.Pool("a-other", "10.0.0.0/32"));
        Assert.Equal(["10.0.1.0", "10.0.0.0", "(Waiting)"], new[] { "1", "2", "3" }.Select(name => allocator.Set(Given.Service(name))));
    }

    [Contract("§3.4 within a pool")]
    [Fact]
    public void WithinAPool_FirstFreeOrShareableAddress_EntriesAsListed_FreedOnesAtOnce()
    {
        var allocator = Given.Allocator(Given.Pool("p", "10.0.9.0/31", "10.0.0.0/31"));
        Assert.Equal(["10.0.9.0", "10.0.9.1", "10.0.0.0"], new[] { "1", "2", "3" }.Select(name => allocator.Set(Given.Service(name))));
        allocator.RemoveService(new ObjectKey("default", "1"));
        Assert.Equal("10.0.9.0", allocator.Set(Given.Service("4").With("metallb.io/allow-shared-ip", "k")));
        allocator.RemoveService(new ObjectKey("default", "2"));
        Assert.Equal("10.0.9.0", allocator.Set(Given.Service("5").With("metallb.io/allow-shared-ip", "k").On(81)));
    }

    [Contract("§3.5 failures")]
    [Fact]
    public void ExhaustionWaitsForAChange()
    {
        var allocator = Given.Allocator(Given.Pool("p", "10.0.0.0/32"));
        allocator.Set(Given.Service("web"));
        Assert.Equal("(Waiting)", allocator.Set(Given.Service("next")));
        Assert.Equal("next", Assert.Single(allocator.SetPools(allocator.Pools.Update([_p])), decision => decision.Outcome is Outcome.Assigned && decision.Events.Count > 0).Service.Name);
        Assert.Equal("10.0.0.1", allocator.Has("next"));
    }

    [Contract("§3.6 pool change")]
    [Fact]
    public void OrphansOfAPoolChangeAreReleased_ThoseInsideStay()
    {
        var allocator = Given.Allocator(_p, _q);
        Assert.Equal(["10.0.0.0", "10.0.0.1", "10.0.0.2"], new[] { "1", "2", "3" }.Select(name => allocator.Set(Given.Service(name))));
        allocator.SetPools(allocator.Pools.Update([_p with { Addresses = ["10.0.0.1-10.0.0.2"] }, _q]));
        Assert.Equal(["10.0.1.0", "10.0.0.1", "10.0.0.2"], new[] { "1", "2", "3" }.Select(allocator.Has));
    }

    private static ServiceFacts Held(string address, string pool) => Given.Service("web").With("metallb.io/ip-allocated-from-pool", pool).Holding(address);
}

using Portolan.Core.Addresses;
using Portolan.Core.Announcements;
using Portolan.Core.Announcements.Bgp;
using Portolan.Core.Cluster;
using static Portolan.Core.Tests.Announcements.Bgp.GivenBgp;

namespace Portolan.Core.Tests.Announcements.Bgp;

public sealed class BgpPlanTests
{
    private static readonly ServiceFacts Web = Given.Service("192.168.100.7");

    [Fact]
    public void AnnouncesTheAddressToEveryPeer_WhenNothingRestrictsIt()
    {
        var plan = Plan(Web);
        Assert.Equal(["192.168.100.7/32 to tor1,tor2:"], plan.Said());
        Assert.Equal((WithdrawalReason.None, RouteAttributes.None), (plan.Reason, plan.Routes[0].Attributes));
        Assert.Equal(["tor1", "tor2"], plan.Peers);
        Assert.Equal(plan, Plan(Web));
        Assert.NotEqual(plan, Plan(Given.Service("192.168.100.8")));
    }

    [Fact]
    public void DoesNotAnnounceWhatIsNotItsToAnnounce()
    {
        Assert.Equal(WithdrawalReason.NotLoadBalancer, Reason(Web with { Type = ServiceType.NodePort }));
        Assert.Equal(WithdrawalReason.NotLoadBalancer, Reason(Web with { LoadBalancerClass = "else" }));
        Assert.Equal(WithdrawalReason.None, Reason(Web with { LoadBalancerClass = "else" }, Context with { LoadBalancerClass = "else" }));
        Assert.Equal(WithdrawalReason.NotLoadBalancer, Reason(Web, Context with { LoadBalancerClass = "else" }));
        Assert.Equal(WithdrawalReason.NoIPAllocated, Reason(Given.Service()));
        Assert.Equal(WithdrawalReason.IPNotAllowed, Reason(Given.Service("172.16.0.1")));
        Assert.Equal(WithdrawalReason.IPNotAllowed, Reason(Given.Service("192.168.100.7", "10.9.0.1")));
    }

    [Fact]
    public void FollowsTheAdvertisementsForThePoolTheServiceAndTheNode()
    {
        Assert.Equal(WithdrawalReason.NoMatchingAdvertisement, Reason(Web, Context with { Advertisements = [] }));
        Assert.Equal(WithdrawalReason.NoMatchingAdvertisement, Reason(Web, With(Advertisement("a", spec => spec with { IPAddressPools = ["six"] }))));
        Assert.Equal(WithdrawalReason.None, Reason(Web, With(Advertisement("a", spec => spec with { IPAddressPools = ["six"], IPAddressPoolSelectors = [Given.Label("pool", "lan")] }))));
        Assert.Equal(WithdrawalReason.NoMatchingAdvertisement, Reason(Web, With(Advertisement("a", spec => spec with { ServiceSelectors = [Given.Label("app", "db")] }))));
        Assert.Equal(WithdrawalReason.None, Reason(Web, With(Advertisement("a", spec => spec with { ServiceSelectors = [Given.Label("app", "db"), Given.Label("app", "web")] }))));
        Assert.Equal(WithdrawalReason.NoMatchingAdvertisement, Reason(Web, With(Advertisement("a", spec => spec with { NodeSelectors = [Given.Label("rack", "b")] }))));
        Assert.Equal(WithdrawalReason.None, Reason(Web, With(Advertisement("a", spec => spec with { NodeSelectors = [Given.Label("rack", "b", "a")] }))));
    }

    [Fact]
    public void TellsWhichAddressesAreAnnounced()
    {
        var both = Given.Service("10.9.0.7", "fd00::7");
        var pools = Context with { Pools = PoolSet.Empty.Update([new AddressPoolSpec { Name = "both", Addresses = ["10.9.0.0/24", "fd00::/120"] }]) };
        Assert.Equal(["10.9.0.7", "fd00::7"], Plan(both, pools).Addresses.Select(address => $"{address}"));
        Assert.Equal(["192.168.100.7"], Plan(Web, With(Advertisement("block", spec => spec with { AggregationLength = 24 }))).Addresses.Select(address => $"{address}"));
        Assert.Empty(Plan(Web, Context with { Advertisements = [] }).Addresses);
    }

    [Fact]
    public void DoesNotUseAnAdvertisementWhoseAggregateIsLargerThanThePoolsRange()
    {
        var block = Advertisement("block", spec => spec with { AggregationLength = 23 });
        Assert.Equal(WithdrawalReason.NoMatchingAdvertisement, Reason(Web, With(block)));
        Assert.Equal(["192.168.100.7/32 to tor1,tor2:"], Plan(Web, With(block, Advertisement("hosts"))).Said());
        Assert.Equal(["192.168.100.0/24 to tor1,tor2:"], Plan(Web, With(Advertisement("block", spec => spec with { AggregationLength = 24 }))).Said());
    }

    [Fact]
    public void AnnouncesNothing_WhenTheNodeMayNot()
    {
        var down = Context with { Node = Context.Node! with { NetworkUnavailable = true } };
        var excluded = Context with { Node = Given.Node("node1", ("node.kubernetes.io/exclude-from-external-load-balancers", "")) };
        Assert.Equal(WithdrawalReason.NodeNetworkUnavailable, Reason(Web, down));
        Assert.Equal(WithdrawalReason.NodeLabeledExcludeBalancers, Reason(Web, excluded));
        Assert.Equal(WithdrawalReason.None, Reason(Web, excluded with { IgnoreExcludeLabel = true }));
        Assert.Equal(WithdrawalReason.NoMatchingAdvertisement, Reason(Web, Context with { Node = null }));
        Assert.Empty(Plan(Web, down).Peers);
    }

    [Fact]
    public void NeedsAUsableEndpoint_AnywhereOrOnTheNode()
    {
        var local = Local("192.168.100.7");
        Assert.Equal(WithdrawalReason.None, Plan(Web, null, Given.Endpoint("node2")).Reason);
        Assert.Equal(WithdrawalReason.NoEndpoints, Plan(Web, null, Given.Endpoint("node1", false, false)).Reason);
        Assert.Equal(WithdrawalReason.None, Plan(Web, null, Given.Endpoint("node1", false, serving: true)).Reason);
        Assert.Equal(WithdrawalReason.NoEndpoints, BgpPlan.For(Web, [], Context).Reason);
        Assert.Equal(WithdrawalReason.NoLocalEndpoints, Plan(local, null, Given.Endpoint("node2")).Reason);
        Assert.Equal(WithdrawalReason.NoLocalEndpoints, Plan(local, null, Given.Endpoint("node1", false, false), Given.Endpoint("node2")).Reason);
        Assert.Equal(WithdrawalReason.None, Plan(local, null, Given.Endpoint("node2"), Given.Endpoint("node1", false, serving: true)).Reason);
    }

    [Fact]
    public void AggregatesEachFamilyByItsLength_AndEachBlockOnce()
    {
        var pools = PoolSet.Empty.Update([new AddressPoolSpec { Name = "dual", Addresses = ["10.9.0.0/24", "fd00::/112"] }]);
        var context = With(Advertisement("a", spec => spec with { AggregationLength = 26, AggregationLengthV6 = 120 })) with { Pools = pools };
        Assert.Equal(["10.9.0.64/26 to tor1,tor2:", "fd00::100/120 to tor1,tor2:"], Plan(Given.Service("10.9.0.70", "fd00::1ff"), context).Said());
        Assert.Equal(["10.9.0.64/26 to tor1,tor2:"], Plan(Given.Service("10.9.0.70", "10.9.0.71"), context).Said());
    }

    [Fact]
    public void JoinsAdvertisementsOfOnePrefix_ForThePeersThatEachIsFor()
    {
        var context = With(
            Advertisement("a", spec => spec with { Communities = ["64512:2", "no-export"], LocalPref = 100, Peers = ["tor1"] }),
            Advertisement("b", spec => spec with { Communities = ["64512:1", "64512:2", "large:1:2:3"], LocalPref = 100 }));
        Assert.Equal(
            [
                "192.168.100.7/32 to tor1: localPref 100 communities 64512:1,64512:2,65535:65281,large:1:2:3",
                "192.168.100.7/32 to tor2: localPref 100 communities 64512:1,64512:2,large:1:2:3",
            ],
            Plan(Web, context).Said());
        Assert.Equal(["tor1", "tor2"], Plan(Web, context).Peers);
    }

    [Fact]
    public void KeepsAdvertisementsOfDifferentPrefixesApart()
    {
        var context = With(
            Advertisement("block", spec => spec with { AggregationLength = 24, LocalPref = 50 }),
            Advertisement("host", spec => spec with { Communities = ["no-export"], LocalPref = 200 }));
        Assert.Equal(
            ["192.168.100.0/24 to tor1,tor2: localPref 50", "192.168.100.7/32 to tor1,tor2: localPref 200 communities 65535:65281"],
            Plan(Web, context).Said());
    }

    [Fact]
    public void AnnouncesNothing_WhenAdvertisementsWantDifferentLocalPrefsOfOnePrefixAtOnePeer()
    {
        var high = Advertisement("high", spec => spec with { LocalPref = 200, ServiceSelectors = [Given.Label("app", "web")] });
        var conflict = Plan(Web, With(Advertisement("all"), high));
        Assert.Equal((WithdrawalReason.ConflictingAdvertisements, "conflictingAdvertisements"), (conflict.Reason, conflict.Reason.Name()));
        Assert.Empty(conflict.Routes);

        // What does not concern this Service, peer, node or prefix is no conflict.
        Assert.Equal(["192.168.100.7/32 to tor1,tor2:"], Plan(Web with { Labels = new Dictionary<string, string>() }, With(Advertisement("all"), high)).Said());
        Assert.Equal(
            ["192.168.100.7/32 to tor1:", "192.168.100.7/32 to tor2: localPref 200"],
            Plan(Web, With(Advertisement("one", spec => spec with { Peers = ["tor1"] }), Advertisement("two", spec => spec with { Peers = ["tor2"], LocalPref = 200 }))).Said());
        Assert.Equal(WithdrawalReason.None, Reason(Web, With(high, Advertisement("elsewhere", spec => spec with { NodeSelectors = [Given.Label("rack", "b")] }))));
        Assert.Equal(WithdrawalReason.None, Reason(Web, With(high, Advertisement("block", spec => spec with { AggregationLength = 24 }))));
    }

    [Fact]
    public void SaysSo_WhenTheNodeHasNoPeerThatTheAdvertisementIsFor()
    {
        var elsewhere = With(Advertisement("a", spec => spec with { Peers = ["spine"] }));
        Assert.Equal((WithdrawalReason.NoMatchingPeers, "noMatchingPeers"), (Reason(Web, elsewhere), Reason(Web, elsewhere).Name()));
        Assert.Equal(WithdrawalReason.NoMatchingPeers, Reason(Web, elsewhere with { Peers = [.. Context.Peers, Peer("spine", Given.Label("rack", "b"))] }));
        Assert.Equal(["spine"], Plan(Web, elsewhere with { Peers = [.. Context.Peers, Peer("spine", Given.Label("rack", "a"))] }).Peers);
        Assert.Equal(WithdrawalReason.NoMatchingPeers, Reason(Web, Context with { Peers = [] }));
    }

    [Fact]
    public void AddsTheCommunitiesThatTheServiceAsksFor_AndNamesThoseThatAreWrong()
    {
        var context = With(Advertisement("a", spec => spec with { Communities = ["64512:1"] }));
        var plan = Plan(Web.Asking(" no-export,64512:1, large:1:2:3 ,,no-exprt, 64512:70000,large:1:2"), context);
        Assert.Equal(["192.168.100.7/32 to tor1,tor2: communities 64512:1,65535:65281,large:1:2:3"], plan.Said());
        Assert.Equal(
            [
                "metadata.annotations[portolan.dev/bgp-communities]: no-exprt: no Community gives this name a value",
                "metadata.annotations[portolan.dev/bgp-communities]: 64512:70000: each of the two numbers of a community must be 0..65535",
                "metadata.annotations[portolan.dev/bgp-communities]: large:1:2: no Community gives this name a value",
            ],
            plan.Faults.Select(fault => fault.ToString()));
        Assert.Empty(Plan(Web.Asking("no-export")).Faults);
        Assert.NotEqual(Plan(Web), Plan(Web.Asking("no-exprt")));
    }

    [Fact]
    public void BoundsWhatAServiceMayAskFor()
    {
        var plan = Plan(Web.Asking(string.Join(',', Enumerable.Range(1, 100_000).Select(i => $"large:1:2:{i}"))));
        Assert.Equal(63, plan.Routes[0].Attributes.Communities.Count);
        Assert.InRange(plan.Faults.Count, 1, 8);
        Assert.All(Plan(Web.Asking(new string('x', 200_000))).Faults, fault => Assert.InRange(fault.ToString().Length, 1, 250));
    }

    [Fact]
    public void FollowsThePolicyOfEachPeer()
    {
        var context = Context with { Policies = [Policy("p", "tor2") with { Med = 0, Prepend = 3 }] };
        Assert.Equal(["192.168.100.7/32 to tor1:", "192.168.100.7/32 to tor2: med 0 prepend 3"], Plan(Web, context).Said());
        Assert.Equal(
            ["192.168.100.7/32 to tor1,tor2:"],
            Plan(Web, context with { Policies = [Policy("p", "tor2") with { Med = 5, NodeSelectors = [Given.Label("rack", "b")] }] }).Said());
    }

    [Fact]
    public void SaysTheBandwidthOfTheNodesEndpoints_WhenOnlyTheyServe()
    {
        var context = Context with { Policies = [Policy("p") with { LinkBandwidthPerEndpoint = 1000 }] };
        EndpointFacts[] endpoints = [At("node1", "10.233.64.1"), At("node1", "10.233.64.2"), At("node1", "10.233.64.3", usable: false), At("node2", "10.233.65.1"), At("node1", "fd01::1")];
        var slices = new[] { Given.Slice(endpoints), Given.Slice(endpoints[0]) with { Key = new ObjectKey("default", "web-2") } };
        var plan = BgpPlan.For(Local("192.168.100.7"), slices, context);
        Assert.Equal(250_000_000f, plan.Routes[0].Attributes.LinkBandwidth); // 2 of 1000 Mbit/s each
        Assert.Null(BgpPlan.For(Web, slices, context).Routes[0].Attributes.LinkBandwidth);
        Assert.Null(BgpPlan.For(Local("192.168.100.7"), slices, Context).Routes[0].Attributes.LinkBandwidth);
        Assert.Equal(125_000_000f, BgpPlan.For(Local("fd00::7"), slices, context).Routes[0].Attributes.LinkBandwidth);
    }

    private static EndpointFacts At(string node, string address, bool usable = true) => Given.Endpoint(node, usable, usable) with { Address = IpAddress.Parse(address) };

    private static WithdrawalReason Reason(ServiceFacts service, BgpContext? context = null) => Plan(service, context).Reason;

    private static BgpContext With(params Core.Configuration.BgpAdvertisement[] advertisements) => Context with { Advertisements = advertisements };
}

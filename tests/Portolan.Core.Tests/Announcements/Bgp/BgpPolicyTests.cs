using Portolan.Core.Addresses;
using Portolan.Core.Announcements.Bgp;
using Portolan.Core.Configuration;
using static Portolan.Core.Tests.Announcements.Bgp.GivenBgp;

namespace Portolan.Core.Tests.Announcements.Bgp;

public sealed class BgpPolicyTests
{
    private static readonly ConfigurationObjects Known = ConfigurationObjects.Empty
        .WithNode("node1", new Dictionary<string, string> { ["rack"] = "a" })
        .WithNode("node2", new Dictionary<string, string> { ["rack"] = "b" })
        .With(Spec("tor1", multiHop: false))
        .With(Spec("tor2", multiHop: false));

    [Fact]
    public void IsForItsPeersOnItsNodes()
    {
        var (here, there) = (Given.Node("node1", ("rack", "a")), Given.Node("node2", ("rack", "b")));
        BgpPolicy[] policies = [Policy("b", "tor1") with { NodeSelectors = [Given.Label("rack", "a")] }, Policy("a", "tor2")];
        Assert.Equal("b", BgpPolicy.For(Peer("tor1"), here, policies).Name);
        Assert.Same(BgpPolicy.Default, BgpPolicy.For(Peer("tor1"), there, policies));
        Assert.Equal("a", BgpPolicy.For(Peer("tor2"), there, policies).Name);
        Assert.Equal("all", BgpPolicy.For(Peer("tor3"), there, [.. policies, Policy("all")]).Name);
        Assert.Equal("a", BgpPolicy.For(Peer("tor2"), here, [Policy("z"), .. policies]).Name); // when relabelled nodes brought two together
        Assert.Equal((100, 1000, 0, false), (BgpPolicy.Default.ListenLimit, BgpPolicy.Default.MaxPrefixes, BgpPolicy.Default.Prepend, BgpPolicy.Default.Passive));
    }

    [Fact]
    public void AdmitsWhoIsInAListenRange()
    {
        var policy = Policy("p", "tor1") with { ListenRanges = [Prefix("10.0.0.0/30"), Prefix("fd00::/64")] };
        Assert.True(policy.Admits(IpAddress.Parse("10.0.0.3")));
        Assert.True(policy.Admits(IpAddress.Parse("fd00::1")));
        Assert.False(policy.Admits(IpAddress.Parse("10.0.0.4")));
        Assert.False(Policy("q").Admits(IpAddress.Parse("10.0.0.3")));
    }

    [Fact]
    public void IsTheOnlyOneForAPeerOnANode()
    {
        var known = Known.With(new BgpPolicySpec { Name = "first", Peers = ["tor1"], NodeSelectors = [Given.Label("rack", "a")] });
        Assert.Equal(
            "spec.peers[1]: tor1: BGPPolicy first is about this BGPPeer too, and a node has both",
            Refused(known, new BgpPolicySpec { Name = "second", Peers = ["tor2", "tor1"] }));
        Assert.Equal(
            "spec.peers: without names it is about all BGPPeers, and BGPPolicy first is about some, too, on the same node",
            Refused(known, new BgpPolicySpec { Name = "second" }));
        Assert.Equal(
            "spec.peers[0]: tor1: BGPPolicy all is about this BGPPeer too, and a node has both",
            Refused(Known.With(new BgpPolicySpec { Name = "all" }), new BgpPolicySpec { Name = "second", Peers = ["tor1"] }));
        Assert.Equal(
            "spec.peers: without names it is about all BGPPeers, and BGPPolicy all is about all, too, on the same node",
            Refused(Known.With(new BgpPolicySpec { Name = "all" }), new BgpPolicySpec { Name = "second" }));
        Assert.Equal("", Refused(known, new BgpPolicySpec { Name = "second", Peers = ["tor2"] }));
        Assert.Equal("", Refused(known, new BgpPolicySpec { Name = "second", NodeSelectors = [Given.Label("rack", "b")] }));
        Assert.Equal("", Refused(known, new BgpPolicySpec { Name = "first" })); // itself
    }

    [Fact]
    public void DoesNotBoundTheHopsToAPeerThatMayBeAnywhere()
    {
        var hops = new BgpPolicySpec { Name = "near", Peers = ["tor1"], TtlSecurityHops = 2, NodeSelectors = [Given.Label("rack", "a")] };
        const string rule = "spec.ttlSecurityHops: 2: BGPPeer tor1 has ebgpMultiHop, which says the opposite: only one of both";
        Assert.Equal("", Refused(Known, hops));
        Assert.Equal(rule, Refused(Known.With(Spec("tor1", multiHop: true)), hops));
        Assert.Equal("", Refused(Known.With(Spec("tor2", multiHop: true)), hops));
        Assert.Equal("", Refused(Known.With(Spec("tor1", multiHop: true) with { NodeSelectors = [Given.Label("rack", "b")] }), hops));

        // The peer that is changed afterwards is in force, with a warning; the policy keeps the version that it had.
        var (errors, warnings) = ConfigurationReview.Check(Known.With(hops), ConfigurationChange.Write(Spec("tor1", multiHop: true)));
        Assert.Empty(errors);
        Assert.Equal([$"BGPPolicy near: {rule}"], warnings);
        var after = ConfigurationSet.Empty.Update(Known.With(hops)).Update(Known.With(hops).With(Spec("tor1", multiHop: true)));
        Assert.Equal($"BGPPolicy near: {rule}", Assert.Single(after.Problems).ToString());
        Assert.Equal((Standing.PreviousInForce, true, 2), (after.Problems[0].Standing, after.BgpPeers["tor1"].EbgpMultiHop, after.BgpPolicies["near"].TtlSecurityHops));
    }

    [Fact]
    public void AllThatIsConfiguredIsInTheContext()
    {
        var set = ConfigurationSet.Empty.Update(Known
            .With(new AddressPoolSpec { Name = "lan", Addresses = ["10.9.0.0/24"] })
            .With(new CommunitySpec { Name = "names", Communities = [("blue", "64512:5")] })
            .With(new BgpAdvertisementSpec { Name = "all", Communities = ["blue"] })
            .With(new BgpPolicySpec { Name = "p", Peers = ["tor2"], Med = 3 }));
        Assert.Empty(set.Problems);
        var plan = Plan(Given.Service("10.9.0.1").Asking("blue,64512:6"), (BgpContext.Empty with { Node = Given.Node("node1") }).With(set));
        Assert.Equal(
            ["10.9.0.1/32 to tor1: communities 64512:5,64512:6", "10.9.0.1/32 to tor2: med 3 communities 64512:5,64512:6"],
            plan.Said());
        Assert.Empty(plan.Faults);
    }

    private static BgpPeerSpec Spec(string name, bool multiHop) =>
        new() { Name = name, MyAsn = 64512, PeerAsn = 64513, PeerAddress = name == "tor1" ? "10.0.0.1" : "10.0.0.2", EbgpMultiHop = multiHop };

    private static string Refused(ConfigurationObjects known, BgpPolicySpec spec) =>
        string.Join("; ", ConfigurationReview.Check(known, ConfigurationChange.Write(spec)).Errors);
}

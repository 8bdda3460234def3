using Portolan.Core.Addresses;
using Portolan.Core.Announcements.Bgp;
using Portolan.Core.Configuration;

namespace Portolan.Kubernetes.Tests.Configuration;

/// <summary>What stays in force when something that was right becomes wrong, or is taken away from under another.</summary>
public sealed class LastGoodConfigurationTests
{
    private readonly ConfigurationObjects _known = Written.Neighbours();
    private readonly ConfigurationSet _right = ConfigurationSet.Empty.Update(Written.Neighbours());

    [Fact]
    [Contract("§1.4 dualStackAddressFamily")]
    [Contract("§1.4 localASN")]
    [Contract("§1.4 peerPort")]
    [Contract("§1.4 holdTime and keepaliveTime")]
    public void EveryFieldOfAPeerComesIntoForce()
    {
        var set = ConfigurationSet.Empty.Update(ConfigurationObjects.Empty.With(Written.Object("BFDProfile", "fast", "{detectMultiplier: 5, minimumTtl: 254, passiveMode: true}")).With(Written.Object(
            "BGPPeer",
            "full",
            "{myASN: 4294967295, dynamicASN: external, localASN: 64999, peerAddress: 'fd00::1', sourceAddress: 'fd00::2', peerPort: 16384, holdTime: 1m30s, connectTime: 10s, routerID: 10.1.1.1, "
            + "nodeSelectors: [{matchLabels: {rack: a}}], password: secret, bfdProfile: fast, enableGracefulRestart: true, ebgpMultiHop: true, vrf: red, disableMP: true, dualStackAddressFamily: true}")));
        Assert.Empty(set.Problems);
        var peer = set.BgpPeers["full"];
        Assert.Equal(
            (4294967295u, DynamicAsn.External, 64999u, "fd00::1", "fd00::2", (ushort)16384, "10.1.1.1", "rack in (a)", "secret", 5, true, true, "red", true),
            (peer.MyAsn, peer.DynamicAsn!.Value, peer.LocalAsn!.Value, $"{peer.Address}", $"{peer.SourceAddress}", peer.Port, $"{peer.RouterId}", $"{peer.NodeSelectors[0]}", peer.Password,
                peer.BfdProfile!.DetectMultiplier, peer.EnableGracefulRestart, peer.EbgpMultiHop, peer.Vrf, peer.DualStackAddressFamily));
        Assert.Equal((90, 30, 10, null), (peer.HoldTime!.Value.TotalSeconds, peer.KeepaliveTime!.Value.TotalSeconds, peer.ConnectTime!.Value.TotalSeconds, peer.PeerAsn));
    }

    [Fact]
    public void EveryFieldOfABGPPolicyComesIntoForce()
    {
        var set = ConfigurationSet.Empty.Update(_known.With(Written.Object(
            "BGPPolicy",
            "full",
            "{peers: [echoing], nodeSelectors: [{matchLabels: {rack: a}}], med: 4294967295, prepend: 16, linkBandwidthPerEndpoint: 25000, linkLocalNextHop: unspecified-first, "
            + "passive: true, listenRanges: ['10.0.0.1/24', 'fd00::/64'], listenLimit: 10000, tcpMSS: 9000, maxPrefixes: 1}")));
        Assert.Empty(set.Problems);
        var policy = set.BgpPolicies["full"];
        Assert.Equal(
            ("full", "echoing", "rack in (a)", 4294967295u, 16, 25000, LinkLocalNextHop.UnspecifiedFirst, true, "10.0.0.0/24 fd00::/64", 10000, 9000, 1),
            (policy.Name, policy.Peers[0], $"{policy.NodeSelectors[0]}", policy.Med!.Value, policy.Prepend, policy.LinkBandwidthPerEndpoint!.Value, policy.LinkLocalNextHop, policy.Passive,
                string.Join(' ', policy.ListenRanges), policy.ListenLimit, policy.TcpMss!.Value, policy.MaxPrefixes));

        // What is not written is as without a policy.
        var least = ConfigurationSet.Empty.Update(ConfigurationObjects.Empty.With(Written.Object("BGPPolicy", "least", "{ttlSecurityHops: 254}"))).BgpPolicies["least"];
        Assert.Equal(BgpPolicy.Default with { Name = "least", TtlSecurityHops = 254, Peers = least.Peers, NodeSelectors = least.NodeSelectors, ListenRanges = least.ListenRanges }, least);
        Assert.Equal((0, 0, 0), (least.Peers.Count, least.NodeSelectors.Count, least.ListenRanges.Count));
    }

    [Theory]
    [InlineData("''", LinkLocalNextHop.Automatic)]
    [InlineData("global", LinkLocalNextHop.Global)]
    [InlineData("single", LinkLocalNextHop.Single)]
    [InlineData("double", LinkLocalNextHop.Double)]
    public void ALinkLocalNextHopIsAWord(string word, LinkLocalNextHop expected) => Assert.Equal(
        expected, ConfigurationSet.Empty.Update(ConfigurationObjects.Empty.With(Written.Object("BGPPolicy", "p", $"{{linkLocalNextHop: {word}}}"))).BgpPolicies["p"].LinkLocalNextHop);

    [Theory]
    [Contract("§1.4 holdTime and keepaliveTime")]
    [Contract("§1.4 peerPort")]
    [InlineData("", null, null, 179)]
    [InlineData(", keepaliveTime: 20s, peerPort: 0", 60.0, 20.0, 179)]
    [InlineData(", holdTime: 30s, peerPort: 180", 30.0, 10.0, 180)]
    [InlineData(", holdTime: 0s", 0.0, 0.0, 179)]
    [InlineData(", holdTime: 3s, keepaliveTime: 3s", 3.0, 3.0, 179)]
    public void OneTimerFollowsFromTheOther(string fields, double? hold, double? keepalive, int port)
    {
        var peer = ConfigurationSet.Empty.Update(ConfigurationObjects.Empty.With(Written.Object("BGPPeer", "p", $"{{myASN: 1, peerASN: 2, peerAddress: 10.0.0.1{fields}}}"))).BgpPeers["p"];
        Assert.Equal((hold, keepalive, port), (peer.HoldTime?.TotalSeconds, peer.KeepaliveTime?.TotalSeconds, peer.Port));
    }

    [Fact]
    [Contract("§1.4 bfdProfile")]
    public void APeerKeepsTheProfileThatWasDeletedFromUnderIt()
    {
        var after = _right.Update(_known.Without(ConfigurationKind.BFDProfile, "fast"));
        Assert.Equal("BGPPeer tor: spec.bfdProfile: fast: there is no such BFDProfile", Assert.Single(after.Problems).ToString());
        Assert.Equal((Standing.PreviousInForce, 50), (after.Problems[0].Standing, after.BgpPeers["tor"].BfdProfile!.ReceiveInterval));

        // Nothing is left of it where there was nothing before.
        Assert.DoesNotContain("tor", ConfigurationSet.Empty.Update(_known.Without(ConfigurationKind.BFDProfile, "fast")).BgpPeers.Keys);
    }

    [Fact]
    public void APeerFollowsItsProfile_AndAWrongProfileKeepsItsLastGoodVersion()
    {
        var faster = _right.Update(_known.With(Written.Object("BFDProfile", "fast", "{receiveInterval: 20}")));
        Assert.Equal(20, faster.BgpPeers["tor"].BfdProfile!.ReceiveInterval);
        var wrong = faster.Update(_known.With(Written.Object("BFDProfile", "fast", "{receiveInterval: 5}")));
        Assert.Equal(20, wrong.BgpPeers["tor"].BfdProfile!.ReceiveInterval);
        Assert.Equal("BFDProfile fast: spec.receiveInterval: 5: must be 10..60000", Assert.Single(wrong.Problems).ToString());
    }

    [Fact]
    [Contract("§1.3 communities")]
    public void AnAdvertisementKeepsTheMeaningOfANameThatWasTakenAway()
    {
        Assert.Equal("64512:1 65535:65281", string.Join(' ', _right.BgpAdvertisements["bgp"].Communities));
        var after = _right.Update(_known.Without(ConfigurationKind.Community, "well-known"));
        Assert.Equal("BGPAdvertisement bgp: spec.communities[0]: no-export: no Community gives this name a value", Assert.Single(after.Problems).ToString());
        Assert.Equal("64512:1 65535:65281", string.Join(' ', after.BgpAdvertisements["bgp"].Communities));
    }

    [Fact]
    [Contract("§1.6 names")]
    public void ANameMeansWhatItMeantFirst()
    {
        var after = _right.Update(_known.With(Written.Object("Community", "a", "{communities: [{name: no-export, value: '1:2'}]}")));
        Assert.Equal("Community a: spec.communities[0].name: no-export: Community well-known has the same name", Assert.Single(after.Problems).ToString());
        Assert.Contains("65535:65281", after.BgpAdvertisements["bgp"].Communities.Select(community => community.ToString()));
    }

    [Fact]
    [Contract("§1.3 aggregationLength")]
    public void APoolIsEditedAlthoughAnAdvertisementNoLongerSuitsIt_AndThePoolSaysSo()
    {
        var known = _known.With(Written.Object("BGPAdvertisement", "blocks", "{ipAddressPools: [lab], aggregationLength: 29, localPref: 1}"));
        var after = ConfigurationSet.Empty.Update(known).Update(known.With(Written.Object("IPAddressPool", "lab", "{addresses: [10.9.0.0/30]}")));
        Assert.Equal("10.9.0.0-10.9.0.3", after.Pools.Find("lab")!.Ranges[0].ToString());
        Assert.StartsWith("BGPAdvertisement blocks: spec.aggregationLength: 29: ", Assert.Single(after.Problems).ToString());
        Assert.False(after.BgpAdvertisements["blocks"].Fits(after.Pools.Find("lab")!));
        Assert.True(after.BgpAdvertisements["bgp"].Fits(after.Pools.Find("lab")!));
        Assert.Equal((29, 128), (after.BgpAdvertisements["blocks"].AggregationLength(IpFamily.IPv4), after.BgpAdvertisements["blocks"].AggregationLength(IpFamily.IPv6)));
    }

    [Fact]
    [Contract("§1 references")]
    public void AMissingPoolOrPeerIsReported_AndTheRestOfTheAdvertisementCounts()
    {
        var after = _right.Update(_known.Without(ConfigurationKind.BGPPeer, "tor").Without(ConfigurationKind.IPAddressPool, "lab"));
        Assert.Equal(
            ["L2Advertisement l2: spec.ipAddressPools[0]: lab: there is no such IPAddressPool", "BGPAdvertisement bgp: spec.ipAddressPools[0]: lab: there is no such IPAddressPool", "BGPAdvertisement bgp: spec.peers[0]: tor: there is no such BGPPeer", "AnnouncementPolicy bounded: spec.ipAddressPools[0]: lab: there is no such IPAddressPool", "BGPPolicy base: spec.peers[0]: tor: there is no such BGPPeer"],
            after.Problems.Select(problem => problem.ToString()));
        Assert.All(after.Problems, problem => Assert.Equal(Standing.InForce, problem.Standing));
        Assert.False(after.IsStale);
    }

    [Fact]
    public void PeersMaySwapTheirAddresses()
    {
        var known = _known.With(Written.Object("BGPPeer", "other", "{myASN: 64512, peerASN: 1, peerAddress: 10.0.0.9}"));
        var halfway = ConfigurationSet.Empty.Update(known).Update(known.With(Written.Object("BGPPeer", "other", "{myASN: 64512, peerASN: 1, peerAddress: 10.0.0.1}")));
        Assert.Equal("10.0.0.9", $"{halfway.BgpPeers["other"].Address}");
        var swapped = halfway.Update(known.With(Written.Object("BGPPeer", "other", "{myASN: 64512, peerASN: 1, peerAddress: 10.0.0.1}")).With(Written.Object("BGPPeer", "tor", "{myASN: 64512, peerASN: 64513, peerAddress: 10.0.0.9}")));
        Assert.Empty(swapped.Problems);
        Assert.Equal(("10.0.0.9", "10.0.0.1"), ($"{swapped.BgpPeers["tor"].Address}", $"{swapped.BgpPeers["other"].Address}"));
    }

    [Fact]
    public void AWrongEditOfOnePoolDoesNotLetAnotherTakeItsRange()
    {
        // At once, b grows into what is c's, and a into what was b's: b goes on with what it had, and so must a.
        var known = ConfigurationObjects.Empty;
        foreach (var (name, range) in new[] { ("a", "10.0.0.0/24"), ("b", "10.0.1.0/24"), ("c", "10.0.2.0/24") })
            known = known.With(Written.Object("IPAddressPool", name, $"{{addresses: [{range}]}}"));
        var before = ConfigurationSet.Empty.Update(known);
        var after = before.Update(known.With(Written.Object("IPAddressPool", "a", "{addresses: [10.0.1.0/24]}")).With(Written.Object("IPAddressPool", "b", "{addresses: [10.0.2.0/23]}")));
        Assert.Equal(before.Pools.Pools.Select(pool => $"{pool}"), after.Pools.Pools.Select(pool => $"{pool}"));
        Assert.True(after.Pools.IsComplete);
        Assert.Equal(["a", "b"], after.Problems.Select(problem => problem.Name));
    }
}

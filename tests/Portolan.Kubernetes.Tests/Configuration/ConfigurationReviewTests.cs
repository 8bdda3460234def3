using Portolan.Core.Configuration;

namespace Portolan.Kubernetes.Tests.Configuration;

/// <summary>What the review lets pass, warns of and refuses beyond an object that is wrong by itself.</summary>
public sealed class ConfigurationReviewTests
{
    private const string Peer = "{myASN: 64512, peerASN: 64513, peerAddress: 10.0.0.9";
    private const string EchoMode = "spec.echoMode: true: has no effect: no echo packets are sent, and a peer is told that none are taken";

    [Fact]
    public void EveryObjectMayReplaceItself()
    {
        var known = Written.Neighbours();
        foreach (var spec in known.All<ConfigurationSpec>())
            Assert.Equal(spec.Name == "echo" ? EchoMode + "; spec.echoInterval: 60000: has no effect: no echo packets are sent" : "", Said(known, spec));
    }

    [Theory]
    [InlineData("BFDProfile", "{echoMode: true}", EchoMode)]
    [InlineData("BFDProfile", "{echoMode: false, receiveInterval: 10, transmitInterval: 60000, detectMultiplier: 255, passiveMode: true, minimumTtl: 1}", "")]
    [InlineData("BGPPeer", Peer + ", passwordSecret: {name: s, namespace: other}}", "spec.passwordSecret.namespace: other: has no effect: the Secret is read in metallb-system")]
    [InlineData("BGPPeer", Peer + ", passwordSecret: {name: s, namespace: metallb-system}}", "")]
    [InlineData("BGPPeer", Peer + ", sourceAddress: 'fd00::1'}", "spec.sourceAddress: fd00::1: is of another family than the peer's address: no session can begin there")]
    [InlineData("BGPPeer", Peer + ", sourceAddress: 10.0.0.8}", "")]
    [InlineData("BGPPeer", Peer + ", holdTime: 30s, keepaliveTime: 20s}", "spec.keepaliveTime: 20s: is more than a third of the hold time: a KEEPALIVE is sent every 10s at least")]
    [InlineData("BGPPeer", Peer + ", holdTime: 30s, keepaliveTime: 10s}", "")]
    [InlineData("BGPPeer", Peer + ", holdTime: 0s, keepaliveTime: 0s}", "")]
    public void WhatDoesLessThanItSays_IsWarnedOf_AndReported(string kind, string spec, string said)
    {
        var written = Written.Object(kind, "new", spec);
        Assert.Equal(said, Said(Written.Neighbours(), written));
        var set = ConfigurationSet.Empty.Update((ConfigurationObjects.Empty with { Namespace = "metallb-system" }).With(written));
        Assert.Equal(said, string.Join("; ", set.Notices.Select(notice => notice.Error)));
        Assert.Empty(set.Problems);
    }

    [Theory]
    [Contract("§1 namespace")]
    [InlineData("IPAddressPool", "{addresses: [10.9.0.0/24]}")]
    [InlineData("BGPPeer", Peer + "}")]
    public void AnObjectThatNobodyReadsIsRefused(string kind, string spec) =>
        Assert.Equal("metadata.namespace: default: must be metallb-system: objects elsewhere are not read", Said(Written.Neighbours(), Written.Object(kind, "astray", spec, ns: "default")));

    [Fact]
    [Contract("§1.5 delete")]
    public void AProfileThatAPeerUsesCannotBeDeleted()
    {
        var known = Written.Neighbours();
        var (errors, warnings) = ConfigurationReview.Check(known, ConfigurationChange.Delete(ConfigurationKind.BFDProfile, "fast"));
        Assert.Equal("metadata.name: fast: BGPPeer tor uses this BFDProfile", Assert.Single(errors).ToString());
        Assert.Empty(warnings);
        Assert.Empty(ConfigurationReview.Check(known.Without(ConfigurationKind.BGPPeer, "tor"), ConfigurationChange.Delete(ConfigurationKind.BFDProfile, "fast")).Errors);

        // Everything else may go: what it leaves behind is reported.
        foreach (var kind in Enum.GetValues<ConfigurationKind>().Where(kind => kind is not ConfigurationKind.BFDProfile))
            Assert.Empty(ConfigurationReview.Check(known, ConfigurationChange.Delete(kind, "lab")).Errors);
    }

    [Fact]
    [Contract("§1.4 disableMP")]
    public void ADeprecatedFieldIsWarnedOf_AndSkipsNothing()
    {
        const string warning = "spec.disableMP: true: is deprecated and has no effect; use dualStackAddressFamily to exchange both families";
        Assert.Equal(warning, Said(Written.Neighbours(), Written.Object("BGPPeer", "new", Peer + ", disableMP: true}")));
        Assert.Equal(
            "spec.holdTime: 1s: the hold time must be 0 or 3s..65535s; " + warning,
            Said(Written.Neighbours(), Written.Object("BGPPeer", "new", Peer + ", disableMP: true, holdTime: 1s}")));
        Assert.Equal("", Said(Written.Neighbours(), Written.Object("BGPPeer", "new", Peer + ", disableMP: false}")));
    }

    [Fact]
    [Contract("§1.4 enableGracefulRestart")]
    public void GracefulRestartCannotBeChanged()
    {
        var known = Written.Neighbours().With(Written.Object("BGPPeer", "graceful", Peer + ", enableGracefulRestart: true}"));
        Assert.Equal("", Said(known, Written.Object("BGPPeer", "graceful", Peer + ", enableGracefulRestart: true, holdTime: 30s}")));
        Assert.Equal("spec.enableGracefulRestart: false: cannot be changed; make another BGPPeer", Said(known, Written.Object("BGPPeer", "graceful", Peer + "}")));
    }

    [Fact]
    [Contract("§1.4 duplicate peers")]
    public void PeersMayDifferWhereNoNodeHasBoth_AndNodesThatAreNotKnownCountAsOneThatHas()
    {
        var known = Written.Neighbours().Without(ConfigurationKind.BGPPeer, "tor").Without(ConfigurationKind.BGPPeer, "echoing").Without(ConfigurationKind.BGPAdvertisement, "bgp")
            .With(Written.Object("BGPPeer", "here", Peer + ", routerID: 10.1.1.1, nodeSelectors: [{matchLabels: {rack: a}}]}"));
        var there = Written.Object("BGPPeer", "there", "{myASN: 1, peerASN: 2, peerAddress: 10.0.0.9, nodeSelectors: [{matchLabels: {rack: b}}]}");
        Assert.Equal("", Said(known, there));
        Assert.Equal("spec.peerAddress: 10.0.0.9: BGPPeer here is the same peer, and a node has both", Said(known with { Nodes = null }, there));

        // As in native mode: what peers of one node are told of it is between them and us; and one address may have several on different ports.
        Assert.Equal("", Said(known, Written.Object("BGPPeer", "other", "{myASN: 1, localASN: 3, peerASN: 2, peerAddress: 10.0.0.8, routerID: 10.1.1.2}")));
        Assert.Equal("", Said(known, Written.Object("BGPPeer", "port", Peer + ", peerPort: 1179}")));
        Assert.Equal("spec.peerAddress: 10.0.0.9: BGPPeer here is the same peer, and a node has both", Said(known, Written.Object("BGPPeer", "same", Peer + ", peerPort: 179, routerID: 10.1.1.2}")));

        // One address in two VRFs is two peers, and so is one interface.
        Assert.Equal("", Said(known, Written.Object("BGPPeer", "red", "{myASN: 1, peerASN: 2, peerAddress: 10.0.0.9, vrf: red, routerID: 10.1.1.1}")));
        var unnumbered = known.With(Written.Object("BGPPeer", "unnumbered", "{myASN: 64512, peerASN: 2, interface: eth1, routerID: 10.1.1.1}"));
        Assert.Equal(
            "spec.interface: eth1: BGPPeer unnumbered is on the same interface, and a node has both",
            Said(unnumbered, Written.Object("BGPPeer", "again", "{myASN: 64512, dynamicASN: internal, interface: eth1, peerPort: 1179}")));
    }

    [Theory]
    [Contract("§1.3 localPref conflict")]
    [InlineData("{ipAddressPools: [lab], localPref: 200, aggregationLength: 29}", "")]
    [InlineData("{ipAddressPools: [lab], localPref: 200, aggregationLengthV6: 127}", "spec.localPref: 200: BGPAdvertisement bgp announces the same prefixes of IPAddressPool lab with localPref 100")]
    [InlineData("{ipAddressPools: [lab], localPref: 200, peers: [echoing]}", "")]
    [InlineData("{ipAddressPools: [lab], localPref: 200, serviceSelectors: [{matchLabels: {a: b}}]}", "")]
    [InlineData("{ipAddressPools: [lab], localPref: 200, nodeSelectors: [{matchLabels: {rack: nowhere}}]}", "")]
    [InlineData("{ipAddressPoolSelectors: [{matchLabels: {zone: b}}], localPref: 200}", "")]
    public void ADifferentLocalPrefPassesWhereNothingIsAnnouncedTwice(string spec, string said) => Assert.Equal(said, Said(Written.Neighbours(), Written.Object("BGPAdvertisement", "new", spec)));

    [Fact]
    public void APoolThatAnAdvertisementNoLongerSuitsIsWarnedOf()
    {
        var known = Written.Neighbours().With(Written.Object("BGPAdvertisement", "blocks", "{ipAddressPools: [lab], aggregationLength: 29, localPref: 1}"));
        Assert.Equal(
            "BGPAdvertisement blocks: spec.aggregationLength: 29: is shorter than the /30 that 10.9.0.0-10.9.0.3 of IPAddressPool lab has room for",
            Said(known, Written.Object("IPAddressPool", "lab", "{addresses: [10.9.0.0/30]}")));
    }

    private static string Said(ConfigurationObjects known, ConfigurationSpec spec)
    {
        var (errors, warnings) = ConfigurationReview.Check(known, ConfigurationChange.Write(spec));
        return string.Join("; ", [.. errors.Select(error => error.ToString()), .. warnings]);
    }
}

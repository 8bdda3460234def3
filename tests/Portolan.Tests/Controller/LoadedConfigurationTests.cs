using System.Text.Json;
using Portolan.Controller;
using Portolan.Core.Cluster;
using Portolan.Core.Configuration;
using Portolan.Kubernetes.Client;
using Portolan.Kubernetes.Resources;
using Portolan.Kubernetes.Watching;
using Portolan.Kubernetes.Yaml;

namespace Portolan.Tests.Controller;

public sealed class LoadedConfigurationTests
{
    private const string Tor = "{myASN: 64512, peerASN: 64513, peerAddress: 10.0.0.1";
    private readonly ControllerState _state = new(null);

    [Fact]
    public void ServesAddressesBeforeAndWithoutTheKindsOfBgp()
    {
        Set(Kinds.IPAddressPools, "lab", "{addresses: [10.0.0.0/30]}");
        _state.On(new Change<Service>(ChangeKind.Added, new ObjectKey("default", "web"), null, ControllerStateTests.Service("web")));
        Assert.Equal("10.0.0.0", Assert.Single(Start().Decisions).Addresses[0].ToString());

        // An installation of an older MetalLB: nothing is wrong, and what is missing is named.
        foreach (var plural in new[] { "bgppeers", "bgpadvertisements", "bfdprofiles", "communities", "nodes" })
            Assert.Empty(_state.CannotRead(plural, $"no {plural}").Configuration!);
        Assert.Equal(Consequences.None, _state.CannotRead("bgppeers", "no bgppeers"));
        Assert.Equal(["bfdprofiles", "bgpadvertisements", "bgppeers", "communities", "nodes"], _state.Configuration.Unread.Keys);
        Assert.True(_state.Configuration.IsComplete);

        // Somebody installs the kind.
        Set(Kinds.BGPPeers, "tor", Tor + "}");
        Listed(Kinds.BGPPeers);
        Assert.DoesNotContain("bgppeers", _state.Configuration.Unread.Keys);
        Assert.Contains("tor", _state.Configuration.InForce.BgpPeers.Keys);
    }

    [Fact]
    [Contract("§1 references")]
    public void CallsNothingWrongThatNamesWhatHasNotArrived()
    {
        Start();
        Assert.Empty(Set(Kinds.BGPPeers, "tor", Tor + ", bfdProfile: fast}").Configuration!);
        foreach (var listed in new Func<Consequences>[] { () => Listed(Kinds.BGPPeers), () => Listed(Kinds.BGPAdvertisements), () => Listed(Kinds.Communities), () => Listed(Kinds.NodeLabels) })
            Assert.Empty(listed().Configuration!);
        var missing = Assert.Single(Listed(Kinds.BFDProfiles).Configuration!);
        Assert.Equal("BGPPeer tor: spec.bfdProfile: fast: there is no such BFDProfile", missing.ToString());
        Assert.Equal("spec.bfdProfile: fast: there is no such BFDProfile; the object is not in force", missing.Message);
        Assert.Empty(Set(Kinds.BFDProfiles, "fast", "{}").Configuration!);
        Assert.Equal("fast", _state.Configuration.InForce.BgpPeers["tor"].BfdProfile!.Name);
    }

    [Fact]
    public void AMajorityOfTwoNodesIsNotAskedFor_AndThatIsSaidUntilThereAreThree()
    {
        Set(Kinds.IPAddressPools, "lab", "{addresses: [10.0.0.0/30]}");
        Start();
        Assert.Empty(Set(Kinds.AnnouncementPolicies, "whole", "{requireMajority: true}").Configuration!); // how many nodes there are is not known yet
        SetNode("node1");
        SetNode("node2");
        foreach (var plural in new[] { "bgppeers", "bgpadvertisements", "bfdprofiles", "communities" })
            _state.CannotRead(plural, $"no {plural}");
        var told = Assert.Single(Listed(Kinds.NodeLabels).Configuration!);
        Assert.Equal("spec.requireMajority: true: is refused with fewer than 3 nodes, and there are 2: until there are more, both sides of a partition announce", told.Message);
        Assert.Empty(SetNode("node3").Configuration!);
        Assert.Equal("3", Assert.Single(Set(Kinds.AnnouncementPolicies, "wrong", "{placement: 3}").Configuration!).Error.Value);
    }

    [Fact]
    [Contract("§1 stale configuration")]
    public void AWrongEditLeavesThePreviousVersionInForce_AndEverythingElseGoesOn()
    {
        StartComplete();
        Set(Kinds.BGPPeers, "tor", Tor + ", holdTime: 90s}");
        var wrong = Assert.Single(Set(Kinds.BGPPeers, "tor", Tor + ", holdTime: 1s}").Configuration!);
        Assert.Equal((true, "metallb-system", "tor"), (wrong.PreviousInForce, wrong.Object.Namespace, wrong.Object.Uid));
        Assert.Equal(90, _state.Configuration.InForce.BgpPeers["tor"].HoldTime!.Value.TotalSeconds);
        Assert.True(_state.Configuration.InForce.IsStale);
        Assert.Single(Set(Kinds.L2Advertisements, "l2", "{}").Configuration!);
        Assert.Contains("l2", _state.Configuration.InForce.Layer2Advertisements.Keys);
        Assert.Empty(Set(Kinds.BGPPeers, "tor", Tor + ", holdTime: 3s}").Configuration!);
        Assert.Equal(3, _state.Configuration.InForce.BgpPeers["tor"].HoldTime!.Value.TotalSeconds);
    }

    [Fact]
    [Contract("§1.4 nodeSelectors")]
    public void PeersThatNoNodeHasTogetherMayDiffer()
    {
        StartComplete();
        SetNode("node1", ("rack", "a"));
        Assert.Empty(Set(Kinds.BGPPeers, "one", Tor + ", routerID: 10.1.1.1, nodeSelectors: [{matchLabels: {rack: a}}]}").Configuration!);
        Assert.Empty(Set(Kinds.BGPPeers, "other", Tor + ", routerID: 10.1.1.2, nodeSelectors: [{matchLabels: {spine: b}}]}").Configuration!);
        var together = Assert.Single(SetNode("node2", ("rack", "a"), ("spine", "b")).Configuration!);
        Assert.Equal("BGPPeer other: spec.peerAddress: 10.0.0.1: BGPPeer one is the same peer, and a node has both", together.ToString());

        // Nobody edited a peer: both stay as they were.
        Assert.Equal((true, 2), (together.PreviousInForce, _state.Configuration.InForce.BgpPeers.Count));
        Assert.Empty(_state.On(new Change<NodeLabels>(ChangeKind.Deleted, new ObjectKey("", "node2"), null, null)).Configuration!);
    }

    [Fact]
    public void ABGPPolicyIsJudgedOnceThePeersHaveArrived_AndAgainWithEveryNode()
    {
        Start();
        Assert.Empty(Set(Kinds.BGPPolicies, "one", "{peers: [tor], nodeSelectors: [{matchLabels: {rack: a}}], med: 10}").Configuration!);
        Assert.Empty(Set(Kinds.BGPPolicies, "other", "{peers: [tor], nodeSelectors: [{matchLabels: {spine: b}}], med: 20}").Configuration!);
        foreach (var listed in new Func<Consequences>[] { () => Listed(Kinds.BGPPeers), () => Listed(Kinds.BGPAdvertisements), () => Listed(Kinds.Communities), () => Listed(Kinds.BFDProfiles) })
            Assert.Empty(listed().Configuration!);
        Assert.Equal(
            ["BGPPolicy one: spec.peers[0]: tor: there is no such BGPPeer", "BGPPolicy other: spec.peers[0]: tor: there is no such BGPPeer"],
            Listed(Kinds.NodeLabels).Configuration!.Select(problem => problem.ToString()));
        Assert.Empty(Set(Kinds.BGPPeers, "tor", Tor + "}").Configuration!);
        Assert.Equal([10u, 20u], _state.Configuration.InForce.BgpPolicies.Values.Select(policy => policy.Med!.Value).Order());
        var together = Assert.Single(SetNode("node1", ("rack", "a"), ("spine", "b")).Configuration!);
        Assert.Equal("BGPPolicy other: spec.peers[0]: tor: BGPPolicy one is about this BGPPeer too, and a node has both", together.ToString());
    }

    [Fact]
    [Contract("§1.4 password or passwordSecret")]
    public void AMissingSecretIsReportedOnceItWasLookedUp()
    {
        StartComplete();
        Assert.Empty(Set(Kinds.BGPPeers, "tor", Tor + ", passwordSecret: {name: tor}}").Configuration!);
        var missing = Assert.Single(_state.OnSecrets(new Dictionary<string, SecretFacts?> { ["tor"] = null }).Configuration!);
        Assert.Equal("spec.passwordSecret.name: tor: there is no such Secret in metallb-system", missing.Message);
        Assert.Equal(Consequences.None, _state.OnSecrets(new Dictionary<string, SecretFacts?> { ["tor"] = null }));
        Assert.Empty(_state.OnSecrets(new Dictionary<string, SecretFacts?> { ["tor"] = new("kubernetes.io/basic-auth", true) }).Configuration!);
    }

    [Fact]
    public void AStatusIsNoNews()
    {
        StartComplete();
        var peer = Read(Kinds.BGPPeers, "tor", Tor + "}");
        _state.On(Kinds.BGPPeers, new Change<BGPPeer>(ChangeKind.Added, Key(peer), null, peer), found => found.ToSpec());
        Assert.Equal(Consequences.None, _state.On(Kinds.BGPPeers, new Change<BGPPeer>(ChangeKind.Modified, Key(peer), peer, Read(Kinds.BGPPeers, "tor", Tor + "}")), found => found.ToSpec()));
        var node = new NodeLabels { Metadata = new ObjectMeta { Name = "node1", Labels = new Dictionary<string, string> { ["a"] = "b" } } };
        Assert.Equal(Consequences.None, _state.On(new Change<NodeLabels>(ChangeKind.Modified, new ObjectKey("", "node1"), node, node)));
    }

    private Consequences Start()
    {
        _state.On(new Change<Service>(ChangeKind.Synced, default, null, null));
        _state.On(new Change<Namespace>(ChangeKind.Synced, default, null, null));
        return _state.On(new Change<IPAddressPool>(ChangeKind.Synced, default, null, null));
    }

    private void StartComplete()
    {
        Start();
        Listed(Kinds.BGPPeers);
        Listed(Kinds.BGPAdvertisements);
        Listed(Kinds.Communities);
        Listed(Kinds.NodeLabels);
        Listed(Kinds.BFDProfiles);
        Assert.True(_state.Configuration.IsComplete);
    }

    private Consequences SetNode(string name, params (string Key, string Value)[] labels)
    {
        var node = new NodeLabels { Metadata = new ObjectMeta { Name = name, Labels = labels.ToDictionary(label => label.Key, label => label.Value) } };
        return _state.On(new Change<NodeLabels>(ChangeKind.Added, new ObjectKey("", name), null, node));
    }

    private Consequences Listed<T>(ResourceType<T> type)
        where T : class, IKubeObject => On(type, new Change<T>(ChangeKind.Synced, default, null, null));

    private Consequences Set<T>(ResourceType<T> type, string name, string spec)
        where T : class, IKubeObject
    {
        var found = Read(type, name, spec);
        return On(type, new Change<T>(ChangeKind.Added, Key(found), null, found));
    }

    private Consequences On<T>(ResourceType<T> type, Change<T> change)
        where T : class, IKubeObject => change switch
        {
            Change<IPAddressPool> pool => _state.On(pool),
            Change<NodeLabels> node => _state.On(node),
            _ => _state.On(type, change, found => ConfigurationMapping.Read(ConfigurationMapping.KindOf(type.Kind)!.Value, JsonSerializer.SerializeToElement(found, type.Json))),
        };

    private static ObjectKey Key(IKubeObject found) => new(found.Metadata.Namespace!, found.Metadata.Name!);

    private static T Read<T>(ResourceType<T> type, string name, string spec)
        where T : class, IKubeObject =>
        YamlJson.Documents($"{{metadata: {{name: {name}, namespace: metallb-system, uid: {name}, generation: 1}}, spec: {spec}}}").Single().Deserialize(type.Json)!;
}

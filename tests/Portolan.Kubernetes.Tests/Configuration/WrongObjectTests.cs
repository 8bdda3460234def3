using Portolan.Core.Configuration;

namespace Portolan.Kubernetes.Tests.Configuration;

/// <summary>
/// Objects that are wrong in one way each, beside right ones of every kind. The review before they are stored says what is wrong, so does the
/// load of a configuration that has them, in the same words, and the right ones are in force all the same.
/// </summary>
public sealed class WrongObjectTests
{
    [Theory]
    [Contract("§1.1 addresses")]
    [Contract("§1.1 overlap")]
    [Contract("§1.1 serviceAllocation.priority")]
    [InlineData("{}", "spec.addresses: at least one CIDR block or range is required")]
    [InlineData("{addresses: []}", "spec.addresses: at least one CIDR block or range is required")]
    [InlineData("{addresses: [10.9.0.0/24, 10.9.1.9-10.9.1.1]}", "spec.addresses[1]: 10.9.1.9-10.9.1.1: range ends before it starts")]
    [InlineData("{addresses: [10.9.0.1]}", "spec.addresses[0]: 10.9.0.1: a single address is written 10.9.0.1/32")]
    [InlineData("{addresses: [ten]}", "spec.addresses[0]: ten: must be a CIDR block or a range start-end")]
    [InlineData("{addresses: ['']}", "spec.addresses[0]: must be a CIDR block or a range start-end")]
    [InlineData("{addresses: [null]}", "spec.addresses[0]: must be a CIDR block or a range start-end")]
    [InlineData("{addresses: [10.9.0.0/33]}", "spec.addresses[0]: 10.9.0.0/33: the prefix length must be 0..32")]
    [InlineData("{addresses: ['fd01::/129']}", "spec.addresses[0]: fd01::/129: the prefix length must be 0..128")]
    [InlineData("{addresses: [10.9.0/24]}", "spec.addresses[0]: 10.9.0/24: the part before '/' is not an IP address")]
    [InlineData("{addresses: [10.9.0.1-10.9.0.x]}", "spec.addresses[0]: 10.9.0.1-10.9.0.x: the end of the range is not an IP address")]
    [InlineData("{addresses: ['10.9.0.1-fd01::1']}", "spec.addresses[0]: 10.9.0.1-fd01::1: range starts and ends in different address families")]
    [InlineData("{addresses: [10.9.0.0/24, 10.9.0.200 - 10.9.0.210]}", "spec.addresses[1]: 10.9.0.200 - 10.9.0.210: overlaps 10.9.0.0-10.9.0.255 of the same pool")]
    [InlineData("{addresses: [192.168.100.0/24]}", "spec.addresses[0]: 192.168.100.0-192.168.100.255: overlaps 192.168.100.240-192.168.100.249 of IPAddressPool lab")]
    [InlineData("{addresses: ['fd00::ff/128']}", "spec.addresses[0]: fd00::ff-fd00::ff: overlaps fd00::-fd00::ff of IPAddressPool six")]
    [InlineData("{addresses: 10.9.0.0/24}", "spec.addresses: \"10.9.0.0/24\": is not of the type that this field has")]
    [InlineData("{addresses: [10.9.0.0/24], autoAssign: maybe}", "spec.autoAssign: \"maybe\": is not of the type that this field has")]
    [InlineData("{addresses: [10.9.0.0/24], serviceAllocation: {priority: -1}}", "spec.serviceAllocation.priority: -1: must not be negative")]
    [InlineData("{addresses: [10.9.0.0/24], serviceAllocation: {namespaces: [a, b, a]}}", "spec.serviceAllocation.namespaces[2]: a: is listed twice")]
    [InlineData("{addresses: [10.9.0.0/24], serviceAllocation: {namespaceSelectors: [{matchLabels: {a: b}}, {matchLabels: {a: b}}]}}", "spec.serviceAllocation.namespaceSelectors[1]: a in (b): is listed twice")]
    [InlineData("{addresses: [10.9.0.0/24], serviceAllocation: {serviceSelectors: [{matchExpressions: [{key: a, operator: Is, values: [b]}]}]}}", "spec.serviceAllocation.serviceSelectors[0].matchExpressions[0].operator: Is: must be In, NotIn, Exists or DoesNotExist")]
    public void AWrongIPAddressPoolIsReported(string spec, string expected) => IsReported("IPAddressPool", spec, expected);

    [Theory]
    [Contract("§1.2 duplicates")]
    [Contract("§1.2 pools")]
    [Contract("§1.2 preferredNodeSelectors")]
    [InlineData("{ipAddressPools: [lab, six, lab]}", "spec.ipAddressPools[2]: lab: is listed twice")]
    [InlineData("{interfaces: [eth0, eth0]}", "spec.interfaces[1]: eth0: is listed twice")]
    [InlineData("{nodeSelectors: [{matchLabels: {a: b}}, {matchExpressions: [{key: a, operator: In, values: [b]}]}]}", "spec.nodeSelectors[1]: a in (b): is listed twice")]
    [InlineData("{serviceSelectors: [{}, {}]}", "spec.serviceSelectors[1]: is listed twice")]
    [InlineData("{ipAddressPoolSelectors: [{matchExpressions: [{key: zone, operator: In, values: [a, b, a]}]}]}", "spec.ipAddressPoolSelectors[0].matchExpressions[0].values: a: is listed twice")]
    [InlineData("{nodeSelectors: [{matchExpressions: [{key: a, operator: In, values: [b, c]}, {key: a, operator: In, values: [c, b]}]}]}", "spec.nodeSelectors[0].matchExpressions[1]: a in (b,c): is listed twice")]
    [InlineData("{nodeSelectors: [{matchExpressions: [{key: a, operator: Exists, values: [b]}]}]}", "spec.nodeSelectors[0].matchExpressions[0].values: b: Exists takes no values")]
    [InlineData("{nodeSelectors: [{matchExpressions: [{key: a, operator: NotIn}]}]}", "spec.nodeSelectors[0].matchExpressions[0].values: NotIn needs at least one value")]
    [InlineData("{nodeSelectors: [{matchExpressions: [{operator: Exists}]}]}", "spec.nodeSelectors[0].matchExpressions[0].key: a label key is required")]
    [InlineData("{nodeSelectors: [{matchExpressions: [null]}]}", "spec.nodeSelectors[0].matchExpressions[0].key: a label key is required; spec.nodeSelectors[0].matchExpressions[0].operator: must be In, NotIn, Exists or DoesNotExist")]
    [InlineData("{nodeSelectors: [{matchLabels: {'rack!': b}}]}", "spec.nodeSelectors[0].matchLabels: rack!: is not a label key: an optional DNS name and '/', then up to 63 letters, digits, '-', '_' or '.'")]
    [InlineData("{nodeSelectors: [{matchLabels: {rack: -b}}]}", "spec.nodeSelectors[0].matchLabels[rack]: -b: is not a label value: up to 63 letters, digits, '-', '_' or '.', beginning and ending with a letter or digit")]
    [InlineData("{preferredNodeSelectors: [{weight: 101, preference: {matchLabels: {a: b}}}]}", "spec.preferredNodeSelectors[0].weight: 101: must be 1..100")]
    [InlineData("{preferredNodeSelectors: [{weight: 1, preference: {matchLabels: {a: b}}}, {preference: {matchLabels: {a: c}}}]}", "spec.preferredNodeSelectors[1].weight: 0: must be 1..100")]
    [InlineData("{interfaces: {eth0: true}}", "spec.interfaces: {\"eth0\":true}: is not of the type that this field has")]
    [InlineData("[lab]", "spec: [\"lab\"]: is not of the type that this field has")]
    [InlineData("{ipAddressPools: [lab, laab]}", "spec.ipAddressPools[1]: laab: there is no such IPAddressPool")]
    public void AWrongL2AdvertisementIsReported(string spec, string expected) => IsReported("L2Advertisement", spec, expected);

    [Theory]
    [Contract("§1.3 aggregationLength")]
    [Contract("§1.3 localPref")]
    [Contract("§1.3 communities")]
    [Contract("§1.3 pools and peers")]
    [Contract("§1.3 serviceSelectors")]
    [Contract("§1.3 equal advertisements")]
    [Contract("§1.3 localPref conflict")]
    [Contract("§1.3 echo with IPv6")]
    [InlineData("{aggregationLength: 0}", "spec.aggregationLength: 0: must be 1..32")]
    [InlineData("{aggregationLength: 33}", "spec.aggregationLength: 33: must be 1..32")]
    [InlineData("{aggregationLengthV6: 129}", "spec.aggregationLengthV6: 129: must be 1..128")]
    [InlineData("{aggregationLength: 28, ipAddressPools: [lab]}", "spec.aggregationLength: 28: is shorter than the /29 that 192.168.100.240-192.168.100.249 of IPAddressPool lab has room for")]
    [InlineData("{aggregationLengthV6: 119, ipAddressPools: [six], peers: [tor]}", "spec.aggregationLengthV6: 119: is shorter than the /120 that fd00::-fd00::ff of IPAddressPool six has room for")]
    [InlineData("{localPref: -1}", "spec.localPref: -1: must be 0..4294967295")]
    [InlineData("{localPref: 4294967296}", "spec.localPref: 4294967296: must be 0..4294967295")]
    [InlineData("{ipAddressPools: [lab], localPref: 200}", "spec.localPref: 200: BGPAdvertisement bgp announces the same prefixes of IPAddressPool lab with localPref 100")]
    [InlineData("{ipAddressPoolSelectors: [{matchLabels: {zone: a}}]}", "spec.localPref: 0: BGPAdvertisement bgp announces the same prefixes of IPAddressPool lab with localPref 100")]
    [InlineData("{ipAddressPools: [lab], communities: [no-export, '64512:1'], localPref: 100, peers: [tor]}", "spec: BGPAdvertisement bgp says exactly the same")]
    [InlineData("{ipAddressPools: [lab], localPref: 100, communities: ['65536:1']}", "spec.communities[0]: 65536:1: each of the two numbers of a community must be 0..65535")]
    [InlineData("{ipAddressPools: [lab], localPref: 100, communities: ['64512:']}", "spec.communities[0]: 64512:: each of the two numbers of a community must be 0..65535")]
    [InlineData("{ipAddressPools: [lab], localPref: 100, communities: ['large:1:2:4294967296']}", "spec.communities[0]: large:1:2:4294967296: each of the three numbers of a large community must be 0..4294967295")]
    [InlineData("{ipAddressPools: [lab], localPref: 100, communities: ['ext:1:2:3']}", "spec.communities[0]: ext:1:2:3: must be number:number, or large:number:number:number")]
    [InlineData("{ipAddressPools: [lab], localPref: 100, communities: [no-export, no-exprt]}", "spec.communities[1]: no-exprt: no Community gives this name a value")]
    [InlineData("{ipAddressPools: [lab], localPref: 100, communities: [no-export, no-export]}", "spec.communities[1]: no-export: is listed twice")]
    [InlineData("{ipAddressPools: [lab, lab]}", "spec.ipAddressPools[1]: lab: is listed twice")]
    [InlineData("{ipAddressPools: [lab], localPref: 100, peers: [tor, tor]}", "spec.peers[1]: tor: is listed twice")]
    [InlineData("{nodeSelectors: [{matchLabels: {a: b}}, {matchLabels: {a: b}}]}", "spec.nodeSelectors[1]: a in (b): is listed twice")]
    [InlineData("{ipAddressPools: [lab], serviceSelectors: [{matchLabels: {a: b}}], aggregationLength: 30}", "spec.serviceSelectors: cannot be combined with an aggregationLength other than 32")]
    [InlineData("{ipAddressPools: [lab], serviceSelectors: [{matchLabels: {a: b}}], aggregationLengthV6: 127}", "spec.serviceSelectors: cannot be combined with an aggregationLengthV6 other than 128")]
    [InlineData("{ipAddressPools: [laab]}", "spec.ipAddressPools[0]: laab: there is no such IPAddressPool")]
    [InlineData("{ipAddressPools: [lab], localPref: 100, peers: [tor, spine]}", "spec.peers[1]: spine: there is no such BGPPeer")]
    [InlineData("{ipAddressPools: [six]}", "spec.peers: echoing: its BFDProfile echo has echoMode, which is for IPv4 only, and IPAddressPool six has IPv6 addresses")]
    [InlineData("{localPref: high}", "spec.localPref: \"high\": is not of the type that this field has")]
    public void AWrongBGPAdvertisementIsReported(string spec, string expected) => IsReported("BGPAdvertisement", spec, expected);

    [Fact]
    [Contract("§1.3 communities")]
    public void MoreCommunitiesThanCanBeSentAreReported() => IsReported(
        "BGPAdvertisement",
        $"{{ipAddressPools: [lab], localPref: 100, communities: [big, {string.Join(", ", Enumerable.Range(1, 63).Select(i => $"'64512:{i}'"))}]}}",
        "spec.communities: 64 communities: at most 63 can be sent");

    [Theory]
    [Contract("§1.4 myASN")]
    [Contract("§1.4 peerASN or dynamicASN")]
    [Contract("§1.4 localASN")]
    [Contract("§1.4 peerAddress or interface")]
    [Contract("§1.4 sourceAddress")]
    [Contract("§1.4 peerPort")]
    [Contract("§1.4 holdTime and keepaliveTime")]
    [Contract("§1.4 connectTime")]
    [Contract("§1.4 routerID")]
    [Contract("§1.4 nodeSelectors")]
    [Contract("§1.4 bfdProfile")]
    [Contract("§1.4 ebgpMultiHop")]
    [Contract("§1.4 vrf")]
    [Contract("§1.4 duplicate peers")]
    [InlineData("{peerASN: 1, peerAddress: 10.0.0.9}", "spec.myASN: 0: must be 1..4294967295")]
    [InlineData("{myASN: 4294967296, peerASN: 1, peerAddress: 10.0.0.9}", "spec.myASN: 4294967296: must be 1..4294967295")]
    [InlineData("{myASN: 64512, peerASN: -1, peerAddress: 10.0.0.9}", "spec.peerASN: -1: must be 0..4294967295")]
    [InlineData("{myASN: 64512, peerAddress: 10.0.0.9}", "spec.peerASN: exactly one of peerASN and dynamicASN is required")]
    [InlineData("{myASN: 64512, peerASN: 1, dynamicASN: external, peerAddress: 10.0.0.9}", "spec.dynamicASN: external: exactly one of peerASN and dynamicASN is required")]
    [InlineData("{myASN: 64512, dynamicASN: any, peerAddress: 10.0.0.9}", "spec.dynamicASN: any: must be internal or external")]
    [InlineData("{myASN: 64512, peerASN: 1, localASN: 0, peerAddress: 10.0.0.9}", "spec.localASN: 0: must be 1..4294967295")]
    [InlineData("{myASN: 64512, peerASN: 1}", "spec.peerAddress: exactly one of peerAddress and interface is required")]
    [InlineData("{myASN: 64512, peerASN: 1, peerAddress: 10.0.0.9, interface: eth1}", "spec.interface: eth1: exactly one of peerAddress and interface is required")]
    [InlineData("{myASN: 64512, peerASN: 1, peerAddress: tor.example}", "spec.peerAddress: tor.example: is not an IP address")]
    [InlineData("{myASN: 64512, peerASN: 1, interface: \"eth1\\nx\"}", "spec.interface: eth1 x: must not contain a line break")]
    [InlineData("{myASN: 64512, peerASN: 1, peerAddress: 10.0.0.9, sourceAddress: eth0}", "spec.sourceAddress: eth0: is not an IP address")]
    [InlineData("{myASN: 64512, peerASN: 1, peerAddress: 10.0.0.9, peerPort: 16385}", "spec.peerPort: 16385: must be 0..16384")]
    [InlineData("{myASN: 64512, peerASN: 1, peerAddress: 10.0.0.9, holdTime: 2s}", "spec.holdTime: 2s: the hold time must be 0 or 3s..65535s")]
    [InlineData("{myASN: 64512, peerASN: 1, peerAddress: 10.0.0.9, holdTime: 20h}", "spec.holdTime: 20h: the hold time must be 0 or 3s..65535s")]
    [InlineData("{myASN: 64512, peerASN: 1, peerAddress: 10.0.0.9, holdTime: '90'}", "spec.holdTime: 90: is not a duration such as 90s or 1m30s")]
    [InlineData("{myASN: 64512, peerASN: 1, peerAddress: 10.0.0.9, holdTime: 30s, keepaliveTime: 31s}", "spec.keepaliveTime: 31s: must be 0s or more and not above the hold time of 30s")]
    [InlineData("{myASN: 64512, peerASN: 1, peerAddress: 10.0.0.9, keepaliveTime: 800ms}", "spec.keepaliveTime: 800ms: the hold time must be 0 or 3s..65535s")]
    [InlineData("{myASN: 64512, peerASN: 1, peerAddress: 10.0.0.9, keepaliveTime: ten}", "spec.keepaliveTime: ten: is not a duration such as 90s or 1m30s")]
    [InlineData("{myASN: 64512, peerASN: 1, peerAddress: 10.0.0.9, connectTime: 1500ms}", "spec.connectTime: 1500ms: must be whole seconds, 1s..65535s")]
    [InlineData("{myASN: 64512, peerASN: 1, peerAddress: 10.0.0.9, connectTime: 0s}", "spec.connectTime: 0s: must be whole seconds, 1s..65535s")]
    [InlineData("{myASN: 64512, peerASN: 1, peerAddress: 10.0.0.9, routerID: 'fd00::1'}", "spec.routerID: fd00::1: must be an IPv4 address other than 0.0.0.0")]
    [InlineData("{myASN: 64512, peerASN: 1, peerAddress: 10.0.0.9, routerID: 10.1.1.1, nodeSelectors: [{matchLabels: {rack: b}}]}", "spec.routerID: 10.1.1.1: all peers of a node need the same routerID; BGPPeer tor has none")]
    [InlineData("{myASN: 64513, peerASN: 1, peerAddress: 10.0.0.9, nodeSelectors: [{matchLabels: {rack: b}}]}", "spec.myASN: 64513: all peers of a node need the same myASN; BGPPeer tor has 64512")]
    [InlineData("{myASN: 64512, peerASN: 1, peerAddress: 10.0.0.1}", "spec.peerAddress: 10.0.0.1: BGPPeer tor is the same peer, and a node has both")]
    [InlineData("{myASN: 64512, peerASN: 1, peerAddress: '::ffff:10.0.0.1'}", "spec.peerAddress: 10.0.0.1: BGPPeer tor is the same peer, and a node has both")]
    [InlineData("{myASN: 64512, peerASN: 64512, peerAddress: 10.0.0.9, ebgpMultiHop: true}", "spec.ebgpMultiHop: true: the peer is in our own AS: multihop is for external peers")]
    [InlineData("{myASN: 64512, peerASN: 1, peerAddress: 10.0.0.9, vrf: \"red\\n\"}", "spec.vrf: red : must not contain a line break")]
    [InlineData("{myASN: 64512, peerASN: 1, peerAddress: 10.0.0.9, nodeSelectors: [{matchLabels: {a: b}}, {matchLabels: {a: b}}]}", "spec.nodeSelectors[1]: a in (b): is listed twice")]
    [InlineData("{myASN: 64512, peerASN: 1, peerAddress: 10.0.0.9, bfdProfile: slow}", "spec.bfdProfile: slow: there is no such BFDProfile")]
    [InlineData("{myASN: x, peerASN: 1, peerAddress: 10.0.0.9}", "spec.myASN: \"x\": is not of the type that this field has")]
    public void AWrongBGPPeerIsReported(string spec, string expected) => IsReported("BGPPeer", spec, expected);

    [Theory]
    [Contract("§1.4 password or passwordSecret")]
    [InlineData("password: a, passwordSecret: {name: tor}", "spec.passwordSecret: tor: password and passwordSecret cannot both be set")]
    [InlineData("password: \"a\\nb\"", "spec.password: must not contain a line break")]
    [InlineData("passwordSecret: {name: gone}", "spec.passwordSecret.name: gone: there is no such Secret in metallb-system")]
    [InlineData("passwordSecret: {name: opaque}", "spec.passwordSecret.name: opaque: the Secret must be of type kubernetes.io/basic-auth, and is of type Opaque")]
    [InlineData("passwordSecret: {name: keyless}", "spec.passwordSecret.name: keyless: the Secret has no key password")]
    public void AWrongPasswordIsReported(string fields, string expected)
    {
        var known = Written.Neighbours();
        known = known with
        {
            Secrets = known.Secrets.Add("gone", null).Add("opaque", new SecretFacts("Opaque", true)).Add("keyless", new SecretFacts("kubernetes.io/basic-auth", false)).Add("tor", new SecretFacts("kubernetes.io/basic-auth", true)),
        };
        IsReported("BGPPeer", $"{{myASN: 64512, peerASN: 1, peerAddress: 10.0.0.9, {fields}}}", expected, known);
        Assert.Empty(Problems(known.With(Written.Object("BGPPeer", "right", "{myASN: 64512, peerASN: 1, peerAddress: 10.0.0.9, passwordSecret: {name: tor}}"))));
    }

    [Theory]
    [Contract("§1.5 ranges")]
    [InlineData("{receiveInterval: 9}", "spec.receiveInterval: 9: must be 10..60000")]
    [InlineData("{transmitInterval: 60001}", "spec.transmitInterval: 60001: must be 10..60000")]
    [InlineData("{echoInterval: 0}", "spec.echoInterval: 0: must be 10..60000")]
    [InlineData("{detectMultiplier: 1}", "spec.detectMultiplier: 1: must be 2..255")]
    [InlineData("{detectMultiplier: 256}", "spec.detectMultiplier: 256: must be 2..255")]
    [InlineData("{minimumTtl: 255}", "spec.minimumTtl: 255: must be 1..254")]
    [InlineData("{minimumTtl: -9223372036854775808}", "spec.minimumTtl: -9223372036854775808: must be 1..254")]
    [InlineData("{echoMode: 'yes'}", "spec.echoMode: \"yes\": is not of the type that this field has")]
    public void AWrongBFDProfileIsReported(string spec, string expected) => IsReported("BFDProfile", spec, expected);

    [Theory]
    [Contract("§1.6 values")]
    [Contract("§1.6 names")]
    [InlineData("{communities: [{name: a, value: '1:2'}, {name: a, value: '1:3'}]}", "spec.communities[1].name: a: is listed twice")]
    [InlineData("{communities: [{name: a, value: '1:2'}, {name: no-export, value: '1:3'}]}", "spec.communities[1].name: no-export: Community well-known has the same name")]
    [InlineData("{communities: [{name: a, value: '1:70000'}]}", "spec.communities[0].value: 1:70000: each of the two numbers of a community must be 0..65535")]
    [InlineData("{communities: [{name: a, value: 'large:1:2:-3'}]}", "spec.communities[0].value: large:1:2:-3: each of the three numbers of a large community must be 0..4294967295")]
    [InlineData("{communities: [{name: a, value: no-export}]}", "spec.communities[0].value: no-export: must be number:number, or large:number:number:number")]
    [InlineData("{communities: [{name: a}]}", "spec.communities[0].value: must be number:number, or large:number:number:number")]
    [InlineData("{communities: [null]}", "spec.communities[0].value: must be number:number, or large:number:number:number")]
    [InlineData("{communities: {a: '1:2'}}", "spec.communities: {\"a\":\"1:2\"}: is not of the type that this field has")]
    public void AWrongCommunityIsReported(string spec, string expected) => IsReported("Community", spec, expected);

    private static void IsReported(string kind, string spec, string expected, ConfigurationObjects? beside = null)
    {
        var known = beside ?? Written.Neighbours();
        var right = ConfigurationSet.Empty.Update(known);
        Assert.Empty(right.Problems);

        var wrong = Written.Object(kind, "wrong", spec);
        var (errors, warnings) = ConfigurationReview.Check(known, ConfigurationChange.Write(wrong));
        Assert.Equal(expected, string.Join("; ", [.. errors.Select(error => error.ToString()), .. warnings]));

        // Now, and to a controller that finds it when it starts.
        foreach (var loaded in new[] { right.Update(known.With(wrong)), ConfigurationSet.Empty.Update(known.With(wrong)) })
        {
            Assert.Equal(string.Join("; ", expected.Split("; spec").Select((error, i) => $"{kind} wrong: {(i == 0 ? "" : "spec")}{error}")), string.Join("; ", loaded.Problems));
            Assert.Equal(right.Pools.Pools.Select(pool => pool.Name), loaded.Pools.Pools.Select(pool => pool.Name));
            foreach (var (name, peer) in right.BgpPeers)
                Assert.Equal(peer.BfdProfile, loaded.BgpPeers[name].BfdProfile);
            Assert.Empty(right.Layer2Advertisements.Keys.Except(loaded.Layer2Advertisements.Keys));
            Assert.Empty(right.BfdProfiles.Keys.Except(loaded.BfdProfiles.Keys));
            Assert.Equal(right.BgpAdvertisements["bgp"].Communities, loaded.BgpAdvertisements["bgp"].Communities);
        }
    }

    private static IEnumerable<string> Problems(ConfigurationObjects known) => ConfigurationSet.Empty.Update(known).Problems.Select(problem => problem.ToString());
}

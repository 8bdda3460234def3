/// <summary>
/// Objects of metallb.io, and AnnouncementPolicies and BGPPolicies of portolan.dev, that are wrong in one way each: the specification as a user writes it, and what is to be said of it, path and rule.
/// Some are wrong beside the right objects that the tests put beside them.
/// </summary>
internal static class WrongObjects
{
    /// <summary>All of them, with their kinds.</summary>
    public static IEnumerable<(string Kind, string Spec, string Expected)> All =>
        new[] { ("IPAddressPool", IPAddressPools), ("L2Advertisement", L2Advertisements), ("BGPAdvertisement", BGPAdvertisements), ("BGPPeer", BGPPeers), ("BFDProfile", BFDProfiles), ("Community", Communities), ("AnnouncementPolicy", AnnouncementPolicies), ("BGPPolicy", BGPPolicies) }
            .SelectMany(kind => kind.Item2.Select(row => (kind.Item1, row.Data.Item1, row.Data.Item2)));

    /// <summary>The version in which objects of this kind are written.</summary>
    public static string ApiVersion(string kind) => kind switch
    {
        "AnnouncementPolicy" or "BGPPolicy" => "portolan.dev/v1alpha1",
        "BGPPeer" => "metallb.io/v1beta2",
        _ => "metallb.io/v1beta1",
    };

    public static TheoryData<string, string> AnnouncementPolicies { get; } = new()
    {
        { "{ipAddressPools: [six, six]}", "spec.ipAddressPools[1]: six: is listed twice" },
        { "{ipAddressPools: [lob]}", "spec.ipAddressPools[0]: lob: there is no such IPAddressPool" },
        { "{ipAddressPools: six}", "spec.ipAddressPools: \"six\": is not of the type that this field has" },
        { "{ipAddressPoolSelectors: [{matchLabels: {a: b}}, {matchLabels: {a: b}}]}", "spec.ipAddressPoolSelectors[1]: a in (b): is listed twice" },
        { "{ipAddressPools: [six], placement: even}", "spec.placement: even: must be hash or bounded" },
        { "{ipAddressPools: [six], placement: Bounded}", "spec.placement: Bounded: must be hash or bounded" },
        { "{ipAddressPools: [six], announceFrom: both}", "spec.announceFrom: both: must be one or all" },
        { "{ipAddressPools: [six], onConflict: fight}", "spec.onConflict: fight: must be defend, yield or refuse" },
        { "{ipAddressPools: [six], placement: bounded, announceFrom: all}", "spec.placement: bounded: is of no use with announceFrom: all, which places clients instead of addresses" },
        { "{ipAddressPools: [six], failback: {holdDown: soon}}", "spec.failback.holdDown: soon: must be a duration, e.g. 90s, 10m or 24h" },
        { "{ipAddressPools: [six], failback: {holdDown: -1s}}", "spec.failback.holdDown: -1s: must be 0s..24h" },
        { "{ipAddressPools: [six], failback: {holdDown: 25h}}", "spec.failback.holdDown: 90000s: must be 0s..24h" },
        { "{ipAddressPools: [six], failback: {maxHoldDown: 25h}}", "spec.failback.maxHoldDown: 90000s: must be 0s..24h" },
        { "{ipAddressPools: [six], failback: {holdDown: 2m, maxHoldDown: 1m}}", "spec.failback.maxHoldDown: 60s: must not be shorter than holdDown" },
        { "{ipAddressPools: [six], failback: 2m}", "spec.failback: \"2m\": is not of the type that this field has" },
        { "{ipAddressPools: [six], preferredNodeSelectors: [{weight: 0, preference: {matchLabels: {a: b}}}]}", "spec.preferredNodeSelectors[0].weight: 0: must be 1..100" },
        { "{ipAddressPools: [six], requireMajority: mostly}", "spec.requireMajority: \"mostly\": is not of the type that this field has" },
        { "{ipAddressPools: [six], requireMajority: true}", "spec.requireMajority: true: is refused with fewer than 3 nodes, and there are 2: until there are more, both sides of a partition announce" },
        { "{ipAddressPools: [lab]}", "spec.ipAddressPools: lab: AnnouncementPolicy bounded is about this IPAddressPool too, comes first by name, and counts" },
    };

    public static TheoryData<string, string> BGPPolicies { get; } = new()
    {
        { "{peers: [echoing, echoing]}", "spec.peers[1]: echoing: is listed twice" },
        { "{peers: [spine]}", "spec.peers[0]: spine: there is no such BGPPeer" },
        { "{peers: tor}", "spec.peers: \"tor\": is not of the type that this field has" },
        { "{peers: [echoing, tor]}", "spec.peers[1]: tor: BGPPolicy base is about this BGPPeer too, and a node has both" },
        { "{}", "spec.peers: without names it is about all BGPPeers, and BGPPolicy base is about some, too, on the same node" },
        { "{peers: [echoing], nodeSelectors: [{matchLabels: {a: b}}, {matchLabels: {a: b}}]}", "spec.nodeSelectors[1]: a in (b): is listed twice" },
        { "{peers: [echoing], nodeSelectors: [{matchExpressions: [{key: a, operator: Is}]}]}", "spec.nodeSelectors[0].matchExpressions[0].operator: Is: must be In, NotIn, Exists or DoesNotExist" },
        { "{peers: [echoing], med: -1}", "spec.med: -1: must be 0..4294967295" },
        { "{peers: [echoing], med: 4294967296}", "spec.med: 4294967296: must be 0..4294967295" },
        { "{peers: [echoing], med: low}", "spec.med: \"low\": is not of the type that this field has" },
        { "{peers: [echoing], prepend: 17}", "spec.prepend: 17: must be 0..16" },
        { "{peers: [echoing], linkBandwidthPerEndpoint: 0}", "spec.linkBandwidthPerEndpoint: 0: must be 1..2147483647" },
        { "{peers: [echoing], linkBandwidthPerEndpoint: 1.5}", "spec.linkBandwidthPerEndpoint: 1.5: is not of the type that this field has" },
        { "{peers: [echoing], ttlSecurityHops: 255}", "spec.ttlSecurityHops: 255: must be 1..254" },
        { "{peers: [echoing], ttlSecurityHops: 1}", "spec.ttlSecurityHops: 1: BGPPeer echoing has ebgpMultiHop, which says the opposite: only one of both" },
        { "{peers: [echoing], linkLocalNextHop: Global}", "spec.linkLocalNextHop: Global: must be global, single, double or unspecified-first" },
        { "{peers: [echoing], passive: mostly}", "spec.passive: \"mostly\": is not of the type that this field has" },
        { "{peers: [echoing], listenRanges: [10.0.0.0/33]}", "spec.listenRanges[0]: 10.0.0.0/33: must be a CIDR block such as 192.0.2.0/24" },
        { "{peers: [echoing], listenRanges: [10.0.0.1]}", "spec.listenRanges[0]: 10.0.0.1: must be a CIDR block such as 192.0.2.0/24" },
        { "{peers: [echoing], listenRanges: ['fd00::/64', 'fd00::1/64']}", "spec.listenRanges[1]: fd00::1/64: is listed twice" },
        { "{nodeSelectors: [{matchLabels: {rack: nowhere}}], listenRanges: [10.0.0.0/24]}", "spec.listenRanges: need exactly one name in peers: that BGPPeer says how these sessions are" },
        { "{peers: [echoing], listenRanges: [10.0.0.0/24], listenLimit: 0}", "spec.listenLimit: 0: must be 1..10000" },
        { "{peers: [echoing], listenLimit: 5}", "spec.listenLimit: 5: limits nothing without listenRanges" },
        { "{peers: [echoing], tcpMSS: 535}", "spec.tcpMSS: 535: must be 536..9000" },
        { "{peers: [echoing], maxPrefixes: 0}", "spec.maxPrefixes: 0: must be 1..2147483647" },
    };

    public static TheoryData<string, string> IPAddressPools { get; } = new()
    {
        { "{}", "spec.addresses: at least one CIDR block or range is required" },
        { "{addresses: []}", "spec.addresses: at least one CIDR block or range is required" },
        { "{addresses: [10.9.0.0/24, 10.9.1.9-10.9.1.1]}", "spec.addresses[1]: 10.9.1.9-10.9.1.1: range ends before it starts" },
        { "{addresses: [10.9.0.1]}", "spec.addresses[0]: 10.9.0.1: a single address is written 10.9.0.1/32" },
        { "{addresses: [ten]}", "spec.addresses[0]: ten: must be a CIDR block or a range start-end" },
        { "{addresses: ['']}", "spec.addresses[0]: must be a CIDR block or a range start-end" },
        { "{addresses: [null]}", "spec.addresses[0]: must be a CIDR block or a range start-end" },
        { "{addresses: [10.9.0.0/33]}", "spec.addresses[0]: 10.9.0.0/33: the prefix length must be 0..32" },
        { "{addresses: ['fd01::/129']}", "spec.addresses[0]: fd01::/129: the prefix length must be 0..128" },
        { "{addresses: [10.9.0/24]}", "spec.addresses[0]: 10.9.0/24: the part before '/' is not an IP address" },
        { "{addresses: [10.9.0.1-10.9.0.x]}", "spec.addresses[0]: 10.9.0.1-10.9.0.x: the end of the range is not an IP address" },
        { "{addresses: ['10.9.0.1-fd01::1']}", "spec.addresses[0]: 10.9.0.1-fd01::1: range starts and ends in different address families" },
        { "{addresses: [10.9.0.0/24, 10.9.0.200 - 10.9.0.210]}", "spec.addresses[1]: 10.9.0.200 - 10.9.0.210: overlaps 10.9.0.0-10.9.0.255 of the same pool" },
        { "{addresses: [192.168.100.0/24]}", "spec.addresses[0]: 192.168.100.0-192.168.100.255: overlaps 192.168.100.240-192.168.100.249 of IPAddressPool lab" },
        { "{addresses: ['fd00::ff/128']}", "spec.addresses[0]: fd00::ff-fd00::ff: overlaps fd00::-fd00::ff of IPAddressPool six" },
        { "{addresses: 10.9.0.0/24}", "spec.addresses: \"10.9.0.0/24\": is not of the type that this field has" },
        { "{addresses: [10.9.0.0/24], autoAssign: maybe}", "spec.autoAssign: \"maybe\": is not of the type that this field has" },
        { "{addresses: [10.9.0.0/24], serviceAllocation: {priority: -1}}", "spec.serviceAllocation.priority: -1: must not be negative" },
        { "{addresses: [10.9.0.0/24], serviceAllocation: {namespaces: [a, b, a]}}", "spec.serviceAllocation.namespaces[2]: a: is listed twice" },
        { "{addresses: [10.9.0.0/24], serviceAllocation: {namespaceSelectors: [{matchLabels: {a: b}}, {matchLabels: {a: b}}]}}", "spec.serviceAllocation.namespaceSelectors[1]: a in (b): is listed twice" },
        { "{addresses: [10.9.0.0/24], serviceAllocation: {serviceSelectors: [{matchExpressions: [{key: a, operator: Is, values: [b]}]}]}}", "spec.serviceAllocation.serviceSelectors[0].matchExpressions[0].operator: Is: must be In, NotIn, Exists or DoesNotExist" },
    };

    public static TheoryData<string, string> L2Advertisements { get; } = new()
    {
        { "{ipAddressPools: [lab, six, lab]}", "spec.ipAddressPools[2]: lab: is listed twice" },
        { "{interfaces: [eth0, eth0]}", "spec.interfaces[1]: eth0: is listed twice" },
        { "{nodeSelectors: [{matchLabels: {a: b}}, {matchExpressions: [{key: a, operator: In, values: [b]}]}]}", "spec.nodeSelectors[1]: a in (b): is listed twice" },
        { "{serviceSelectors: [{}, {}]}", "spec.serviceSelectors[1]: is listed twice" },
        { "{ipAddressPoolSelectors: [{matchExpressions: [{key: zone, operator: In, values: [a, b, a]}]}]}", "spec.ipAddressPoolSelectors[0].matchExpressions[0].values: a: is listed twice" },
        { "{nodeSelectors: [{matchExpressions: [{key: a, operator: In, values: [b, c]}, {key: a, operator: In, values: [c, b]}]}]}", "spec.nodeSelectors[0].matchExpressions[1]: a in (b,c): is listed twice" },
        { "{nodeSelectors: [{matchExpressions: [{key: a, operator: Exists, values: [b]}]}]}", "spec.nodeSelectors[0].matchExpressions[0].values: b: Exists takes no values" },
        { "{nodeSelectors: [{matchExpressions: [{key: a, operator: NotIn}]}]}", "spec.nodeSelectors[0].matchExpressions[0].values: NotIn needs at least one value" },
        { "{nodeSelectors: [{matchExpressions: [{operator: Exists}]}]}", "spec.nodeSelectors[0].matchExpressions[0].key: a label key is required" },
        { "{nodeSelectors: [{matchExpressions: [null]}]}", "spec.nodeSelectors[0].matchExpressions[0].key: a label key is required; spec.nodeSelectors[0].matchExpressions[0].operator: must be In, NotIn, Exists or DoesNotExist" },
        { "{nodeSelectors: [{matchLabels: {'rack!': b}}]}", "spec.nodeSelectors[0].matchLabels: rack!: is not a label key: an optional DNS name and '/', then up to 63 letters, digits, '-', '_' or '.'" },
        { "{nodeSelectors: [{matchLabels: {rack: -b}}]}", "spec.nodeSelectors[0].matchLabels[rack]: -b: is not a label value: up to 63 letters, digits, '-', '_' or '.', beginning and ending with a letter or digit" },
        { "{preferredNodeSelectors: [{weight: 101, preference: {matchLabels: {a: b}}}]}", "spec.preferredNodeSelectors[0].weight: 101: must be 1..100" },
        { "{preferredNodeSelectors: [{weight: 1, preference: {matchLabels: {a: b}}}, {preference: {matchLabels: {a: c}}}]}", "spec.preferredNodeSelectors[1].weight: 0: must be 1..100" },
        { "{interfaces: {eth0: true}}", "spec.interfaces: {\"eth0\":true}: is not of the type that this field has" },
        { "[lab]", "spec: [\"lab\"]: is not of the type that this field has" },
        { "{ipAddressPools: [lab, laab]}", "spec.ipAddressPools[1]: laab: there is no such IPAddressPool" },
    };

    public static TheoryData<string, string> BGPAdvertisements { get; } = new()
    {
        { "{aggregationLength: 0}", "spec.aggregationLength: 0: must be 1..32" },
        { "{aggregationLength: 33}", "spec.aggregationLength: 33: must be 1..32" },
        { "{aggregationLengthV6: 129}", "spec.aggregationLengthV6: 129: must be 1..128" },
        { "{aggregationLength: 28, ipAddressPools: [lab]}", "spec.aggregationLength: 28: is shorter than the /29 that 192.168.100.240-192.168.100.249 of IPAddressPool lab has room for" },
        { "{aggregationLengthV6: 119, ipAddressPools: [six], peers: [tor]}", "spec.aggregationLengthV6: 119: is shorter than the /120 that fd00::-fd00::ff of IPAddressPool six has room for" },
        { "{localPref: -1}", "spec.localPref: -1: must be 0..4294967295" },
        { "{localPref: 4294967296}", "spec.localPref: 4294967296: must be 0..4294967295" },
        { "{ipAddressPools: [lab], localPref: 200}", "spec.localPref: 200: BGPAdvertisement bgp announces the same prefixes of IPAddressPool lab with localPref 100" },
        { "{ipAddressPoolSelectors: [{matchLabels: {zone: a}}]}", "spec.localPref: 0: BGPAdvertisement bgp announces the same prefixes of IPAddressPool lab with localPref 100" },
        { "{ipAddressPools: [lab], communities: [no-export, '64512:1'], localPref: 100, peers: [tor]}", "spec: BGPAdvertisement bgp says exactly the same" },
        { "{ipAddressPools: [lab], localPref: 100, communities: ['65536:1']}", "spec.communities[0]: 65536:1: each of the two numbers of a community must be 0..65535" },
        { "{ipAddressPools: [lab], localPref: 100, communities: ['64512:']}", "spec.communities[0]: 64512:: each of the two numbers of a community must be 0..65535" },
        { "{ipAddressPools: [lab], localPref: 100, communities: ['large:1:2:4294967296']}", "spec.communities[0]: large:1:2:4294967296: each of the three numbers of a large community must be 0..4294967295" },
        { "{ipAddressPools: [lab], localPref: 100, communities: ['ext:1:2:3']}", "spec.communities[0]: ext:1:2:3: must be number:number, or large:number:number:number" },
        { "{ipAddressPools: [lab], localPref: 100, communities: [no-export, no-exprt]}", "spec.communities[1]: no-exprt: no Community gives this name a value" },
        { "{ipAddressPools: [lab], localPref: 100, communities: [no-export, no-export]}", "spec.communities[1]: no-export: is listed twice" },
        { "{ipAddressPools: [lab, lab]}", "spec.ipAddressPools[1]: lab: is listed twice" },
        { "{ipAddressPools: [lab], localPref: 100, peers: [tor, tor]}", "spec.peers[1]: tor: is listed twice" },
        { "{nodeSelectors: [{matchLabels: {a: b}}, {matchLabels: {a: b}}]}", "spec.nodeSelectors[1]: a in (b): is listed twice" },
        { "{ipAddressPools: [lab], serviceSelectors: [{matchLabels: {a: b}}], aggregationLength: 30}", "spec.serviceSelectors: cannot be combined with an aggregationLength other than 32" },
        { "{ipAddressPools: [lab], serviceSelectors: [{matchLabels: {a: b}}], aggregationLengthV6: 127}", "spec.serviceSelectors: cannot be combined with an aggregationLengthV6 other than 128" },
        { "{ipAddressPools: [laab]}", "spec.ipAddressPools[0]: laab: there is no such IPAddressPool" },
        { "{ipAddressPools: [lab], localPref: 100, peers: [tor, spine]}", "spec.peers[1]: spine: there is no such BGPPeer" },
        { "{ipAddressPools: [six]}", "spec.peers: echoing: its BFDProfile echo has echoMode, which is for IPv4 only, and IPAddressPool six has IPv6 addresses" },
        { "{localPref: high}", "spec.localPref: \"high\": is not of the type that this field has" },
    };

    public static TheoryData<string, string> BGPPeers { get; } = new()
    {
        { "{peerASN: 1, peerAddress: 10.0.0.9}", "spec.myASN: 0: must be 1..4294967295" },
        { "{myASN: 4294967296, peerASN: 1, peerAddress: 10.0.0.9}", "spec.myASN: 4294967296: must be 1..4294967295" },
        { "{myASN: 64512, peerASN: -1, peerAddress: 10.0.0.9}", "spec.peerASN: -1: must be 0..4294967295" },
        { "{myASN: 64512, peerAddress: 10.0.0.9}", "spec.peerASN: exactly one of peerASN and dynamicASN is required" },
        { "{myASN: 64512, peerASN: 1, dynamicASN: external, peerAddress: 10.0.0.9}", "spec.dynamicASN: external: exactly one of peerASN and dynamicASN is required" },
        { "{myASN: 64512, dynamicASN: any, peerAddress: 10.0.0.9}", "spec.dynamicASN: any: must be internal or external" },
        { "{myASN: 64512, peerASN: 1, localASN: 0, peerAddress: 10.0.0.9}", "spec.localASN: 0: must be 1..4294967295" },
        { "{myASN: 64512, peerASN: 1}", "spec.peerAddress: exactly one of peerAddress and interface is required" },
        { "{myASN: 64512, peerASN: 1, peerAddress: 10.0.0.9, interface: eth1}", "spec.interface: eth1: exactly one of peerAddress and interface is required" },
        { "{myASN: 64512, peerASN: 1, peerAddress: tor.example}", "spec.peerAddress: tor.example: is not an IP address" },
        { "{myASN: 64512, peerASN: 1, interface: \"eth1\\nx\"}", "spec.interface: eth1 x: must not contain a line break" },
        { "{myASN: 64512, peerASN: 1, peerAddress: 10.0.0.9, sourceAddress: eth0}", "spec.sourceAddress: eth0: is not an IP address" },
        { "{myASN: 64512, peerASN: 1, peerAddress: 10.0.0.9, peerPort: 16385}", "spec.peerPort: 16385: must be 0..16384" },
        { "{myASN: 64512, peerASN: 1, peerAddress: 10.0.0.9, holdTime: 2s}", "spec.holdTime: 2s: the hold time must be 0 or 3s..65535s" },
        { "{myASN: 64512, peerASN: 1, peerAddress: 10.0.0.9, holdTime: 20h}", "spec.holdTime: 20h: the hold time must be 0 or 3s..65535s" },
        { "{myASN: 64512, peerASN: 1, peerAddress: 10.0.0.9, holdTime: '90'}", "spec.holdTime: 90: is not a duration such as 90s or 1m30s" },
        { "{myASN: 64512, peerASN: 1, peerAddress: 10.0.0.9, holdTime: 30s, keepaliveTime: 31s}", "spec.keepaliveTime: 31s: must be 0s or more and not above the hold time of 30s" },
        { "{myASN: 64512, peerASN: 1, peerAddress: 10.0.0.9, keepaliveTime: 800ms}", "spec.keepaliveTime: 800ms: the hold time must be 0 or 3s..65535s" },
        { "{myASN: 64512, peerASN: 1, peerAddress: 10.0.0.9, keepaliveTime: ten}", "spec.keepaliveTime: ten: is not a duration such as 90s or 1m30s" },
        { "{myASN: 64512, peerASN: 1, peerAddress: 10.0.0.9, connectTime: 1500ms}", "spec.connectTime: 1500ms: must be whole seconds, 1s..65535s" },
        { "{myASN: 64512, peerASN: 1, peerAddress: 10.0.0.9, connectTime: 0s}", "spec.connectTime: 0s: must be whole seconds, 1s..65535s" },
        { "{myASN: 64512, peerASN: 1, peerAddress: 10.0.0.9, routerID: 'fd00::1'}", "spec.routerID: fd00::1: must be an IPv4 address other than 0.0.0.0" },
        { "{myASN: 64512, peerASN: 1, peerAddress: 10.0.0.1}", "spec.peerAddress: 10.0.0.1: BGPPeer tor is the same peer, and a node has both" },
        { "{myASN: 64512, peerASN: 1, peerAddress: '::ffff:10.0.0.1'}", "spec.peerAddress: 10.0.0.1: BGPPeer tor is the same peer, and a node has both" },
        { "{myASN: 64512, peerASN: 64512, peerAddress: 10.0.0.9, ebgpMultiHop: true}", "spec.ebgpMultiHop: true: the peer is in our own AS: multihop is for external peers" },
        { "{myASN: 64512, peerASN: 1, peerAddress: 10.0.0.9, vrf: \"red\\n\"}", "spec.vrf: red : must not contain a line break" },
        { "{myASN: 64512, peerASN: 1, peerAddress: 10.0.0.9, nodeSelectors: [{matchLabels: {a: b}}, {matchLabels: {a: b}}]}", "spec.nodeSelectors[1]: a in (b): is listed twice" },
        { "{myASN: 64512, peerASN: 1, peerAddress: 10.0.0.9, bfdProfile: slow}", "spec.bfdProfile: slow: there is no such BFDProfile" },
        { "{myASN: x, peerASN: 1, peerAddress: 10.0.0.9}", "spec.myASN: \"x\": is not of the type that this field has" },
    };

    public static TheoryData<string, string> BFDProfiles { get; } = new()
    {
        { "{receiveInterval: 9}", "spec.receiveInterval: 9: must be 10..60000" },
        { "{transmitInterval: 60001}", "spec.transmitInterval: 60001: must be 10..60000" },
        { "{echoInterval: 0}", "spec.echoInterval: 0: must be 10..60000" },
        { "{detectMultiplier: 1}", "spec.detectMultiplier: 1: must be 2..255" },
        { "{detectMultiplier: 256}", "spec.detectMultiplier: 256: must be 2..255" },
        { "{minimumTtl: 255}", "spec.minimumTtl: 255: must be 1..254" },
        { "{minimumTtl: -9223372036854775808}", "spec.minimumTtl: -9223372036854775808: must be 1..254" },
        { "{echoMode: 'yes'}", "spec.echoMode: \"yes\": is not of the type that this field has" },
    };

    public static TheoryData<string, string> Communities { get; } = new()
    {
        { "{communities: [{name: a, value: '1:2'}, {name: a, value: '1:3'}]}", "spec.communities[1].name: a: is listed twice" },
        { "{communities: [{name: a, value: '1:2'}, {name: no-export, value: '1:3'}]}", "spec.communities[1].name: no-export: Community well-known has the same name" },
        { "{communities: [{name: a, value: '1:70000'}]}", "spec.communities[0].value: 1:70000: each of the two numbers of a community must be 0..65535" },
        { "{communities: [{name: a, value: 'large:1:2:-3'}]}", "spec.communities[0].value: large:1:2:-3: each of the three numbers of a large community must be 0..4294967295" },
        { "{communities: [{name: a, value: no-export}]}", "spec.communities[0].value: no-export: must be number:number, or large:number:number:number" },
        { "{communities: [{name: a}]}", "spec.communities[0].value: must be number:number, or large:number:number:number" },
        { "{communities: [null]}", "spec.communities[0].value: must be number:number, or large:number:number:number" },
        { "{communities: {a: '1:2'}}", "spec.communities: {\"a\":\"1:2\"}: is not of the type that this field has" },
    };
}

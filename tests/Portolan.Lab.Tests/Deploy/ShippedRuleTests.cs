using System.Text.Json.Nodes;
using Portolan.Lab.ApiServer.Http;
using Portolan.Lab.ApiServer.Schema;
using Portolan.Lab.Tests.Schema;

namespace Portolan.Lab.Tests.Deploy;

/// <summary>Objects of metallb.io before an API server that has nothing but the definitions: what one object can say about itself is judged without a webhook.</summary>
public sealed class ShippedRuleTests
{
    private static readonly Dictionary<(string, string), KindSchema> _kinds = [];

    /// <summary>Kind, version, spec (YAML flow form), and what a user reads; nothing where the object is fine.</summary>
    public static TheoryData<string, string, string, string> Cases { get; } = new()
    {
        // IPAddressPool
        { "IPAddressPool", "v1beta1", "{addresses: [192.0.2.0/24, 192.0.2.10-192.0.2.20, '192.0.3.1 - 192.0.3.9', 'fd00::/64', '2001:db8::1-2001:db8::ff', '::ffff:10.0.0.1/128', 10.0.0.5/8]}", "" },
        { "IPAddressPool", "v1beta1", "{addresses: [192.0.2.0/24], autoAssign: false, avoidBuggyIPs: true, serviceAllocation: {priority: -1, namespaces: [a, b], namespaceSelectors: [{matchLabels: {a: b}}], serviceSelectors: [{matchExpressions: [{key: a, operator: In, values: [b]}, {key: c, operator: Exists}]}]}}", "" },
        { "IPAddressPool", "v1beta1", "{}", "spec.addresses: Required value" },
        { "IPAddressPool", "v1beta1", "{addresses: []}", "spec.addresses: Invalid value: 0: spec.addresses in body should have at least 1 items" },
        { "IPAddressPool", "v1beta1", "{addresses: [192.0.2.1]}", "spec.addresses[0]: Invalid value: \"string\": 192.0.2.1: must be a CIDR block like 192.0.2.0/24 or a range like 192.0.2.10-192.0.2.20" },
        { "IPAddressPool", "v1beta1", "{addresses: [192.0.2.0/24, 192.0.2.0/33]}", "spec.addresses[1]: Invalid value: \"string\": 192.0.2.0/33: must be a CIDR block like 192.0.2.0/24 or a range like 192.0.2.10-192.0.2.20" },
        { "IPAddressPool", "v1beta1", "{addresses: [192.0.2/24]}", "spec.addresses[0]: Invalid value: \"string\": 192.0.2/24: must be a CIDR block like 192.0.2.0/24 or a range like 192.0.2.10-192.0.2.20" },
        { "IPAddressPool", "v1beta1", "{addresses: ['fd00::/129']}", "spec.addresses[0]: Invalid value: \"string\": fd00::/129: must be a CIDR block like 192.0.2.0/24 or a range like 192.0.2.10-192.0.2.20" },
        { "IPAddressPool", "v1beta1", "{addresses: ['192.0.2.1-fd00::1']}", "spec.addresses[0]: Invalid value: \"string\": 192.0.2.1-fd00::1: must be a CIDR block like 192.0.2.0/24 or a range like 192.0.2.10-192.0.2.20" },
        { "IPAddressPool", "v1beta1", "{addresses: [192.0.2.256/24]}", "spec.addresses[0]: Invalid value: \"string\": 192.0.2.256/24: has a part that is not a number from 0 to 255" },
        { "IPAddressPool", "v1beta1", "{addresses: [192.0.2.1-192.0.2.010]}", "spec.addresses[0]: Invalid value: \"string\": 192.0.2.1-192.0.2.010: has a part that is not a number from 0 to 255" },
        { "IPAddressPool", "v1beta1", "{addresses: [192.0.2.0/24], serviceAllocation: {namespaces: [a, b, a]}}", "spec.serviceAllocation.namespaces: Invalid value: \"array\": a namespace must be named once only" },
        { "IPAddressPool", "v1beta1", "{addresses: [192.0.2.0/24], serviceAllocation: {namespaceSelectors: [{matchExpressions: [{key: a, operator: Is}]}]}}", "spec.serviceAllocation.namespaceSelectors[0].matchExpressions[0].operator: Invalid value: \"object\": must be In, NotIn, Exists or DoesNotExist" },
        { "IPAddressPool", "v1beta1", "{addresses: [192.0.2.0/24], serviceAllocation: {serviceSelectors: [{matchExpressions: [{key: a, operator: In}]}]}}", "spec.serviceAllocation.serviceSelectors[0].matchExpressions[0].values: Invalid value: \"object\": In and NotIn need at least one value, Exists and DoesNotExist take none" },

        // L2Advertisement
        { "L2Advertisement", "v1beta1", "{}", "" },
        { "L2Advertisement", "v1beta1", "{ipAddressPools: [a, b], interfaces: [eth0], nodeSelectors: [{matchLabels: {a: b}}], preferredNodeSelectors: [{weight: 100, preference: {matchLabels: {a: b}}}], serviceSelectors: [{}], ipAddressPoolSelectors: [{}]}", "" },
        { "L2Advertisement", "v1beta1", "{ipAddressPools: [a, a]}", "spec.ipAddressPools: Invalid value: \"array\": a pool must be named once only" },
        { "L2Advertisement", "v1beta1", "{preferredNodeSelectors: [{weight: 101, preference: {}}]}", "spec.preferredNodeSelectors[0].weight: Invalid value: 101: spec.preferredNodeSelectors[0].weight in body should be less than or equal to 100" },
        { "L2Advertisement", "v1beta1", "{preferredNodeSelectors: [{weight: 1, preference: {matchExpressions: [{key: a, operator: Exists, values: [b]}]}}]}", "spec.preferredNodeSelectors[0].preference.matchExpressions[0].values: Invalid value: \"object\": In and NotIn need at least one value, Exists and DoesNotExist take none" },

        // AnnouncementPolicy of portolan.dev
        { "AnnouncementPolicy", "v1alpha1", "{}", "" },
        { "AnnouncementPolicy", "v1alpha1", "{ipAddressPools: [a, b], ipAddressPoolSelectors: [{matchLabels: {a: b}}], placement: bounded, announceFrom: one, onConflict: yield, requireMajority: true, failback: {holdDown: 30s, maxHoldDown: 10m}, preferredNodeSelectors: [{weight: 100, preference: {matchLabels: {a: b}}}]}", "" },
        { "AnnouncementPolicy", "v1alpha1", "{placement: hash, announceFrom: all, onConflict: defend, failback: {holdDown: 0s}}", "" },
        { "AnnouncementPolicy", "v1alpha1", "{onConflict: refuse, failback: {maxHoldDown: 24h}}", "" },
        { "AnnouncementPolicy", "v1alpha1", "{placement: even}", "spec.placement: Unsupported value: \"even\": supported values: \"hash\", \"bounded\"" },
        { "AnnouncementPolicy", "v1alpha1", "{announceFrom: All}", "spec.announceFrom: Unsupported value: \"All\": supported values: \"one\", \"all\"" },
        { "AnnouncementPolicy", "v1alpha1", "{onConflict: fight}", "spec.onConflict: Unsupported value: \"fight\": supported values: \"defend\", \"yield\", \"refuse\"" },
        { "AnnouncementPolicy", "v1alpha1", "{placement: bounded, announceFrom: all}", "spec.placement: Invalid value: \"object\": bounded is of no use with announceFrom: all, which places clients instead of addresses" },
        { "AnnouncementPolicy", "v1alpha1", "{ipAddressPools: [a, a]}", "spec.ipAddressPools: Invalid value: \"array\": a pool must be named once only" },
        { "AnnouncementPolicy", "v1alpha1", "{failback: {holdDown: soon}}", "spec.failback.holdDown: Invalid value: \"string\": soon: must be a duration like 90s or 1m30s" },
        { "AnnouncementPolicy", "v1alpha1", "{failback: {holdDown: -1s}}", "spec.failback.holdDown: Invalid value: \"string\": -1s: must be 0s to 24h" },
        { "AnnouncementPolicy", "v1alpha1", "{failback: {maxHoldDown: '9'}}", "spec.failback.maxHoldDown: Invalid value: \"string\": 9: must be a duration like 90s or 1m30s" },
        { "AnnouncementPolicy", "v1alpha1", "{failback: {maxHoldDown: 24h1s}}", "spec.failback.maxHoldDown: Invalid value: \"string\": 24h1s: must be 0s to 24h" },
        { "AnnouncementPolicy", "v1alpha1", "{failback: {holdDown: 2m, maxHoldDown: 119s}}", "spec.failback.maxHoldDown: Invalid value: \"object\": must not be shorter than holdDown" },
        { "AnnouncementPolicy", "v1alpha1", "{preferredNodeSelectors: [{weight: 0, preference: {}}]}", "spec.preferredNodeSelectors[0].weight: Invalid value: 0: spec.preferredNodeSelectors[0].weight in body should be greater than or equal to 1" },

        // BGPAdvertisement
        { "BGPAdvertisement", "v1beta1", "{}", "" },
        { "BGPAdvertisement", "v1beta1", "{aggregationLength: 24, aggregationLengthV6: 64, localPref: 4294967295, communities: ['65535:0', 'large:4294967295:0:1', no-export, 'our:alias:of-three'], peers: [a], ipAddressPools: [b]}", "" },
        { "BGPAdvertisement", "v1beta1", "{serviceSelectors: [{matchLabels: {a: b}}]}", "" },
        { "BGPAdvertisement", "v1beta1", "{aggregationLength: 0}", "spec.aggregationLength: Invalid value: 0: spec.aggregationLength in body should be greater than or equal to 1" },
        { "BGPAdvertisement", "v1beta1", "{aggregationLength: 33}", "spec.aggregationLength: Invalid value: 33: spec.aggregationLength in body should be less than or equal to 32" },
        { "BGPAdvertisement", "v1beta1", "{localPref: 4294967296}", "spec.localPref: Invalid value: 4294967296: spec.localPref in body should be less than or equal to 4294967295" },
        { "BGPAdvertisement", "v1beta1", "{communities: ['65536:1']}", "spec.communities[0]: Invalid value: \"string\": a community is two numbers up to 65535" },
        { "BGPAdvertisement", "v1beta1", "{communities: ['1:99999999999999999999999']}", "spec.communities[0]: Invalid value: \"string\": a community is two numbers up to 65535" },
        { "BGPAdvertisement", "v1beta1", "{communities: ['large:1:2']}", "spec.communities[0]: Invalid value: \"string\": a large community is large: and three numbers up to 4294967295" },
        { "BGPAdvertisement", "v1beta1", "{communities: ['large:1:2:4294967296']}", "spec.communities[0]: Invalid value: \"string\": a large community is large: and three numbers up to 4294967295" },
        { "BGPAdvertisement", "v1beta1", "{communities: ['1:1', a, '1:1']}", "spec.communities: Invalid value: \"array\": a community must be named once only" },
        { "BGPAdvertisement", "v1beta1", "{ipAddressPools: [a, b, b]}", "spec.ipAddressPools: Invalid value: \"array\": a pool must be named once only" },
        { "BGPAdvertisement", "v1beta1", "{peers: [a, a]}", "spec.peers: Invalid value: \"array\": a peer must be named once only" },
        { "BGPAdvertisement", "v1beta1", "{aggregationLength: 24, serviceSelectors: [{}]}", "spec.aggregationLength: Invalid value: \"object\": must be 32 when serviceSelectors are given" },
        { "BGPAdvertisement", "v1beta1", "{aggregationLengthV6: 64, serviceSelectors: [{}]}", "spec.aggregationLengthV6: Invalid value: \"object\": must be 128 when serviceSelectors are given" },

        // BGPPolicy of portolan.dev
        { "BGPPolicy", "v1alpha1", "{}", "" },
        { "BGPPolicy", "v1alpha1", "{peers: [a], nodeSelectors: [{matchLabels: {a: b}}], med: 4294967295, prepend: 16, linkBandwidthPerEndpoint: 1, ttlSecurityHops: 254, linkLocalNextHop: unspecified-first, passive: true, listenRanges: [10.0.0.0/8, 'fd00::/64', '::/0'], listenLimit: 10000, tcpMSS: 9000, maxPrefixes: 2147483647}", "" },
        { "BGPPolicy", "v1alpha1", "{peers: [a, b], med: 0, prepend: 0, linkLocalNextHop: double, listenRanges: [], tcpMSS: 536}", "" },
        { "BGPPolicy", "v1alpha1", "{peers: [a, a]}", "spec.peers: Invalid value: \"array\": a peer must be named once only" },
        { "BGPPolicy", "v1alpha1", "{med: 4294967296}", "spec.med: Invalid value: 4294967296: spec.med in body should be less than or equal to 4294967295" },
        { "BGPPolicy", "v1alpha1", "{prepend: 17}", "spec.prepend: Invalid value: 17: spec.prepend in body should be less than or equal to 16" },
        { "BGPPolicy", "v1alpha1", "{linkBandwidthPerEndpoint: 0}", "spec.linkBandwidthPerEndpoint: Invalid value: 0: spec.linkBandwidthPerEndpoint in body should be greater than or equal to 1" },
        { "BGPPolicy", "v1alpha1", "{ttlSecurityHops: 255}", "spec.ttlSecurityHops: Invalid value: 255: spec.ttlSecurityHops in body should be less than or equal to 254" },
        { "BGPPolicy", "v1alpha1", "{linkLocalNextHop: both}", "spec.linkLocalNextHop: Unsupported value: \"both\": supported values: \"global\", \"single\", \"double\", \"unspecified-first\"" },
        { "BGPPolicy", "v1alpha1", "{peers: [a], listenRanges: [10.0.0.1]}", "spec.listenRanges[0]: Invalid value: \"string\": 10.0.0.1: must be a CIDR block like 192.0.2.0/24" },
        { "BGPPolicy", "v1alpha1", "{peers: [a], listenRanges: [10.0.0.0/8, 10.0.0.0/8]}", "spec.listenRanges: Invalid value: \"array\": a block must be named once only" },
        { "BGPPolicy", "v1alpha1", "{peers: [a, b], listenRanges: [10.0.0.0/8]}", "spec.listenRanges: Invalid value: \"object\": need exactly one name in peers: that BGPPeer says how these sessions are" },
        { "BGPPolicy", "v1alpha1", "{listenRanges: [10.0.0.0/8]}", "spec.listenRanges: Invalid value: \"object\": need exactly one name in peers: that BGPPeer says how these sessions are" },
        { "BGPPolicy", "v1alpha1", "{peers: [a], listenLimit: 5}", "spec.listenLimit: Invalid value: \"object\": limits nothing without listenRanges" },
        { "BGPPolicy", "v1alpha1", "{tcpMSS: 535}", "spec.tcpMSS: Invalid value: 535: spec.tcpMSS in body should be greater than or equal to 536" },
        { "BGPPolicy", "v1alpha1", "{maxPrefixes: 0}", "spec.maxPrefixes: Invalid value: 0: spec.maxPrefixes in body should be greater than or equal to 1" },

        // BFDProfile
        { "BFDProfile", "v1beta1", "{receiveInterval: 10, transmitInterval: 60000, echoInterval: 50, detectMultiplier: 255, minimumTtl: 254, echoMode: true, passiveMode: true}", "" },
        { "BFDProfile", "v1beta1", "{receiveInterval: 9}", "spec.receiveInterval: Invalid value: 9: spec.receiveInterval in body should be greater than or equal to 10" },
        { "BFDProfile", "v1beta1", "{transmitInterval: 60001}", "spec.transmitInterval: Invalid value: 60001: spec.transmitInterval in body should be less than or equal to 60000" },
        { "BFDProfile", "v1beta1", "{detectMultiplier: 1}", "spec.detectMultiplier: Invalid value: 1: spec.detectMultiplier in body should be greater than or equal to 2" },
        { "BFDProfile", "v1beta1", "{minimumTtl: 255}", "spec.minimumTtl: Invalid value: 255: spec.minimumTtl in body should be less than or equal to 254" },

        // Community
        { "Community", "v1beta1", "{communities: [{name: a, value: '1:2'}, {name: b, value: 'large:1:2:4294967295'}]}", "" },
        { "Community", "v1beta1", "{communities: [{name: a, value: '1:65536'}]}", "spec.communities[0].value: Invalid value: \"string\": 1:65536: must be two numbers up to 65535, or large: and three numbers up to 4294967295" },
        { "Community", "v1beta1", "{communities: [{name: a, value: no-export}]}", "spec.communities[0].value: Invalid value: \"string\": no-export: must be two numbers up to 65535, or large: and three numbers up to 4294967295" },
        { "Community", "v1beta1", "{communities: [{name: a}]}", "spec.communities[0].value: Required value: a community needs a value" },
        { "Community", "v1beta1", "{communities: [{name: a, value: '1:2'}, {name: a, value: '1:3'}]}", "spec.communities: Invalid value: \"array\": a name must be given once only" },

        // BGPPeer
        { "BGPPeer", "v1beta2", "{myASN: 64512, peerASN: 64513, peerAddress: 192.0.2.1}", "" },
        { "BGPPeer", "v1beta2", "{myASN: 4294967295, dynamicASN: external, interface: eth0, holdTime: 3s, keepaliveTime: 1s, connectTime: 65535s, vrf: red, localASN: 1, routerID: 10.0.0.1, sourceAddress: '::1', password: x, peerPort: 16384, enableGracefulRestart: true, bfdProfile: b}", "" },
        { "BGPPeer", "v1beta2", "{myASN: 1, peerASN: 2, peerAddress: 'fe80::1', holdTime: 0s, keepaliveTime: 0s, passwordSecret: {name: s}, password: '', ebgpMultiHop: true}", "" },
        { "BGPPeer", "v1beta2", "{myASN: 1, peerASN: 0, dynamicASN: internal, peerAddress: '', interface: eth0, passwordSecret: {}, holdTime: 1m30.5s}", "" },
        { "BGPPeer", "v1beta2", "{myASN: 1, peerASN: 2, peerAddress: 192.0.2.1, keepaliveTime: 1s}", "" },
        { "BGPPeer", "v1beta2", "{peerASN: 2, peerAddress: 192.0.2.1}", "spec.myASN: Required value" },
        { "BGPPeer", "v1beta2", "{myASN: 0, peerASN: 2, peerAddress: 192.0.2.1}", "spec.myASN: Invalid value: \"object\": must not be 0" },
        { "BGPPeer", "v1beta2", "{myASN: 1, peerAddress: 192.0.2.1}", "spec.peerASN: Invalid value: \"object\": exactly one of peerASN and dynamicASN must be given" },
        { "BGPPeer", "v1beta2", "{myASN: 1, peerASN: 2, dynamicASN: external, peerAddress: 192.0.2.1}", "spec.peerASN: Invalid value: \"object\": exactly one of peerASN and dynamicASN must be given" },
        { "BGPPeer", "v1beta2", "{myASN: 1, dynamicASN: both, peerAddress: 192.0.2.1}", "spec.dynamicASN: Unsupported value: \"both\": supported values: \"internal\", \"external\"" },
        { "BGPPeer", "v1beta2", "{myASN: 1, peerASN: 2}", "spec.peerAddress: Invalid value: \"object\": exactly one of peerAddress and interface must be given" },
        { "BGPPeer", "v1beta2", "{myASN: 1, peerASN: 2, peerAddress: 192.0.2.1, interface: eth0}", "spec.peerAddress: Invalid value: \"object\": exactly one of peerAddress and interface must be given" },
        { "BGPPeer", "v1beta2", "{myASN: 1, peerASN: 2, peerAddress: router.example.com}", "spec.peerAddress: Invalid value: \"string\": router.example.com: is not an IP address" },
        { "BGPPeer", "v1beta2", "{myASN: 1, peerASN: 2, peerAddress: 192.0.2.1, sourceAddress: 192.0.2.256}", "spec.sourceAddress: Invalid value: \"string\": 192.0.2.256: is not an IP address" },
        { "BGPPeer", "v1beta2", "{myASN: 1, peerASN: 2, peerAddress: 192.0.2.1, routerID: 'fd00::1'}", "spec.routerID: Invalid value: \"string\": fd00::1: must be written like an IPv4 address" },
        { "BGPPeer", "v1beta2", "{myASN: 1, peerASN: 2, peerAddress: 192.0.2.1, password: a, passwordSecret: {name: b}}", "spec.passwordSecret: Invalid value: \"object\": only one of password and passwordSecret may be given" },
        { "BGPPeer", "v1beta2", "{myASN: 1, peerASN: 1, peerAddress: 192.0.2.1, ebgpMultiHop: true}", "spec.ebgpMultiHop: Invalid value: \"object\": is for external peers: peerASN and myASN are the same" },
        { "BGPPeer", "v1beta2", "{myASN: 1, peerASN: 2, peerAddress: 192.0.2.1, holdTime: 2s}", "spec.holdTime: Invalid value: \"string\": 2s: must be 0s or at least 3s (RFC 4271 section 4.2)" },
        { "BGPPeer", "v1beta2", "{myASN: 1, peerASN: 2, peerAddress: 192.0.2.1, holdTime: '90'}", "spec.holdTime: Invalid value: \"string\": 90: must be a duration like 90s or 1m30s" },
        { "BGPPeer", "v1beta2", "{myASN: 1, peerASN: 2, peerAddress: 192.0.2.1, holdTime: 9s, keepaliveTime: 10s}", "spec.keepaliveTime: Invalid value: \"object\": must not be longer than holdTime" },
        { "BGPPeer", "v1beta2", "{myASN: 1, peerASN: 2, peerAddress: 192.0.2.1, keepaliveTime: 500ms}", "spec.keepaliveTime: Invalid value: \"object\": three times this is the hold time, which must be 0s or at least 3s; give holdTime, or at least 1s here" },
        { "BGPPeer", "v1beta2", "{myASN: 1, peerASN: 2, peerAddress: 192.0.2.1, connectTime: 65536s}", "spec.connectTime: Invalid value: \"string\": must be 1s to 65535s" },
        { "BGPPeer", "v1beta2", "{myASN: 1, peerASN: 2, peerAddress: 192.0.2.1, connectTime: 1500ms}", "spec.connectTime: Invalid value: \"string\": must be whole seconds" },
        { "BGPPeer", "v1beta2", "{myASN: 1, peerASN: 2, peerAddress: 192.0.2.1, peerPort: 0}", "spec.peerPort: Invalid value: 0: spec.peerPort in body should be greater than or equal to 1" },
        { "BGPPeer", "v1beta2", "{myASN: 1, peerASN: 2, peerAddress: 192.0.2.1, localASN: 0}", "spec.localASN: Invalid value: 0: spec.localASN in body should be greater than or equal to 1" },

        // BGPPeer as it was; what v1beta2 has and this has not comes back by conversion, so 0 and nothing must pass for ASN and address.
        { "BGPPeer", "v1beta1", "{myASN: 1, peerASN: 2, peerAddress: 192.0.2.1, peerPort: 0, nodeSelectors: [{matchExpressions: [{key: a, operator: In, values: [b]}]}]}", "" },
        { "BGPPeer", "v1beta1", "{myASN: 1, peerASN: 0, peerAddress: '', holdTime: 30s, keepaliveTime: 10s}", "" },
        { "BGPPeer", "v1beta1", "{myASN: 1, peerAddress: 192.0.2.1}", "spec.peerASN: Required value" },
        { "BGPPeer", "v1beta1", "{myASN: 0, peerASN: 2, peerAddress: 192.0.2.1}", "spec.myASN: Invalid value: \"object\": must not be 0" },
        { "BGPPeer", "v1beta1", "{myASN: 1, peerASN: 1, peerAddress: 192.0.2.1, ebgpMultiHop: true}", "spec.ebgpMultiHop: Invalid value: \"object\": is for external peers: peerASN and myASN are the same" },
        { "BGPPeer", "v1beta1", "{myASN: 1, peerASN: 2, peerAddress: 192.0.2.1, holdTime: 2s, keepaliveTime: x}", "spec.holdTime: Invalid value: \"string\": 2s: must be 0s or at least 3s (RFC 4271 section 4.2)|spec.keepaliveTime: Invalid value: \"string\": x: must be a duration like 90s or 1m30s" },
        { "BGPPeer", "v1beta1", "{myASN: 1, peerASN: 2, peerAddress: 192.0.2.1, holdTime: 9s, keepaliveTime: 10s}", "spec.keepaliveTime: Invalid value: \"object\": must not be longer than holdTime" },
        { "BGPPeer", "v1beta1", "{myASN: 1, peerASN: 2, peerAddress: 192.0.2.1, keepaliveTime: 900ms}", "spec.keepaliveTime: Invalid value: \"object\": three times this is the hold time, which must be 0s or at least 3s; give holdTime, or at least 1s here" },
        { "BGPPeer", "v1beta1", "{myASN: 1, peerASN: 2, peerAddress: there, sourceAddress: here, routerID: x}", "spec.peerAddress: Invalid value: \"string\": there: is not an IP address|spec.routerID: Invalid value: \"string\": x: must be written like an IPv4 address|spec.sourceAddress: Invalid value: \"string\": here: is not an IP address" },
    };

    /// <summary>Kind, version, before, after, and what a user reads.</summary>
    public static TheoryData<string, string, string, string> Changes { get; } = new()
    {
        { "BGPPeer", "{spec: {myASN: 1, peerASN: 2, peerAddress: 192.0.2.1, enableGracefulRestart: true}}", "{spec: {myASN: 1, peerASN: 3, peerAddress: 192.0.2.1, enableGracefulRestart: true}}", "" },
        { "BGPPeer", "{spec: {myASN: 1, peerASN: 2, peerAddress: 192.0.2.1, enableGracefulRestart: true}}", "{spec: {myASN: 1, peerASN: 2, peerAddress: 192.0.2.1, enableGracefulRestart: false}}", "spec.enableGracefulRestart: Invalid value: \"boolean\": cannot be changed: it needs a new session" },
        { "ServiceL2Status", "{status: {node: a, serviceName: b, serviceNamespace: c}}", "{status: {node: a, serviceName: b, serviceNamespace: c, interfaces: [{name: eth0}]}}", "" },
        { "ServiceL2Status", "{status: {}}", "{status: {node: a, serviceName: b, serviceNamespace: c}}", "" },
        { "ServiceL2Status", "{status: {node: a, serviceName: b, serviceNamespace: c}}", "{status: {node: x, serviceName: y, serviceNamespace: z}}", "status.node: Invalid value: \"string\": cannot be changed|status.serviceName: Invalid value: \"string\": cannot be changed|status.serviceNamespace: Invalid value: \"string\": cannot be changed" },
    };

    [Theory]
    [MemberData(nameof(Cases))]
    [Contract("§1.4 holdTime and keepaliveTime")]
    [Contract("§1.4 connectTime")]
    [Contract("§1.4 peerPort")]
    [Contract("§1.4 v1beta1")]
    public void JudgesAnObjectByItself(string kind, string version, string spec, string problems) =>
        Assert.Equal(Split(problems), Kinds.Errors(Kind(kind, version), Object(kind, version, $"{{spec: {spec}}}").ToJsonString())
            .Where(problem => !problem.Contains("some validation rules were not checked", StringComparison.Ordinal)).Order(StringComparer.Ordinal));

    [Theory]
    [MemberData(nameof(Changes))]
    [Contract("§1.4 enableGracefulRestart")]
    public void JudgesAChangeByWhatWasBefore(string kind, string before, string after, string problems)
    {
        var version = kind == "BGPPeer" ? "v1beta2" : "v1beta1";
        Assert.Equal(Split(problems), Kinds.ChangeErrors(Kind(kind, version), Object(kind, version, after), Object(kind, version, before)).Order(StringComparer.Ordinal));
    }

    [Fact]
    public void HasACaseThatBreaksEachRule()
    {
        var told = Cases.Select(row => (Of: $"{row.Data.Item1} {row.Data.Item2}", Text: row.Data.Item4)).Concat(Changes.Select(row => (Of: $"{row.Data.Item1} {(row.Data.Item1 == "BGPPeer" ? "v1beta2" : "v1beta1")}", Text: row.Data.Item4))).ToLookup(row => row.Of, row => row.Text);
        foreach (var definition in ShippedDefinition.All.Where(definition => (string?)definition.Spec["group"] == "metallb.io" || definition.File is "announcementpolicies.yaml" or "bgppolicies.yaml"))
        {
            foreach (var version in definition.Versions)
            {
                foreach (var (path, rule) in ShippedDefinition.Rules(ShippedDefinition.Schema(version), ""))
                {
                    // Selectors are the same everywhere; a case of the kind's is enough.
                    var message = (string)rule["message"]!;
                    var kind = path.Contains("matchExpressions", StringComparison.Ordinal) ? told.SelectMany(all => all) : told[$"{definition.Spec["names"]!["kind"]} {version["name"]}"];
                    Assert.True(kind.Any(text => text.Contains(message, StringComparison.Ordinal)), $"{definition.File} {version["name"]} {path}: {message}");
                }
            }
        }
    }

    [Fact]
    [Contract("§1.3 aggregationLength")]
    [Contract("§1.1 autoAssign")]
    [Contract("§1.1 avoidBuggyIPs")]
    public void FillsInTheDefaultsOfMetalLB()
    {
        Assert.Equal("""{"addresses":["192.0.2.0/24"],"autoAssign":true,"avoidBuggyIPs":false}""", Filled("IPAddressPool", "v1beta1", "{addresses: [192.0.2.0/24]}"));
        Assert.Equal("""{"aggregationLength":32,"aggregationLengthV6":128}""", Filled("BGPAdvertisement", "v1beta1", "{}"));
        Assert.Equal(
            """{"disableMP":false,"dualStackAddressFamily":false,"myASN":1,"peerASN":2,"peerAddress":"192.0.2.1","peerPort":179}""",
            Filled("BGPPeer", "v1beta2", "{myASN: 1, peerASN: 2, peerAddress: 192.0.2.1}"));
        Assert.Equal("""{"myASN":1,"peerASN":2,"peerAddress":"192.0.2.1"}""", Filled("BGPPeer", "v1beta1", "{myASN: 1, peerASN: 2, peerAddress: 192.0.2.1}"));
        Assert.Equal("{}", Filled("BFDProfile", "v1beta1", "{}"));
    }

    private static string Filled(string kind, string version, string spec)
    {
        var made = (JsonObject)Kinds.Accept(Kind(kind, version), Object(kind, version, $"{{spec: {spec}}}").ToJsonString())["spec"]!;
        return new JsonObject(made.OrderBy(field => field.Key, StringComparer.Ordinal).Select(field => KeyValuePair.Create(field.Key, field.Value?.DeepClone()))).ToJsonString();
    }

    private static KindSchema Kind(string kind, string version)
    {
        lock (_kinds)
        {
            return _kinds.TryGetValue((kind, version), out var known) ? known : _kinds[(kind, version)] = ShippedDefinition.Kind(kind, version);
        }
    }

    private static JsonObject Object(string kind, string version, string yaml)
    {
        var obj = BodyReader.ParseYaml(System.Text.Encoding.UTF8.GetBytes(yaml)).Object;
        obj["apiVersion"] = (kind is "AnnouncementPolicy" or "BGPPolicy" ? "portolan.dev/" : "metallb.io/") + version;
        obj["kind"] = kind;
        obj["metadata"] = new JsonObject { ["name"] = "a", ["namespace"] = "metallb-system", ["resourceVersion"] = "1" };
        return obj;
    }

    private static IEnumerable<string> Split(string problems) => problems.Length == 0 ? [] : problems.Split('|').Order(StringComparer.Ordinal);
}

using System.Text.Json;
using Portolan.Core.Configuration;
using Portolan.Kubernetes.Resources;
using Portolan.Kubernetes.Yaml;

namespace Portolan.Kubernetes.Tests.Configuration;

/// <summary>Objects of metallb.io and portolan.dev as users write them.</summary>
internal static class Written
{
    /// <summary>An object, its specification in YAML.</summary>
    public static ConfigurationSpec Object(string kind, string name, string spec, string metadata = "", string ns = "metallb-system") => ConfigurationMapping.Read(
        ConfigurationMapping.KindOf(kind)!.Value,
        JsonSerializer.SerializeToElement(YamlJson.Documents($"{{kind: {kind}, metadata: {{name: {name}, namespace: {ns}{metadata}}}, spec: {spec}}}").Single()));

    /// <summary>Two nodes and one or two right objects of each kind.</summary>
    public static ConfigurationObjects Neighbours()
    {
        var known = (ConfigurationObjects.Empty with { Namespace = "metallb-system" })
            .WithNode("node1", new Dictionary<string, string> { ["rack"] = "a" })
            .WithNode("node2", new Dictionary<string, string> { ["rack"] = "b" });
        foreach (var spec in new[]
        {
            Object("IPAddressPool", "lab", "{addresses: [192.168.100.240-192.168.100.249]}", ", labels: {zone: a}"),
            Object("IPAddressPool", "six", "{addresses: ['fd00::/120']}"),
            Object("L2Advertisement", "l2", "{ipAddressPools: [lab], ipAddressPoolSelectors: [{matchLabels: {zone: a}}], interfaces: [eth0]}"),
            Object("AnnouncementPolicy", "bounded", "{ipAddressPools: [lab], placement: bounded, onConflict: yield, failback: {holdDown: 30s}}"),
            Object("BFDProfile", "fast", "{receiveInterval: 50, transmitInterval: 50, minimumTtl: 254}"),
            Object("BFDProfile", "echo", "{echoMode: true, echoInterval: 60000}"),
            Object("Community", "well-known", "{communities: [{name: no-export, value: '65535:65281'}, {name: big, value: 'large:4294967295:0:1'}]}"),
            Object("BGPPeer", "tor", "{myASN: 64512, peerASN: 64513, peerAddress: 10.0.0.1, bfdProfile: fast, holdTime: 90s, keepaliveTime: 30s, connectTime: 2m}"),
            Object("BGPPeer", "echoing", "{myASN: 64512, dynamicASN: external, peerAddress: 10.0.0.2, bfdProfile: echo, nodeSelectors: [{matchLabels: {rack: a}}], ebgpMultiHop: true}"),
            Object("BGPPolicy", "base", "{peers: [tor], med: 100, ttlSecurityHops: 1}"),
            Object("BGPAdvertisement", "bgp", "{ipAddressPools: [lab], communities: [no-export, '64512:1'], localPref: 100, peers: [tor]}"),
        })
            known = known.With(spec);
        return known;
    }
}

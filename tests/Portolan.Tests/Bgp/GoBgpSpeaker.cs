using System.Text.Json.Nodes;
using Portolan.Tests.Proxy;

namespace Portolan.Tests.Bgp;

/// <summary>GoBGP.</summary>
internal sealed class GoBgpSpeaker(NetworkNamespace where, Peering peering) : ForeignSpeaker(where, peering)
{
    public override string LinkBandwidth => "\"asn\":23456,\"bandwidth\":125000000";

    private string Target => $"--target unix://{Folder}/api";

    public override void Start()
    {
        Write("gobgp.toml", $"""
            [global.config]
              as = {Peering.LocalAsn}
              router-id = "192.168.100.101"
              local-address-list = ["{Peering.Local}"]
            [[neighbors]]
              [neighbors.config]
                neighbor-address = "{Peering.Peer}"
                peer-as = {Peering.PeerAsn}
                auth-password = "{Peering.Password}"
              [neighbors.timers.config]
                connect-retry = 1
                idle-hold-time-after-reset = 1
                hold-time = {Peering.HoldTime}
              [neighbors.transport.config]
                local-address = "{Peering.Local}"
                passive-mode = {(Peering.Waits ? "true" : "false")}
              [neighbors.ttl-security.config]
                enabled = {(Peering.TtlSecurity ? "true" : "false")}
                ttl-min = 255
              [neighbors.graceful-restart.config]
                enabled = true
                helper-only = true
                notification-enabled = true
                restart-time = 120
              [[neighbors.afi-safis]]
                [neighbors.afi-safis.config]
                  afi-safi-name = "ipv4-unicast"
                [neighbors.afi-safis.mp-graceful-restart.config]
                  enabled = true
              [[neighbors.afi-safis]]
                [neighbors.afi-safis.config]
                  afi-safi-name = "ipv6-unicast"
                [neighbors.afi-safis.mp-graceful-restart.config]
                  enabled = true
            """);
        Run($"gobgpd -f {Folder}/gobgp.toml -l debug --api-hosts unix://{Folder}/api");
    }

    public override ForeignRoute? Find(string prefix)
    {
        var answer = Ask("gobgp", $"{Target} global rib -a {(prefix.Contains(':', StringComparison.Ordinal) ? "ipv6" : "ipv4")} -j");
        if (!answer.StartsWith('{') || JsonNode.Parse(answer)![prefix] is not JsonArray { Count: > 0 } paths)
            return null;
        var attributes = paths[0]!["attrs"]!.AsArray().ToDictionary(attribute => (int)attribute!["type"]!, attribute => attribute!);
        return new(
            attributes.GetValueOrDefault(2)?["as_paths"] is JsonArray { Count: > 0 } path ? string.Join(' ', path[0]!["asns"]!.AsArray()) : "",
            (string?)(attributes.GetValueOrDefault(14) ?? attributes.GetValueOrDefault(3))?["nexthop"] ?? "",
            (uint?)attributes.GetValueOrDefault(4)?["metric"],
            (uint?)attributes.GetValueOrDefault(5)?["value"],
            string.Join(' ', attributes.GetValueOrDefault(8)?["communities"]?.AsArray().Select(value => $"{(uint)value! >> 16}:{(uint)value! & 0xffff}") ?? []),
            string.Join(' ', attributes.GetValueOrDefault(32)?["value"]?.AsArray().Select(value => $"{value!["ASN"]}:{value["LocalData1"]}:{value["LocalData2"]}") ?? []),
            attributes.GetValueOrDefault(16)?["value"]?.ToJsonString() ?? "");
    }

    // Its soft reset looks at what it has, and asks nobody.
    public override void AskAgain() => throw new NotSupportedException();
}

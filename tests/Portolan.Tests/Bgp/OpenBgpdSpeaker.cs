using System.Text.Json.Nodes;
using Portolan.Tests.Proxy;

namespace Portolan.Tests.Bgp;

/// <summary>OpenBGPD.</summary>
internal sealed class OpenBgpdSpeaker(NetworkNamespace where, Peering peering) : ForeignSpeaker(where, peering)
{
    // What it says of kinds that it does not know, whoever sends them; its dump of the table (MRT) has all eight bytes.
    public override string LinkBandwidth => "[4] 0x4004000000000000";

    public override void Start()
    {
        // Where it locks itself in; its service makes that.
        Directory.CreateDirectory("/run/openbgpd");
        var path = Write("bgpd.conf", $$"""
            AS {{Peering.LocalAsn}}
            router-id 192.168.100.101
            socket "{{Folder}}/ctl"
            listen on {{Peering.Local}}
            fib-update no
            holdtime {{Peering.HoldTime}}
            neighbor {{Peering.Peer}} {
              remote-as {{Peering.PeerAsn}}
              local-address {{Peering.Local}}
              announce IPv4 unicast
              announce IPv6 unicast
              {{(Peering.Waits ? "passive" : "")}}
              {{(Peering.Password.Length > 0 ? $"tcp md5sig password \"{Peering.Password}\"" : "")}}
              {{(Peering.TtlSecurity ? "ttl-security yes" : "")}}
            }
            allow from any
            allow to any

            """);
        File.SetUnixFileMode(path, (UnixFileMode)0x180);
        Run($"/usr/sbin/bgpd -d -v -f {path}");
    }

    public override ForeignRoute? Find(string prefix)
    {
        var answer = Ask("bgpctl", $"-s {Folder}/ctl -j show rib detail {prefix}");
        if (!answer.StartsWith('{') || JsonNode.Parse(answer)!["rib"] is not JsonArray { Count: > 0 } routes || (string?)routes[0]!["prefix"] != prefix)
            return null;
        var route = routes[0]!;
        return new(
            (string?)route["aspath"] ?? "",
            (string?)route["exit_nexthop"] ?? "",
            (uint?)route["metric"],
            (uint?)route["localpref"],
            string.Join(' ', route["communities"]?.AsArray() ?? []),
            string.Join(' ', route["large_communities"]?.AsArray() ?? []),
            route["extended_communities"]?.ToJsonString() ?? "");
    }

    public override void TryAgain() => Ask("bgpctl", $"-s {Folder}/ctl neighbor {Peering.Peer} up");

    public override void AskAgain() => Ask("bgpctl", $"-s {Folder}/ctl neighbor {Peering.Peer} refresh");
}

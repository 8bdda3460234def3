using System.Text.Json.Nodes;
using Portolan.Tests.Proxy;

namespace Portolan.Tests.Bgp;

/// <summary>FRR, with its zebra, which writes routes into the kernel.</summary>
internal sealed class FrrSpeaker(NetworkNamespace where, Peering peering) : ForeignSpeaker(where, peering)
{
    public override string LinkBandwidth => "LB:23456:125000000 (1.000 Gbps)";

    private string Who => Peering.Unnumbered ? Peering.Interface : Peering.Peer;

    public override void Start()
    {
        Write("zebra.conf", Peering.Unnumbered ? $"interface {Peering.Interface}\n ipv6 nd ra-interval 1\n no ipv6 nd suppress-ra\nexit\n" : "\n");
        Write("vtysh.conf", "");
        Write("bgpd.conf", $"""
            {(Peering.Bfd ? "debug bgp bfd" : "")}
            router bgp {Peering.LocalAsn}
             bgp router-id 192.168.100.101
             bgp log-neighbor-changes
             no bgp ebgp-requires-policy
             bgp graceful-restart
             neighbor {Who} {(Peering.Unnumbered ? "interface remote-as external" : $"remote-as {Peering.PeerAsn}")}
             neighbor {Who} timers {Math.Max(1, Peering.HoldTime / 3)} {Peering.HoldTime}
             neighbor {Who} timers connect 1
             {(Peering.Waits && !Peering.Unnumbered ? $"neighbor {Who} passive" : "")}
             {(Peering.IsOld ? $"neighbor {Who} dont-capability-negotiate" : "")}
             {(Peering.Password.Length > 0 ? $"neighbor {Who} password {Peering.Password}" : "")}
             {(Peering.TtlSecurity ? $"neighbor {Who} ttl-security hops 1" : "")}
             {(Peering.Bfd ? $"neighbor {Who} bfd 5 300 300" : "")}
             {(Peering.Bfd ? $"neighbor {Who} bfd check-control-plane-failure" : "")}
             address-family ipv4 unicast
              neighbor {Who} activate
             exit-address-family
             address-family ipv6 unicast
              neighbor {Who} activate
             exit-address-family
            exit

            """);
        Run($"/usr/lib/frr/zebra -f {Folder}/zebra.conf -z {Folder}/zserv --vty_socket {Folder} -i {Folder}/zebra.pid -A 127.0.0.1 -P 0 --log stdout");
        Patience.Until(() => File.Exists($"{Folder}/zserv"), () => $"zebra does not come:\n{Log}");
        if (Peering.Bfd)
        {
            Write("bfdd.conf", "");
            Run($"/usr/lib/frr/bfdd -f {Folder}/bfdd.conf -z {Folder}/zserv --vty_socket {Folder} --bfdctl {Folder}/bfdctl -i {Folder}/bfdd.pid -A 127.0.0.1 -P 0 --log stdout");
        }

        Run($"/usr/lib/frr/bgpd -f {Folder}/bgpd.conf -z {Folder}/zserv --vty_socket {Folder} -i {Folder}/bgpd.pid -A 127.0.0.1 -P 0 --log stdout");
    }

    public override ForeignRoute? Find(string prefix)
    {
        var answer = Vtysh($"show bgp {(prefix.Contains(':', StringComparison.Ordinal) ? "ipv6" : "ipv4")} unicast {prefix} json");
        if (!answer.StartsWith('{') || JsonNode.Parse(answer)!["paths"] is not JsonArray { Count: > 0 } paths)
            return null;
        var path = paths[0]!;
        return new(
            (string?)path["aspath"]?["string"] is { } ases && ases != "Local" ? ases : "",
            string.Join(' ', path["nexthops"]!.AsArray().Select(hop => (string)hop!["ip"]!)),
            (uint?)path["metric"],
            (uint?)path["locPrf"],
            (string?)path["community"]?["string"] ?? "",
            (string?)path["largeCommunity"]?["string"] ?? "",
            (string?)path["extendedCommunity"]?["string"] ?? "");
    }

    public override void AskAgain() => Vtysh($"clear bgp {Who} soft in");

    /// <summary>What it says to a command.</summary>
    public string Vtysh(string command) => Ask("vtysh", $"--vty_socket {Folder} -d bgpd -c \"{command}\"");
}

namespace Portolan.Lab.Network;

/// <summary>
/// What the lab's router runs when nodes announce by BGP: BIRD 2, that lets every host of the LAN peer with it, watches whoever asks for it with BFD, and
/// spreads flows over all next hops of a prefix.
/// </summary>
internal static class RouterConfiguration
{
    /// <summary>The router's AS number, and the nodes'.</summary>
    public const uint RouterAsn = 64512, NodeAsn = 64513;

    /// <summary>Addresses outside the LAN, that only the router knows a way to.</summary>
    public const string Pool = "192.168.150.240-192.168.150.249";

    /// <summary>The same in IPv6.</summary>
    public const string Pool6 = "fd00:150::240-fd00:150::249";

    /// <summary>What BIRD reads.</summary>
    /// <param name="topology">The lab's wires.</param>
    public static string Of(Topology topology)
    {
        var second = topology.DualStack ? $$"""
            protocol bgp nodes6 {
              local {{topology.Find("router")!.Addresses[1]}} as {{RouterAsn}};
              neighbor range fd00:100::/64 as {{NodeAsn}};
              dynamic name "v6node";
              bfd on;
              error wait time 1, 2;
              ipv6 { import all; export none; };
            }

            """ : "";
        return $$"""
            # Written by portolan lab. Look at it with: birdc -s SOCKET show protocols all
            router id {{Topology.RouterAddress}};
            log stderr all;

            protocol device {}
            protocol direct { ipv4; ipv6; }
            protocol kernel { ipv4 { export where source = RTS_BGP; }; merge paths on limit 64; }
            protocol kernel { ipv6 { export where source = RTS_BGP; }; merge paths on limit 64; }
            protocol bfd { interface "eth0" { min rx interval 10 ms; min tx interval 50 ms; idle tx interval 1 s; multiplier 3; }; }

            # Whoever is on the LAN and says that he is AS {{NodeAsn}}.
            protocol bgp nodes {
              local {{Topology.RouterAddress}} as {{RouterAsn}};
              neighbor range 192.168.100.0/24 as {{NodeAsn}};
              dynamic name "node";
              bfd on;
              error wait time 1, 2; # by itself BIRD turns a node away for a minute after its BFD session was lost
              ipv4 { import all; export none; };
            }
            {{second}}
            """;
    }
}

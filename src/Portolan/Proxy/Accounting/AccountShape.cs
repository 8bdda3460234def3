using Portolan.Linux.Nftables;
using Portolan.Proxy.Nftables;

namespace Portolan.Proxy.Accounting;

/// <summary>
/// The chains and sets that count what goes to and comes from real servers. They see every packet of the node, unlike those that forward:
/// that is what accounting costs, and why it has a table of its own that is there only when asked for.
/// </summary>
internal static class AccountShape
{
    internal const string Table = "portolan-accounts";

    /// <summary>Packets to real servers: protocol . address . port, with counters.</summary>
    internal const string In = "in";

    /// <summary>Packets from them.</summary>
    internal const string Out = "out";

    private const int AfterDestinationNat = -90;
    private const uint DestinationNatStatus = 1 << 5; // IPS_DST_NAT
    private static readonly byte[] Loopback = BitConverter.GetBytes(1);

    internal static IReadOnlyList<NftSet> Sets(NftFamily family)
    {
        var key = NftTypes.Concat(NftTypes.InetProtocol, family is NftFamily.Ip ? NftTypes.IPv4Address : NftTypes.IPv6Address, NftTypes.InetService);
        return [Counting(In), Counting(Out)];

        NftSet Counting(string name) => new(name, key, NftTypes.Length(key), HasCounters: true);
    }

    // A packet from this node to itself was counted on its way out.
    internal static IReadOnlyList<ShapeChain> Chains(NftFamily family) =>
    [
        new("prerouting", [new NftRule().InputInterface(0).Equal(0, Loopback).Verdict(NftVerdictCode.Accept), .. Rules(family)], NftHook.Prerouting, AfterDestinationNat) { IsFilter = true },
        new("output", Rules(family), NftHook.Output, AfterDestinationNat) { IsFilter = true },
    ];

    private static NftRule[] Rules(NftFamily family)
    {
        var (source, destination, length) = family is NftFamily.Ip ? (12u, 16u, 4u) : (8u, 24u, 16u);
        var port = 1 + (length / 4);
        return
        [
            new NftRule().ConntrackStatus(0).And(0, DestinationNatStatus).Equal(0, [0, 0, 0, 0]).Verdict(NftVerdictCode.Accept),
            new NftRule().ConntrackDirection(0).Equal(0, [0]).Layer4Protocol(0).NetworkHeader(destination, length, 1).TransportHeader(2, 2, port).InSet(In, 0).Verdict(NftVerdictCode.Accept),
            new NftRule().ConntrackDirection(0).Equal(0, [1]).Layer4Protocol(0).NetworkHeader(source, length, 1).TransportHeader(0, 2, port).InSet(Out, 0),
        ];
    }
}

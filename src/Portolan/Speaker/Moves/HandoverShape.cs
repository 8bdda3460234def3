using Portolan.Linux.Nftables;

namespace Portolan.Speaker.Moves;

/// <summary>
/// The table <c>portolan-handover</c> of one family: which packets go on to the node that had their address before.
/// </summary>
/// <remarks>
/// <code>
/// moved   address → the former holder's address; an element lasts <see cref="PlannedMoves.Longest"/>
/// in-use  address; an element lasts <see cref="HandoverTable.Idle"/> from the last packet that was handed over
/// </code>
/// The rules stand behind connection tracking (-200) and before every translation (-100), and need neither marks nor routes: what is handed over is
/// copied to the former holder by <c>dup</c>, untracked, and dropped here, so this node never takes it for a connection of its own, and no proxy's table
/// and no forwarding rule of this node ever sees it.
/// <para>
/// A packet is handed over where it belongs to no connection this node knows and cannot begin one. Connection tracking calls that new, and, where
/// it begins with FIN or RST, invalid. An error that a router sends about such a connection goes after it: path MTU discovery depends on that.
/// </para>
/// <para>
/// Two nodes may each take the other for the former holder, and both be wrong. So a packet says by its hop limit how often it was handed over: the
/// first node lowers it to <see cref="FirstHopLimit"/>, each step takes one, and at <see cref="LastHopLimit"/> a node keeps it. Three steps follow an
/// address that was moved three times within a minute.
/// </para>
/// </remarks>
internal sealed class HandoverShape(NftFamily family, bool picksUpConnections, TimeSpan idle)
{
    internal const string Table = "portolan-handover";
    internal const string Moved = "moved";
    internal const string InUse = "in-use";
    internal const byte FirstHopLimit = 12;
    internal const byte LastHopLimit = 9;
    private const string FirstChain = "prerouting";
    private const string SecondChain = "hand-over";
    private const int Priority = -150; // NF_IP_PRI_MANGLE
    private const byte Tcp = 6, Icmp = 1, IcmpV6 = 58;
    private const byte Fin = 0x01, Syn = 0x02, Rst = 0x04;
    private const uint Address = 4, Holder = 8; // registers

    private bool IsIPv4 => family is NftFamily.Ip;

    /// <summary>Makes the table anew, with nothing moved.</summary>
    internal void Create(NftBatch batch)
    {
        batch.AddTable();
        batch.DeleteTable();
        batch.AddTable();
        var (type, length) = IsIPv4 ? (NftTypes.IPv4Address, 4u) : (NftTypes.IPv6Address, 16u);
        batch.AddSet(new NftSet(Moved, type, length, type, length, NftSetFlags.Map | NftSetFlags.Timeout));
        batch.AddSet(new NftSet(InUse, type, length, Flags: NftSetFlags.Timeout | NftSetFlags.Eval, Size: 65536));
        batch.AddFilterChain(FirstChain, NftHook.Prerouting, Priority);
        batch.AddChain(SecondChain);
        batch.AddRule(SecondChain, Destination().NotInSet(InUse, Address).Verdict(NftVerdictCode.Accept));
        batch.AddRule(SecondChain, HopLimitAbove(Destination().Map(Moved, Address, Holder), FirstHopLimit).Load(0, [FirstHopLimit]).RewriteHopLimit(family, 0));
        batch.AddRule(
            SecondChain,
            HopLimitAbove(Destination().Map(Moved, Address, Holder), LastHopLimit).Update(InUse, Address, idle).DuplicateTo(Holder).Verdict(NftVerdictCode.Drop));
        batch.AddRule(FirstChain, Segment(0, 0).IsInState(0, NftConnectionStates.New).Verdict(NftVerdictCode.Goto, SecondChain));
        // Where the kernel picks up no connection half-way (nf_conntrack_tcp_loose=0), all that is unknown is invalid. Where it does, invalid may also
        // be a late segment of a connection we know well, which the former holder would answer with a reset; but it answers no FIN and no RST so.
        var invalid = picksUpConnections ? Segment(Fin | Rst, 0) : Segment(0, 0);
        batch.AddRule(FirstChain, invalid.IsInState(0, NftConnectionStates.Invalid).Verdict(NftVerdictCode.Goto, SecondChain));
        batch.AddRule(FirstChain, IcmpError().IsInState(0, NftConnectionStates.Invalid).Verdict(NftVerdictCode.Goto, SecondChain));
    }

    // A TCP segment without SYN, with one of these flags where there are any.
    private static NftRule Segment(byte flags, uint register)
    {
        var rule = new NftRule().Layer4Protocol(register).Equal(register, [Tcp]);
        rule = rule.TransportHeader(13, 1, register).And(register, Bits(Syn)).Equal(register, [0, 0, 0, 0]);
        return flags == 0 ? rule : rule.TransportHeader(13, 1, register).And(register, Bits(flags)).NotEqual(register, [0, 0, 0, 0]);
    }

    // Destination unreachable, of which "fragmentation needed" is one; in IPv6 every error, "packet too big" among them (RFC 4443 §2.1: below 128).
    private NftRule IcmpError() => IsIPv4
        ? new NftRule().Layer4Protocol(0).Equal(0, [Icmp]).TransportHeader(0, 1, 0).Equal(0, [3])
        : new NftRule().Layer4Protocol(0).Equal(0, [IcmpV6]).TransportHeader(0, 1, 0).And(0, Bits(0x80)).Equal(0, [0, 0, 0, 0]);

    // One byte is loaded into the register's first, wherever the machine has that.
    private static uint Bits(byte bits) => BitConverter.ToUInt32([bits, 0, 0, 0]);

    private NftRule Destination() => new NftRule().NetworkHeader(IsIPv4 ? 16u : 24u, IsIPv4 ? 4u : 16u, Address);

    private NftRule HopLimitAbove(NftRule rule, byte limit) => rule.NetworkHeader(IsIPv4 ? 8u : 7u, 1, 0).Above(0, [limit]);
}

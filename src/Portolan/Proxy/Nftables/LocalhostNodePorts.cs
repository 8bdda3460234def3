using System.Net;
using Portolan.Core.Addresses;
using Portolan.Linux.Nftables;

namespace Portolan.Proxy.Nftables;

/// <summary>
/// Lets this node's own processes reach node ports at loopback addresses, without <c>route_localnet</c>: connection tracking knows such a
/// connection by its real addresses, and its packets have this node's address wherever the kernel decides about routes.
/// </summary>
/// <remarks>
/// <code>
/// 127.0.0.7 → 127.0.0.1   localhost-output      the source becomes the node's address: to a device the kernel sends nothing from loopback
/// 10.0.0.1  → 127.0.0.1   output, postrouting   to a real server and masqueraded, as for every node port
/// 10.9.0.2  → 10.0.0.1    the answer            connection tracking puts 127.0.0.7 back before the route is looked up
/// 10.9.0.2  → 127.0.0.7   localhost-prerouting  the destination becomes again what it was on the wire: the packet is delivered here
/// 127.0.0.1 → 10.0.0.1    localhost-input       the destination becomes 127.0.0.7
/// </code>
/// What is written comes from connection tracking alone, so such a connection outlives the proxy and its Service as any other does.
/// </remarks>
internal sealed class LocalhostNodePorts
{
    private const string Output = "localhost-output";
    private const string First = "localhost-first";
    private const string Prerouting = "localhost-prerouting";
    private const string Answer = "localhost-answer";
    private const string Input = "localhost-input";

    /// <summary>Everything that may be left in a table from when node ports answered at loopback.</summary>
    internal static readonly string[] ChainNames = [Output, First, Prerouting, Answer, Input];

    // After connection tracking (-200), before destinations are translated (-100) and the new route is looked up.
    private const int OutputPriority = -150;
    private const int PreroutingPriority = Shape.DestinationPriority + 1;
    private const int InputPriority = Shape.SourcePriority + 1;

    private const uint LoopbackInterface = 1; // in every network namespace
    private const byte Tcp = 6, Udp = 17;
    private const uint TcpChecksum = 16, UdpChecksum = 6;
    private const uint Confirmed = 1 << 3, SourceNat = 1 << 4, DestinationNat = 1 << 5; // IPS_…
    private const byte Original = 0, Reply = 1;
    private static readonly byte[] NoPort = [0, 0];

    private readonly NftFamily _family;
    private readonly ShapeRules _rules;
    private readonly byte[] _node;
    private readonly byte[] _loopback;  // what loopback addresses begin with
    private readonly uint _source;      // where the network header has it
    private readonly uint _destination;

    private LocalhostNodePorts(NftFamily family, ShapeRules rules, IpAddress node)
    {
        _family = family;
        _rules = rules;
        _node = new byte[node.Size];
        node.WriteTo(_node);
        (_loopback, _source, _destination) = family is NftFamily.Ip ? ([127], 12u, 16u) : (IPAddress.IPv6Loopback.GetAddressBytes(), 8u, 24u);
        Addresses = family is NftFamily.Ip ? IpPrefix.Containing(IpAddress.From(IPAddress.Loopback), 8) : IpPrefix.Containing(IpAddress.From(IPAddress.IPv6Loopback), 128);
    }

    /// <returns>Null where node ports of the family do not answer at loopback.</returns>
    internal static LocalhostNodePorts? From(NftFamily family, ShapeRules rules, TableSettings settings)
    {
        foreach (var node in settings.LoopbackSources)
        {
            if (TableKeys.Family(node.Family) == family)
                return new LocalhostNodePorts(family, rules, node);
        }

        return null;
    }

    /// <summary>127.0.0.0/8 or ::1.</summary>
    internal IpPrefix Addresses { get; }

    /// <summary>Every packet of the node passes the base chains: each begins with the comparison that most packets fail.</summary>
    internal IEnumerable<ShapeChain> Chains()
    {
        yield return Base(
            Output,
            NftHook.Output,
            OutputPriority,
            FromNode(Translated(Loopback(_source), Original)).Saying("connections to node ports"),
            Loopback(Loopback(_source), _destination).ConntrackStatus(0).And(0, Confirmed | DestinationNat).Equal(0, new byte[4]).Verdict(NftVerdictCode.Goto, First).Saying("what may begin one"));

        // A flow that began before the node port keeps to where it went.
        yield return new ShapeChain(First, [FromNode(_rules.IsNodeAddress(_rules.NodePort(ShapeRules.Word.Entry)))]);
        yield return Base(Prerouting, NftHook.Prerouting, PreroutingPriority, Translated(FromOutside(Loopback(_destination)), Reply).Verdict(NftVerdictCode.Goto, Answer));

        // Another socket of this node may be connected to the same real server, from the very port that the client has: the kernel would
        // give it the answer before any later hook (early demultiplexing). Nobody is connected to port 0, and the translation of the source
        // overwrites it.
        yield return new ShapeChain(
            Answer,
            [
                new NftRule().ConntrackReplyDestination(_family, 0).RewriteDestination(_family, 0),
                new NftRule().Layer4Protocol(0).Equal(0, [Tcp]).Load(0, NoPort).RewriteSourcePort(0, TcpChecksum),
                new NftRule().Layer4Protocol(0).Equal(0, [Udp]).TransportHeader(UdpChecksum, 2, 0).NotEqual(0, [0, 0]).Load(0, NoPort).RewriteSourcePort(0, UdpChecksum),
            ]);
        yield return Base(
            Input,
            NftHook.Input,
            InputPriority,
            Translated(FromOutside(Loopback(_source)), Reply).ConntrackOriginalSource(_family, 0).RewriteDestination(_family, 0));
    }

    /// <summary>
    /// For nobody else: without this a packet from the LAN to 127.0.0.1 would be on its way to a real server before the kernel looks at the
    /// address and drops it (CVE-2020-8558 was of this kind).
    /// </summary>
    internal NftRule KeepOut() => Loopback(_destination).Verdict(NftVerdictCode.Accept).Saying("loopback is for this node only");

    /// <summary>
    /// A refusal finds the socket that asked by the addresses that the socket knows. A reset ends a connection attempt at once, as it does
    /// on loopback where nobody listens; an ICMP error that arrives while the sender still holds the socket only after the next attempt, a second later.
    /// </summary>
    internal IEnumerable<NftRule> BeforeRefusal() =>
    [
        new NftRule().ConntrackOriginalSource(_family, 0).RewriteSource(_family, 0),
        Loopback(_source).Layer4Protocol(0).Equal(0, [Tcp]).RejectTcpReset(),
    ];

    private static ShapeChain Base(string name, NftHook hook, int priority, params NftRule[] rules) => new(name, rules, hook, priority) { IsFilter = true };

    private NftRule Loopback(uint offset) => Loopback(new NftRule(), offset);

    private NftRule Loopback(NftRule rule, uint offset) => rule.NetworkHeader(offset, (uint)_loopback.Length, 0).Equal(0, _loopback);

    private static NftRule FromOutside(NftRule rule) => rule.InputInterface(0).NotEqual(0, BitConverter.GetBytes(LoopbackInterface));

    // Node ports at loopback are always masqueraded. What others translate in both ways gets the same treatment, and comes to no harm by it.
    private static NftRule Translated(NftRule rule, byte direction) => rule
        .ConntrackStatus(0).And(0, SourceNat | DestinationNat).Equal(0, BitConverter.GetBytes(SourceNat | DestinationNat))
        .ConntrackDirection(0).Equal(0, [direction]);

    private NftRule FromNode(NftRule rule) => rule.Load(0, _node).RewriteSource(_family, 0).Verdict(NftVerdictCode.Accept);
}

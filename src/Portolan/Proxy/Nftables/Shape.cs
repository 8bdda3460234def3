using System.Globalization;
using Portolan.Linux.Nftables;

namespace Portolan.Proxy.Nftables;

/// <summary>
/// What our table looks like before any Service is in it, and with all of them: the chains, rules, sets and maps are constant,
/// Services and endpoints are elements.
/// </summary>
/// <remarks>
/// <code>
/// fronts         address . protocol . port → goto pick-N | refuse | drop | goto external-local
/// front-ids      address . protocol . port → real server set
/// endpoints      real server set . slot    → address . port
/// front-sources  address . protocol . port → what becomes of the client's address
/// </code>
/// A packet's front leads to the chain for its number of real servers; there the front gives the real server set, a random number the
/// slot, and both together the real server: an endpoint is stored once per set, however many fronts lead to it. Node ports have maps of their
/// own without the address (nodeports, nodeport-ids, …). Where externalTrafficPolicy is Local, <c>external-local</c> tells clients inside
/// the cluster, who get the cluster's real servers (internal-fronts), from those outside, who get this node's (external-fronts).
/// <para>
/// The modulus of a draw is written into its rule, so there is a chain for each number up to <see cref="ExactCounts"/>, and beyond them a
/// ladder of moduli a little too large: a draw that hits no slot misses the map, which ends that rule, and the next rule draws again.
/// </para>
/// <para>
/// What a map gave is passed on through the packet's mark, which gets its old value back in the same rule, before anything can see it:
/// nft 1.0.6 (Debian 12) dies of an assertion when it lists a lookup keyed directly by another lookup's result.
/// After routing, the flow's original destination says what becomes of its source, so nothing has to be remembered in marks.
/// </para>
/// </remarks>
internal sealed class Shape
{
    internal const string Table = "portolan";

    internal const string Fronts = "fronts";
    internal const string FrontIds = "front-ids";
    internal const string FrontSources = "front-sources";
    internal const string ExternalFronts = "external-fronts";
    internal const string InternalFronts = "internal-fronts";
    internal const string NodePorts = "nodeports";
    internal const string NodePortIds = "nodeport-ids";
    internal const string NodePortSources = "nodeport-sources";
    internal const string ExternalNodePorts = "external-nodeports";
    internal const string InternalNodePorts = "internal-nodeports";
    internal const string Endpoints = "endpoints";
    internal const string Hairpins = "hairpins";
    internal const string ClusterCidrs = "cluster-cidrs";
    internal const string NodePortAddresses = "nodeport-addresses";

    /// <summary>In a real server set's number: the real servers of this node only.</summary>
    internal const uint LocalSet = 1;

    /// <summary>Up to this number of real servers there is a chain with exactly that modulus.</summary>
    internal const int ExactCounts = 64;

    /// <summary>A set has at most this many real servers.</summary>
    internal const int MaxCount = 65536;

    internal static readonly NftVerdict Refuse = new(NftVerdictCode.Goto, "refuse");
    internal static readonly NftVerdict Drop = new(NftVerdictCode.Drop);
    internal static readonly NftVerdict ExternalLocal = new(NftVerdictCode.Goto, "external-local");

    internal static readonly NftVerdict KeepSource = new(NftVerdictCode.Accept);
    internal static readonly NftVerdict Masquerade = new(NftVerdictCode.Goto, "masquerade");
    internal static readonly NftVerdict MasqueradeOffCluster = new(NftVerdictCode.Goto, "masquerade-off-cluster");
    internal static readonly NftVerdict MasqueradeNode = new(NftVerdictCode.Goto, "masquerade-node");

    // A modulus is at worst 19 % too large, so a draw misses at most once in six; six in a row miss once in 60,000.
    private const int Draws = 6;
    private const uint DestinationNatStatus = 1 << 5; // IPS_DST_NAT
    private const uint SavedMark = 15;
    private static readonly byte[] RouteLocal = BitConverter.GetBytes(2u); // RTN_LOCAL
    private static readonly int[] Ladder = [.. Enumerable.Range(1, 40).Select(step => (int)Math.Round(ExactCounts * Math.Pow(2, step / 4.0)))];

    private readonly NftFamily _family;
    private readonly uint _protocol; // the register after an address
    private readonly uint _port;     // the register after a protocol

    internal Shape(NftFamily family)
    {
        _family = family;
        AddressLength = family is NftFamily.Ip ? 4 : 16;
        _protocol = (uint)AddressLength / 4;
        _port = _protocol + 1;
        Sets = [.. MakeSets(family is NftFamily.Ip ? NftTypes.IPv4Address : NftTypes.IPv6Address, (uint)AddressLength)];
        Chains = [.. MakeChains()];
    }

    internal int AddressLength { get; }

    internal IReadOnlyList<NftSet> Sets { get; }

    internal IReadOnlyList<ShapeChain> Chains { get; }

    /// <summary>The chain that balances over a number of real servers (1..65536) of a front's set, or of the cluster's set whatever the front's.</summary>
    internal static NftVerdict Pick(int count, bool cluster = false) =>
        new(NftVerdictCode.Goto, ChainNames[(cluster ? 1 : 0, count <= ExactCounts ? count : Ladder.First(m => m >= count))]);

    private static readonly Dictionary<(int, int), string> ChainNames = Enumerable.Range(1, ExactCounts).Concat(Ladder)
        .SelectMany(modulus => new[] { ((0, modulus), "pick-" + Text(modulus)), ((1, modulus), "internal-" + Text(modulus)) })
        .ToDictionary(pair => pair.Item1, pair => pair.Item2);

    private static string Text(int number) => number.ToString(CultureInfo.InvariantCulture);

    private static IEnumerable<NftSet> MakeSets(uint address, uint length)
    {
        var front = NftTypes.Concat(address, NftTypes.InetProtocol, NftTypes.InetService);
        var nodePort = NftTypes.Concat(NftTypes.InetProtocol, NftTypes.InetService);
        foreach (var name in (string[])[Fronts, FrontSources, ExternalFronts, InternalFronts])
            yield return new NftSet(name, front, length + 8, NftTypes.Verdict, 0, NftSetFlags.Map);
        foreach (var name in (string[])[NodePorts, NodePortSources, ExternalNodePorts, InternalNodePorts])
            yield return new NftSet(name, nodePort, 8, NftTypes.Verdict, 0, NftSetFlags.Map);
        yield return new NftSet(FrontIds, front, length + 8, NftTypes.Mark, 4, NftSetFlags.Map);
        yield return new NftSet(NodePortIds, nodePort, 8, NftTypes.Mark, 4, NftSetFlags.Map);
        yield return new NftSet(Endpoints, NftTypes.Concat(NftTypes.Mark, NftTypes.Mark), 8, NftTypes.Concat(address, NftTypes.InetService), length + 4, NftSetFlags.Map);
        yield return new NftSet(Hairpins, NftTypes.Concat(address, address), 2 * length);
        yield return new NftSet(ClusterCidrs, address, length, Flags: NftSetFlags.Interval);
        yield return new NftSet(NodePortAddresses, address, length, Flags: NftSetFlags.Interval);
    }

    private IEnumerable<ShapeChain> MakeChains()
    {
        yield return new ShapeChain("prerouting", [new NftRule().Verdict(NftVerdictCode.Jump, "services")], NftHook.Prerouting, -100);
        yield return new ShapeChain("output", [new NftRule().Verdict(NftVerdictCode.Jump, "services")], NftHook.Output, -100);
        yield return new ShapeChain(
            "postrouting",
            [new NftRule().ConntrackStatus(0).And(0, DestinationNatStatus).NotEqual(0, [0, 0, 0, 0]).Verdict(NftVerdictCode.Goto, "sources")],
            NftHook.Postrouting,
            100);

        // Fronts come before node ports: an address of a Service may be an address of the node.
        yield return new ShapeChain("services",
        [
            Front().VerdictMap(Fronts, 0),
            NodePort(Destination(new NftRule().DestinationAddressType(0).Equal(0, RouteLocal), 0).InSet(NodePortAddresses, 0)).VerdictMap(NodePorts, 0),
        ]);
        yield return new ShapeChain("external-local",
        [
            Source(0).InSet(ClusterCidrs, 0).Verdict(NftVerdictCode.Goto, "internal"),
            new NftRule().SourceAddressType(0).Equal(0, RouteLocal).Verdict(NftVerdictCode.Goto, "internal"),
            Front().VerdictMap(ExternalFronts, 0),
            NodePort().VerdictMap(ExternalNodePorts, 0),
        ]);
        yield return new ShapeChain("internal", [Front().VerdictMap(InternalFronts, 0), NodePort().VerdictMap(InternalNodePorts, 0)]);
        yield return new ShapeChain("refuse", [new NftRule().RejectPortUnreachable(_family)]);

        // Every front has a source verdict: a port number may be a Service's port and another's node port.
        yield return new ShapeChain("sources",
        [
            Destination(Source(0), _protocol).InSet(Hairpins, 0).Masquerade(),
            new NftRule().ConntrackOriginalDestination(_family, 0).Layer4Protocol(_protocol).ConntrackOriginalDestinationPort(_port).VerdictMap(FrontSources, 0),
            new NftRule().Layer4Protocol(0).ConntrackOriginalDestinationPort(1).VerdictMap(NodePortSources, 0),
        ]);
        yield return new ShapeChain("masquerade", [new NftRule().Masquerade()]);
        yield return new ShapeChain("masquerade-off-cluster", [Source(0).InSet(ClusterCidrs, 0).Verdict(NftVerdictCode.Accept), new NftRule().Masquerade()]);
        yield return new ShapeChain("masquerade-node", [new NftRule().SourceAddressType(0).Equal(0, RouteLocal).Masquerade()]);

        foreach (var cluster in (bool[])[false, true])
        {
            for (var count = 1; count <= ExactCounts; count++)
                yield return PickChain(count, [count], cluster);
            var below = ExactCounts;
            foreach (var modulus in Ladder)
            {
                yield return PickChain(modulus, [.. Enumerable.Repeat(modulus, Draws), below + 1], cluster);
                below = modulus;
            }
        }
    }

    // The last rule is for a packet on its way while the set shrinks: a connection that begins with a drop tries again,
    // one that begins untranslated is stuck with it.
    private ShapeChain PickChain(int count, int[] moduli, bool cluster) => new(
        Pick(count, cluster).Chain!,
        [
            .. moduli.Select(modulus => Draw(SaveMark(Front()).Map(FrontIds, 0, 0), modulus, cluster)),
            .. moduli.Select(modulus => Draw(SaveMark(NodePort()).Map(NodePortIds, 0, 0), modulus, cluster)),
            new NftRule().Verdict(NftVerdictCode.Drop),
        ]);

    private static NftRule SaveMark(NftRule rule) => rule.Mark(SavedMark);

    private NftRule Draw(NftRule rule, int modulus, bool cluster)
    {
        rule.SetMark(0).Mark(0).SetMark(SavedMark);
        if (cluster)
            rule.And(0, ~LocalSet);
        return rule.Random(1, (uint)modulus).Map(Endpoints, 0, 0).DestinationNat(_family, 0, _protocol);
    }

    private NftRule Front() => Destination(new NftRule(), 0).Layer4Protocol(_protocol).TransportHeader(2, 2, _port);

    private static NftRule NodePort(NftRule? rule = null) => (rule ?? new NftRule()).Layer4Protocol(0).TransportHeader(2, 2, 1);

    private NftRule Source(uint register) => new NftRule().NetworkHeader(_family is NftFamily.Ip ? 12u : 8u, (uint)AddressLength, register);

    private NftRule Destination(NftRule rule, uint register) => rule.NetworkHeader(_family is NftFamily.Ip ? 16u : 24u, (uint)AddressLength, register);
}

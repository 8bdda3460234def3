using Portolan.Core.Forwarding;
using Portolan.Linux.Nftables;

namespace Portolan.Proxy.Nftables;

/// <summary>
/// What our table looks like before any Service is in it, and with all of them: the chains, rules, sets and maps are constant,
/// Services and endpoints are elements.
/// </summary>
/// <remarks>
/// <code>
/// fronts     address . protocol . port → 0xSSSSSMAA: real server set, source, action (<see cref="FrontValue"/>)
/// nodeports            protocol . port → the same, for the node's own addresses
/// actions    action → goto pick-N | goto refuse | drop | goto external-local
/// endpoints  real server set . slot → address . port
/// </code>
/// A packet's front leads to the chain for its number of real servers; there the front gives the real server set, a random number the
/// slot, and both together the real server: an endpoint is stored once per set, however many fronts lead to it.
/// Where externalTrafficPolicy is Local, <c>external-local</c> tells clients inside the cluster, who get the cluster's real servers, from
/// those outside, who get this node's.
/// <para>
/// The modulus of a draw is written into its rule, so there is a chain for each number up to <see cref="FrontValue.ExactCounts"/>, and
/// beyond them a ladder of moduli a little too large: a draw that hits no slot misses the map, which ends that rule, and the next rule draws again.
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
    internal const string NodePorts = "nodeports";
    internal const string ExternalFronts = "external-fronts";
    internal const string ExternalNodePorts = "external-nodeports";
    internal const string InternalFronts = "internal-fronts";
    internal const string InternalNodePorts = "internal-nodeports";
    internal const string Endpoints = "endpoints";
    internal const string Actions = "actions";
    internal const string ExternalActions = "external-actions";
    internal const string InternalActions = "internal-actions";
    internal const string Sources = "sources";
    internal const string Hairpins = "hairpins";
    internal const string ClusterCidrs = "cluster-cidrs";
    internal const string NodePortAddresses = "nodeport-addresses";

    // A modulus is at worst 19 % too large, so a draw misses at most once in six; six in a row miss once in 60,000.
    private const int Draws = 6;
    private const uint DestinationNatStatus = 1 << 5; // IPS_DST_NAT
    private const uint SavedMark = 15;
    private static readonly byte[] RouteLocal = BitConverter.GetBytes(2u); // RTN_LOCAL

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
        Verdicts = MakeVerdicts();
    }

    internal int AddressLength { get; }

    internal IReadOnlyList<NftSet> Sets { get; }

    internal IReadOnlyList<ShapeChain> Chains { get; }

    /// <summary>The elements of the verdict maps, which are constant too.</summary>
    internal IReadOnlyDictionary<(string Map, uint Number), NftVerdict> Verdicts { get; }

    private static IEnumerable<NftSet> MakeSets(uint address, uint length)
    {
        var front = NftTypes.Concat(address, NftTypes.InetProtocol, NftTypes.InetService);
        foreach (var name in (string[])[Fronts, ExternalFronts, InternalFronts])
            yield return new NftSet(name, front, length + 8, NftTypes.Mark, 4, NftSetFlags.Map);
        foreach (var name in (string[])[NodePorts, ExternalNodePorts, InternalNodePorts])
            yield return new NftSet(name, NftTypes.Concat(NftTypes.InetProtocol, NftTypes.InetService), 8, NftTypes.Mark, 4, NftSetFlags.Map);
        foreach (var name in (string[])[Actions, ExternalActions, InternalActions, Sources])
            yield return new NftSet(name, NftTypes.Mark, 4, NftTypes.Verdict, 0, NftSetFlags.Map);
        yield return new NftSet(Endpoints, NftTypes.Concat(NftTypes.Mark, NftTypes.Mark), 8, NftTypes.Concat(address, NftTypes.InetService), length + 4, NftSetFlags.Map);
        yield return new NftSet(Hairpins, NftTypes.Concat(address, address), 2 * length);
        yield return new NftSet(ClusterCidrs, address, length, Flags: NftSetFlags.Interval);
        yield return new NftSet(NodePortAddresses, address, length, Flags: NftSetFlags.Interval);
    }

    private static Dictionary<(string Map, uint Number), NftVerdict> MakeVerdicts()
    {
        var verdicts = new Dictionary<(string Map, uint Number), NftVerdict>();
        foreach (var (map, cluster) in (ReadOnlySpan<(string, bool)>)[(Actions, false), (ExternalActions, false), (InternalActions, true)])
        {
            foreach (var modulus in Enumerable.Range(1, FrontValue.ExactCounts).Concat(FrontValue.Ladder))
                verdicts[(map, FrontValue.Balance(modulus))] = new NftVerdict(NftVerdictCode.Goto, FrontValue.Chain(modulus, cluster));
            verdicts[(map, FrontValue.Refuse)] = new NftVerdict(NftVerdictCode.Goto, "refuse");
            verdicts[(map, FrontValue.Drop)] = new NftVerdict(NftVerdictCode.Drop);
        }

        // Only here: the kernel refuses verdicts that could lead in a circle.
        verdicts[(Actions, FrontValue.ExternalLocal)] = new NftVerdict(NftVerdictCode.Goto, "external-local");
        verdicts[(Sources, FrontValue.Source(MasqueradePolicy.Never))] = new NftVerdict(NftVerdictCode.Accept);
        verdicts[(Sources, FrontValue.Source(MasqueradePolicy.Always))] = new NftVerdict(NftVerdictCode.Goto, "masquerade");
        verdicts[(Sources, FrontValue.Source(MasqueradePolicy.OffCluster))] = new NftVerdict(NftVerdictCode.Goto, "masquerade-off-cluster");
        verdicts[(Sources, FrontValue.Source(MasqueradePolicy.FromNode))] = new NftVerdict(NftVerdictCode.Goto, "masquerade-node");
        return verdicts;
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
        var local = new NftRule().DestinationAddressType(0).Equal(0, RouteLocal);
        yield return new ShapeChain("services",
        [
            Number(Front(), Fronts, FrontValue.ActionMask).VerdictMap(Actions, 0),
            Number(NodePort(Destination(local, 0).InSet(NodePortAddresses, 0)), NodePorts, FrontValue.ActionMask).VerdictMap(Actions, 0),
        ]);
        yield return new ShapeChain("external-local",
        [
            Source(0).InSet(ClusterCidrs, 0).Verdict(NftVerdictCode.Goto, "internal"),
            new NftRule().SourceAddressType(0).Equal(0, RouteLocal).Verdict(NftVerdictCode.Goto, "internal"),
            Number(Front(), ExternalFronts, FrontValue.ActionMask).VerdictMap(ExternalActions, 0),
            Number(NodePort(), ExternalNodePorts, FrontValue.ActionMask).VerdictMap(ExternalActions, 0),
        ]);
        yield return new ShapeChain("internal",
        [
            Number(Front(), InternalFronts, FrontValue.ActionMask).VerdictMap(InternalActions, 0),
            Number(NodePort(), InternalNodePorts, FrontValue.ActionMask).VerdictMap(InternalActions, 0),
        ]);
        yield return new ShapeChain("refuse", [new NftRule().RejectPortUnreachable(_family)]);

        // A front without masquerade has a verdict too: its port number may be another Service's node port.
        yield return new ShapeChain("sources",
        [
            Destination(Source(0), _protocol).InSet(Hairpins, 0).Masquerade(),
            Number(
                new NftRule().ConntrackOriginalDestination(_family, 0).Layer4Protocol(_protocol).ConntrackOriginalDestinationPort(_port), Fronts, FrontValue.SourceMask)
                .VerdictMap(Sources, 0),
            Number(new NftRule().Layer4Protocol(0).ConntrackOriginalDestinationPort(1), NodePorts, FrontValue.SourceMask).VerdictMap(Sources, 0),
        ]);
        yield return new ShapeChain("masquerade", [new NftRule().Masquerade()]);
        yield return new ShapeChain("masquerade-off-cluster", [Source(0).InSet(ClusterCidrs, 0).Verdict(NftVerdictCode.Accept), new NftRule().Masquerade()]);
        yield return new ShapeChain("masquerade-node", [new NftRule().SourceAddressType(0).Equal(0, RouteLocal).Masquerade()]);

        foreach (var cluster in (bool[])[false, true])
        {
            for (var count = 1; count <= FrontValue.ExactCounts; count++)
                yield return PickChain(count, [count], cluster);
            var below = FrontValue.ExactCounts;
            foreach (var modulus in FrontValue.Ladder)
            {
                yield return PickChain(modulus, [.. Enumerable.Repeat(modulus, Draws), below + 1], cluster);
                below = modulus;
            }
        }
    }

    // The last rule is for a packet on its way while the set shrinks: a connection that begins with a drop tries again,
    // one that begins untranslated is stuck with it.
    private ShapeChain PickChain(int modulus, int[] draws, bool cluster)
    {
        var mask = cluster ? FrontValue.SetMask & ~FrontValue.LocalSet : FrontValue.SetMask;
        return new ShapeChain(
            FrontValue.Chain(modulus, cluster),
            [
                .. draws.Select(draw => Draw(Number(Front(), Fronts, mask), draw)),
                .. draws.Select(draw => Draw(Number(NodePort(), NodePorts, mask), draw)),
                new NftRule().Verdict(NftVerdictCode.Drop),
            ]);
    }

    private NftRule Draw(NftRule set, int modulus) => set.Random(1, (uint)modulus).Map(Endpoints, 0, 0).DestinationNat(_family, 0, _protocol);

    /// <summary>Looks the key in the first registers up and leaves the masked number in the first register, by way of the mark.</summary>
    private static NftRule Number(NftRule key, string map, uint mask) =>
        key.Mark(SavedMark).Map(map, 0, 0).SetMark(0).Mark(0).SetMark(SavedMark).And(0, mask);

    private NftRule Front() => Destination(new NftRule(), 0).Layer4Protocol(_protocol).TransportHeader(2, 2, _port);

    private static NftRule NodePort(NftRule? rule = null) => (rule ?? new NftRule()).Layer4Protocol(0).TransportHeader(2, 2, 1);

    private NftRule Source(uint register) => new NftRule().NetworkHeader(_family is NftFamily.Ip ? 12u : 8u, (uint)AddressLength, register);

    private NftRule Destination(NftRule rule, uint register) => rule.NetworkHeader(_family is NftFamily.Ip ? 16u : 24u, (uint)AddressLength, register);
}

using System.Text;
using Portolan.Linux.Nftables;

namespace Portolan.Proxy.Nftables;

/// <summary>
/// The pieces that the rules of our table are made of, and which register each uses: 0.. the key of a front, <see cref="At"/> the five
/// numbers it is mapped to.
/// </summary>
/// <remarks>
/// nft 1.0.6 (Debian 12) dies of an assertion when it lists a rule that looks up a key which an earlier lookup left in a register. It keeps
/// only the first register of a result, though, and still believes in what was loaded into the others before. So a result begins one
/// register before the number that is wanted, and the wanted one's register is loaded with the packet's mark beforehand: the kernel looks
/// the number up, and <c>nft</c> writes "meta mark". Where the first number of a result is wanted, it goes by way of the mark, which gets its
/// old value back in the same rule, before anything can see it.
/// </remarks>
internal sealed class ShapeRules
{
    private const uint DestinationNatStatus = 1 << 5; // IPS_DST_NAT
    private const uint MaglevSeed = 0x9e3779b9; // any number, the same on every node and in every release
    private const uint Saved = 15;
    private const uint Client = 11;      // real server set without LocalSet . client's address
    private const uint Remembered = 3;   // pad . address . port, and then the real server set: ends where Word.Set is
    private static readonly byte[] RouteLocal = BitConverter.GetBytes(2u); // RTN_LOCAL

    private readonly NftFamily _family;
    private readonly TableSettings _settings;
    private readonly uint _words; // registers of an address

    internal ShapeRules(NftFamily family, TableSettings settings)
    {
        _family = family;
        _settings = settings;
        _words = family is NftFamily.Ip ? 1u : 4u;
        HideBit = 1u << settings.MasqueradeBit;
        RememberBit = settings.MasqueradeBit == 31 ? 1u << 30 : HideBit << 1;
    }

    /// <summary>In the packet's mark: its source address is to be replaced.</summary>
    internal uint HideBit { get; }

    /// <summary>In the packet's mark: its client is to be remembered.</summary>
    internal uint RememberBit { get; }

    /// <summary>Whether pods can be told from others at all.</summary>
    internal bool DetectsPods => _settings.PodInterface is not null
        || _settings.ClusterCidrs.Any(prefix => prefix.Address.IsIPv4 == _family is NftFamily.Ip);

    /// <summary>The numbers of a <see cref="FrontValue"/>, in its order.</summary>
    internal enum Word : uint
    {
        Later,
        Entry,
        Affinity,
        Set,
        Ranges,
    }

    /// <summary>The register of a number after <see cref="Front"/> and the like.</summary>
    internal uint At(Word word) => _words + 2 + (uint)word;

    /// <summary>Goes on where the packet's destination is a front.</summary>
    /// <param name="wanted">The number that the rule will look something up by.</param>
    internal NftRule Front(Word wanted) => Value(Destination(Expect(wanted), 0).Layer4Protocol(_words).TransportHeader(2, 2, _words + 1), ShapeSets.Fronts);

    /// <summary>Goes on where the packet's destination port is a node port. Whether the address is the node's is <see cref="IsNodeAddress"/>.</summary>
    internal NftRule NodePort(Word wanted) => Value(Expect(wanted).Layer4Protocol(0).TransportHeader(2, 2, 1), ShapeSets.NodePorts);

    /// <summary>As <see cref="Front"/>, by where the connection was first sent.</summary>
    internal NftRule OriginalFront(Word wanted) => Value(
        Expect(wanted).ConntrackOriginalDestination(_family, 0).Layer4Protocol(_words).ConntrackOriginalDestinationPort(_words + 1), ShapeSets.Fronts);

    /// <summary>As <see cref="NodePort"/>, by where the connection was first sent.</summary>
    internal NftRule OriginalNodePort(Word wanted) => Value(Expect(wanted).Layer4Protocol(0).ConntrackOriginalDestinationPort(1), ShapeSets.NodePorts);

    private NftRule Expect(Word wanted) => wanted is Word.Later ? new NftRule() : new NftRule().Mark(At(wanted));

    private NftRule Value(NftRule key, string map) => key.Map(map, 0, At(Word.Later));

    /// <summary>The destination is an address of this node at which node ports answer.</summary>
    internal NftRule IsNodeAddress(NftRule rule) => Destination(IsLocalDestination(rule), Saved - _words).InSet(ShapeSets.NodePortAddresses, Saved - _words);

    /// <summary>The destination is no address of this node.</summary>
    internal NftRule IsForeignDestination(NftRule rule) => rule.DestinationAddressType(Saved).NotEqual(Saved, RouteLocal);

    private static NftRule IsLocalDestination(NftRule rule) => rule.DestinationAddressType(Saved).Equal(Saved, RouteLocal);

    /// <summary>The sender's address is a Service's.</summary>
    internal NftRule IsFromServiceAddress() => Source(new NftRule(), 0).InSet(ShapeSets.Addresses, 0);

    /// <summary>The packet is of a protocol that has ports.</summary>
    internal NftRule HasPorts(NftRule rule)
    {
        byte icmp = _family is NftFamily.Ip ? (byte)1 : (byte)58; // IPPROTO_ICMP, IPPROTO_ICMPV6
        return rule.Layer4Protocol(Saved).NotEqual(Saved, [icmp]);
    }

    /// <summary>The sender is this node.</summary>
    internal NftRule IsFromNode() => new NftRule().SourceAddressType(0).Equal(0, RouteLocal);

    /// <summary>The sender is a pod, as the local detector tells it.</summary>
    internal NftRule IsFromPod(bool not = false)
    {
        if (_settings.PodInterface is not { } name)
            return not ? Source(new NftRule(), 0).NotInSet(ShapeSets.ClusterCidrs, 0) : Source(new NftRule(), 0).InSet(ShapeSets.ClusterCidrs, 0);
        // A name shorter than the register ends in zeros; of a prefix only its own bytes are compared.
        var bytes = new byte[_settings.IsInterfacePrefix ? name.Length : 16];
        Encoding.ASCII.GetBytes(name, bytes);
        var rule = new NftRule().InputInterfaceName(0);
        return not ? rule.NotEqual(0, bytes) : rule.Equal(0, bytes);
    }

    /// <summary>A real server on this node reaches itself: the answer must come back this way.</summary>
    internal NftRule IsHairpin() => Destination(Source(new NftRule(), 0), _words).InSet(ShapeSets.Hairpins, 0);

    /// <summary>The connection's destination has not been changed: a mark it carries is somebody else's.</summary>
    internal NftRule IsUntranslated() => new NftRule().ConntrackStatus(0).And(0, DestinationNatStatus).Equal(0, [0, 0, 0, 0]);

    /// <summary>The packet is to a ClusterIP that hides clients outside the cluster.</summary>
    internal NftRule IsToClusterIP(NftRule rule) => Destination(rule, 0).InSet(ShapeSets.ClusterIPs, 0);

    /// <summary>The packet's mark has one of these bits.</summary>
    internal static NftRule IsMarked(uint bits) => new NftRule().Mark(0).And(0, bits).NotEqual(0, [0, 0, 0, 0]);

    /// <summary>The packet's mark has none of these bits.</summary>
    internal static NftRule IsUnmarked(uint bits) => new NftRule().Mark(0).And(0, bits).Equal(0, [0, 0, 0, 0]);

    /// <summary>Sets these bits in the packet's mark.</summary>
    internal static NftRule Mark(NftRule rule, uint bits) => rule.Mark(0).Or(0, bits).SetMark(0);

    /// <summary>Takes both our bits out of the packet's mark.</summary>
    internal NftRule Unmark(NftRule rule) => rule.Mark(0).And(0, ~(HideBit | RememberBit)).SetMark(0);

    /// <summary>The sender is within the front's source ranges.</summary>
    internal NftRule IsInRanges(NftRule front) => Source(front, At(Word.Ranges) + 1).InSet(ShapeSets.SourceRanges, At(Word.Ranges));

    internal NftRule Refuse() => new NftRule().RejectPortUnreachable(_family);

    /// <summary>Draws one of the real servers and sends the connection there; goes on where the draw finds none.</summary>
    internal NftRule Draw(NftRule front, int modulus, PickKind kind)
    {
        var set = At(Word.Set);
        return Of(front, kind).Random(set + 1, (uint)modulus).Map(ShapeSets.Endpoints, set, 0).DestinationNat(_family, 0, _words);
    }

    /// <summary>Sends the connection where the client's address leads by a table of this size.</summary>
    internal NftRule ByClient(NftRule front, int size, PickKind kind)
    {
        var set = At(Word.Set);
        var rule = Source(Of(front, kind), Client);
        return rule.Hash(Client, _words * 4, set + 1, (uint)size, MaglevSeed).Map(ShapeSets.Endpoints, set, 0).DestinationNat(_family, 0, _words);
    }

    private NftRule Of(NftRule front, PickKind kind) => kind switch
    {
        PickKind.Internal => front.And(At(Word.Set), ~FrontValue.LocalSet),
        PickKind.Masquerade => Mark(front, HideBit),
        _ => front,
    };

    /// <summary>Sends the connection where the client's last one went, if that is still one of the real servers.</summary>
    /// <param name="front">Finds the front.</param>
    /// <param name="cluster">The cluster's real servers, although the front's own are this node's.</param>
    /// <param name="timeout">The client gets this time again here; null: it gets it after routing.</param>
    internal NftRule ToRemembered(NftRule front, bool cluster, TimeSpan? timeout = null)
    {
        var set = At(Word.Set);
        var rule = cluster ? front.And(set, ~FrontValue.LocalSet) : front;

        // The loads of destination and port are for nft's eyes, as the mark is.
        rule = Target(ClientKey(rule));
        rule = rule.Map(ShapeSets.Affinity, Client, Remembered).InSet(ShapeSets.Members, Remembered + 1);
        if (timeout is { } time)
            rule = rule.Layer4Protocol(Remembered).Update(ShapeSets.Affinity, Client, Remembered, time);
        return rule.DestinationNat(_family, Remembered + 1, Remembered + 1 + _words);
    }

    /// <summary>Forgets where the client's last connection went: an element that is there keeps its data.</summary>
    internal NftRule Forget(NftRule front) => Target(ClientKey(front)).Delete(ShapeSets.Affinity, Client, Remembered);

    /// <summary>Remembers where the connection goes; ends the chain.</summary>
    internal NftRule Remember(NftRule front, TimeSpan timeout)
    {
        var rule = front.And(At(Word.Set), Client, ~FrontValue.LocalSet).ConntrackOriginalSource(_family, Client + 1);
        return Target(rule).Update(ShapeSets.Affinity, Client, Remembered, timeout).Verdict(NftVerdictCode.Return);
    }

    private NftRule Target(NftRule rule) =>
        Destination(rule.Layer4Protocol(Remembered), Remembered + 1).TransportHeader(2, 2, Remembered + 1 + _words);

    // Not the packet's source, which may have been rewritten already (LocalhostNodePorts).
    private NftRule ClientKey(NftRule front) => front.And(At(Word.Set), Client, ~FrontValue.LocalSet).ConntrackOriginalSource(_family, Client + 1);

    /// <summary>By the mark and back, then the masked action's verdict.</summary>
    internal NftRule Later(NftRule front, uint mask, string map)
    {
        var later = At(Word.Later);
        return front.Mark(Saved).SetMark(later).Mark(later).SetMark(Saved).And(later, mask).VerdictMap(map, later);
    }

    internal NftRule Destination(uint register) => Destination(new NftRule(), register);

    private NftRule Destination(NftRule rule, uint register) => rule.NetworkHeader(_family is NftFamily.Ip ? 16u : 24u, _words * 4, register);

    private NftRule Source(NftRule rule, uint register) => rule.NetworkHeader(_family is NftFamily.Ip ? 12u : 8u, _words * 4, register);
}

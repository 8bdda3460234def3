using Portolan.Core.Addresses;
using Portolan.Core.Cluster;

namespace Portolan.Core.Configuration;

/// <summary>A checked BGPAdvertisement (metallb.io/v1beta1), its community aliases looked up.</summary>
public sealed class BgpAdvertisement
{
    private readonly BgpAdvertisementSpec _spec;
    private readonly string _text;

    internal BgpAdvertisement(BgpAdvertisementSpec spec, IEnumerable<BgpCommunity> communities)
    {
        _spec = spec;
        Communities = [.. communities.Order()];
        _text = Text(spec);
    }

    /// <summary>The object's name.</summary>
    public string Name => _spec.Name;

    /// <summary>Its value in LOCAL_PREF towards internal peers; 0: none.</summary>
    public uint LocalPref => (uint)_spec.LocalPref;

    /// <summary>The communities, none twice, at most 63.</summary>
    public IReadOnlyList<BgpCommunity> Communities { get; }

    /// <summary>Names of BGPPeers; none means all.</summary>
    public IReadOnlyList<string> Peers => _spec.Peers;

    /// <summary>The prefix length that addresses of a family are announced with.</summary>
    public int AggregationLength(IpFamily family) => (int)(family is IpFamily.IPv4 ? _spec.AggregationLength : _spec.AggregationLengthV6);

    /// <summary>Whether it advertises addresses of this pool.</summary>
    public bool Covers(AddressPool pool) =>
        _spec.IPAddressPools.Count + _spec.IPAddressPoolSelectors.Count == 0
        || _spec.IPAddressPools.Contains(pool.Name)
        || (_spec.IPAddressPoolSelectors.Count > 0 && FieldRules.Selects(_spec.IPAddressPoolSelectors, pool.Labels));

    /// <summary>
    /// Whether the aggregate of every address of the pool stays within the entry that the address is from. Where it does not, the
    /// advertisement must not be used: it would call traffic for other people's addresses.
    /// </summary>
    public bool Fits(AddressPool pool) => Misfit(pool) is null;

    /// <summary>Whether it advertises this Service.</summary>
    public bool Selects(ServiceFacts service) => FieldRules.Selects(_spec.ServiceSelectors, service.Labels);

    /// <summary>Whether it lets this node announce.</summary>
    public bool Selects(NodeFacts node) => FieldRules.Selects(_spec.NodeSelectors, node.Labels);

    /// <summary>Whether it is for this peer.</summary>
    public bool Reaches(BgpPeer peer) => Peers.Count == 0 || Peers.Contains(peer.Name);

    /// <summary>The name, what is written, and the communities.</summary>
    public override string ToString() => $"{Name}\n{_text}\n{string.Join(' ', Communities)}";

    /// <summary>Why an aggregation length does not suit the pool, or null.</summary>
    internal FieldError? Misfit(AddressPool pool)
    {
        foreach (var range in pool.Ranges)
        {
            var (shortest, length) = (range.ShortestPrefix, AggregationLength(range.Family));
            if (length < shortest)
                return new FieldError(
                    range.Family is IpFamily.IPv4 ? "spec.aggregationLength" : "spec.aggregationLengthV6", $"{length}", $"is shorter than the /{shortest} that {range} of IPAddressPool {pool.Name} has room for");
        }

        return null;
    }

    /// <summary>What the advertisement cannot have beside another one, or null.</summary>
    /// <param name="other">Another advertisement.</param>
    /// <param name="pools">The pools in force.</param>
    /// <param name="nodes">Whether a node announces by both.</param>
    internal FieldError? Clash(BgpAdvertisement other, IReadOnlyList<AddressPool> pools, NodeMeeting nodes)
    {
        if (_text == other._text)
            return new FieldError("spec", "", $"BGPAdvertisement {other.Name} says exactly the same");

        // Which Services selectors will match is not known here: then the conflict, if there is one, shows at the Service.
        if (LocalPref == other.LocalPref || _spec.ServiceSelectors.Count + other._spec.ServiceSelectors.Count > 0)
            return null;
        if (Peers.Count > 0 && other.Peers.Count > 0 && !Peers.Intersect(other.Peers, StringComparer.Ordinal).Any())
            return null;
        foreach (var pool in pools)
            if (Covers(pool) && other.Covers(pool) && !DifferentAggregates(other, pool))
                return nodes.Meet(_spec.NodeSelectors, other._spec.NodeSelectors)
                    ? new FieldError("spec.localPref", $"{LocalPref}", $"BGPAdvertisement {other.Name} announces the same prefixes of IPAddressPool {pool.Name} with localPref {other.LocalPref}")
                    : null;
        return null;
    }

    /// <summary>Whether it clashes with the same advertisements as the other.</summary>
    internal bool SamePlace(BgpAdvertisement other) => _text == other._text;

    // Every family the pool has must be announced in other blocks.
    private bool DifferentAggregates(BgpAdvertisement other, AddressPool pool)
    {
        foreach (var range in pool.Ranges)
            if (AggregationLength(range.Family) == other.AggregationLength(range.Family))
                return false;
        return true;
    }

    // All of the specification, so that equal ones have equal texts.
    private static string Text(BgpAdvertisementSpec spec) => string.Join(
        '\n',
        spec.AggregationLength,
        spec.AggregationLengthV6,
        spec.LocalPref,
        string.Join(' ', spec.Communities),
        string.Join(' ', spec.IPAddressPools),
        string.Join('|', spec.IPAddressPoolSelectors),
        string.Join('|', spec.NodeSelectors),
        string.Join(' ', spec.Peers),
        string.Join('|', spec.ServiceSelectors));
}

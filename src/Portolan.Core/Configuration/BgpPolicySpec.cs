using Portolan.Core.Addresses;
using Portolan.Core.Announcements.Bgp;
using Portolan.Core.Cluster;

namespace Portolan.Core.Configuration;

/// <summary>A BGPPolicy (portolan.dev/v1alpha1) as it is written.</summary>
public sealed record BgpPolicySpec : ConfigurationSpec
{
    /// <inheritdoc/>
    public override ConfigurationKind Kind => ConfigurationKind.BGPPolicy;

    /// <summary><c>spec.peers</c>: names of BGPPeers; none means all.</summary>
    public IReadOnlyList<string> Peers { get; init; } = [];

    /// <summary><c>spec.nodeSelectors</c>; one suffices, none means all nodes.</summary>
    public IReadOnlyList<LabelSelector> NodeSelectors { get; init; } = [];

    /// <summary><c>spec.med</c>: 0..4294967295.</summary>
    public long? Med { get; init; }

    /// <summary><c>spec.prepend</c>: 0..16; 0 when absent.</summary>
    public long? Prepend { get; init; }

    /// <summary><c>spec.linkBandwidthPerEndpoint</c>: megabits per second, 1..2147483647.</summary>
    public long? LinkBandwidthPerEndpoint { get; init; }

    /// <summary><c>spec.ttlSecurityHops</c>: 1..254.</summary>
    public long? TtlSecurityHops { get; init; }

    /// <summary><c>spec.linkLocalNextHop</c>: global, single, double or unspecified-first; empty when absent.</summary>
    public string LinkLocalNextHop { get; init; } = "";

    /// <summary><c>spec.passive</c>.</summary>
    public bool Passive { get; init; }

    /// <summary><c>spec.listenRanges</c>: CIDR blocks.</summary>
    public IReadOnlyList<string> ListenRanges { get; init; } = [];

    /// <summary><c>spec.listenLimit</c>: 1..10000; 100 when absent.</summary>
    public long? ListenLimit { get; init; }

    /// <summary><c>spec.tcpMSS</c>: 536..9000.</summary>
    public long? TcpMss { get; init; }

    /// <summary><c>spec.maxPrefixes</c>: 1..2147483647; 1000 when absent.</summary>
    public long? MaxPrefixes { get; init; }

    /// <summary>Checks the policy by itself.</summary>
    /// <param name="errors">Where what is wrong is added.</param>
    /// <returns>The policy, or null when an error was added.</returns>
    public BgpPolicy? Parse(ICollection<FieldError> errors)
    {
        var before = errors.Count;
        if (!AddReadErrors(errors))
            return null;
        FieldRules.Unique("spec.peers", Peers, errors);
        FieldRules.Unique("spec.nodeSelectors", NodeSelectors, errors);
        FieldRules.Range("spec.med", Med, 0, uint.MaxValue, errors);
        FieldRules.Range("spec.prepend", Prepend, 0, 16, errors);
        FieldRules.Range("spec.linkBandwidthPerEndpoint", LinkBandwidthPerEndpoint, 1, int.MaxValue, errors);
        FieldRules.Range("spec.ttlSecurityHops", TtlSecurityHops, 1, 254, errors);
        FieldRules.Range("spec.listenLimit", ListenLimit, 1, 10000, errors);
        FieldRules.Range("spec.tcpMSS", TcpMss, 536, 9000, errors);
        FieldRules.Range("spec.maxPrefixes", MaxPrefixes, 1, int.MaxValue, errors);
        var nextHop = ReadNextHop(errors);
        var ranges = ReadRanges(errors);
        return errors.Count > before ? null : new BgpPolicy
        {
            Name = Name,
            Peers = Peers,
            NodeSelectors = NodeSelectors,
            Med = (uint?)Med,
            Prepend = (int)(Prepend ?? 0),
            LinkBandwidthPerEndpoint = (int?)LinkBandwidthPerEndpoint,
            TtlSecurityHops = (int?)TtlSecurityHops,
            LinkLocalNextHop = nextHop,
            Passive = Passive,
            ListenRanges = ranges,
            ListenLimit = (int)(ListenLimit ?? BgpPolicy.DefaultListenLimit),
            TcpMss = (int?)TcpMss,
            MaxPrefixes = (int)(MaxPrefixes ?? BgpPolicy.DefaultMaxPrefixes),
        };
    }

    private LinkLocalNextHop ReadNextHop(ICollection<FieldError> errors)
    {
        switch (LinkLocalNextHop)
        {
            case "":
                return Announcements.Bgp.LinkLocalNextHop.Automatic;
            case "global":
                return Announcements.Bgp.LinkLocalNextHop.Global;
            case "single":
                return Announcements.Bgp.LinkLocalNextHop.Single;
            case "double":
                return Announcements.Bgp.LinkLocalNextHop.Double;
            case "unspecified-first":
                return Announcements.Bgp.LinkLocalNextHop.UnspecifiedFirst;
            default:
                errors.Add(new FieldError("spec.linkLocalNextHop", LinkLocalNextHop, "must be global, single, double or unspecified-first"));
                return default;
        }
    }

    private List<IpPrefix> ReadRanges(ICollection<FieldError> errors)
    {
        var ranges = new List<IpPrefix>(ListenRanges.Count);
        for (var i = 0; i < ListenRanges.Count; i++)
        {
            if (!IpPrefix.TryParse(ListenRanges[i], out var range))
                errors.Add(new FieldError($"spec.listenRanges[{i}]", ListenRanges[i], "must be a CIDR block such as 192.0.2.0/24"));
            else if (ranges.Contains(range))
                errors.Add(new FieldError($"spec.listenRanges[{i}]", ListenRanges[i], "is listed twice"));
            else
                ranges.Add(range);
        }

        if (ListenRanges.Count > 0 && Peers.Count != 1)
            errors.Add(new FieldError("spec.listenRanges", "", "need exactly one name in peers: that BGPPeer says how these sessions are"));
        if (ListenRanges.Count == 0 && ListenLimit is { } limit)
            errors.Add(new FieldError("spec.listenLimit", $"{limit}", "limits nothing without listenRanges"));
        return ranges;
    }
}

using Portolan.Core.Addresses;
using Portolan.Core.Cluster;

namespace Portolan.Core.Announcements;

/// <summary>A Service in the index, with what was concluded of it so far.</summary>
internal sealed class AnnouncedService
{
    public AnnouncedService(ServiceFacts facts, Func<AnnouncedService, Ballot> ballot)
    {
        (Facts, Digest) = (facts, ServiceDigest.Of(facts.Key));
        Ballot = () => ballot(this);
    }

    /// <summary>The Service.</summary>
    public ServiceFacts Facts { get; set; }

    /// <summary>It has just been removed.</summary>
    public bool IsGone { get; set; }

    /// <summary>Its name in reports.</summary>
    public ulong Digest { get; }

    /// <summary>Makes the ballot on which it is elected now, for those who ask for verdicts.</summary>
    public Func<Ballot> Ballot { get; }

    /// <summary>It and the others with its first address; null while it has none.</summary>
    public AddressSharers? Sharers { get; set; }

    /// <summary>All its addresses.</summary>
    public IReadOnlyList<IpAddress> Addresses { get; set; } = [];

    /// <summary>Whether it may be announced at all.</summary>
    public Announceable Announceable { get; set; }

    /// <summary>Its candidates; null when it may not be announced.</summary>
    public Electorate? Electorate { get; set; }

    /// <summary>With <c>externalTrafficPolicy: Local</c> the nodes with a usable endpoint; else null.</summary>
    public HashSet<string>? Local { get; set; }

    /// <summary>With bounded placement: the candidates of the best rank; null when it takes no part.</summary>
    public NodeSet? Now { get; set; }

    /// <summary>With bounded placement: those who would be, were all nodes up and well.</summary>
    public NodeSet Home { get; set; }
}

/// <summary>The Services that share their first address, and the order of nodes for it.</summary>
internal sealed class AddressSharers(IpAddress address, NodeTable nodes)
{
    /// <summary>The address.</summary>
    public IpAddress Address => address;

    /// <summary>The order of nodes.</summary>
    public AddressOrder Order { get; } = new(address, nodes);

    /// <summary>Where bounded placement put the address the last time.</summary>
    public PlacedAddress? Placed { get; set; }

    /// <summary>The Services, by name.</summary>
    public SortedSet<AnnouncedService> Services { get; } = new(Comparer<AnnouncedService>.Create((a, b) => a.Facts.Key.CompareTo(b.Facts.Key)));
}

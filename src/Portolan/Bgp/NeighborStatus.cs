using System.Net;
using Portolan.Protocols.Bgp.Sessions;

namespace Portolan.Bgp;

/// <summary>A neighbour as it is at a moment, for people and metrics.</summary>
internal sealed record NeighborStatus
{
    /// <summary>The BGPPeer's name; of one that connected from a range, with its address behind a slash.</summary>
    public required string Name { get; init; }

    /// <summary>Its address, or null while nobody was found on its interface.</summary>
    public required IPAddress? Address { get; init; }

    /// <summary>Its interface; empty where it has an address.</summary>
    public required string Interface { get; init; }

    /// <summary>Its TCP port.</summary>
    public required ushort Port { get; init; }

    /// <summary>Its VRF; empty: none.</summary>
    public required string Vrf { get; init; }

    /// <summary>The AS number it is told of us.</summary>
    public required uint LocalAsn { get; init; }

    /// <summary>Its AS number, or null while it is not known.</summary>
    public required uint? PeerAsn { get; init; }

    /// <summary>How far the session is.</summary>
    public required SessionState State { get; init; }

    /// <summary>Since when it is established, or is not.</summary>
    public required DateTimeOffset Since { get; init; }

    /// <summary>What was agreed, while it is established.</summary>
    public required SessionTerms? Terms { get; init; }

    /// <summary>Our end, while it is established.</summary>
    public required IPAddress? LocalAddress { get; init; }

    /// <summary>What was counted.</summary>
    public required PeerCounts Counts { get; init; }

    /// <summary>How the last session, or the last attempt, ended; null: none has.</summary>
    public required SessionEnd? LastEnd { get; init; }

    /// <summary>When that was.</summary>
    public required DateTimeOffset? LastEndAt { get; init; }

    /// <summary>Routes that it is to have.</summary>
    public required int Routes { get; init; }

    /// <summary>Routes of those that have not been sent yet.</summary>
    public required int Pending { get; init; }

    /// <summary>It has everything that it is to have, or had at some moment of this session.</summary>
    public required bool IsSynchronized { get; init; }

    /// <summary>How often serving it failed by a fault of ours.</summary>
    public required long Faults { get; init; }
}

/// <summary>Counters at a moment; see <see cref="PeerCounters"/>.</summary>
internal readonly record struct PeerCounts(
    long OpensSent, long OpensReceived, long KeepalivesSent, long KeepalivesReceived, long NotificationsSent, long NotificationsReceived,
    long UpdatesSent, long UpdatesReceived, long RefreshesSent, long RefreshesReceived, long Established)
{
    /// <summary>All messages sent.</summary>
    public long Sent => OpensSent + KeepalivesSent + NotificationsSent + UpdatesSent + RefreshesSent;

    /// <summary>All messages received.</summary>
    public long Received => OpensReceived + KeepalivesReceived + NotificationsReceived + UpdatesReceived + RefreshesReceived;
}

using Portolan.Core.Addresses;

namespace Portolan.Core.Announcements;

/// <summary>What a node's speaker says of its own node: only it can know, and all must rank by the same.</summary>
public sealed record NodeReport
{
    /// <summary>Nothing is wrong.</summary>
    public static readonly NodeReport Well = new();

    /// <summary>What holds for all Services.</summary>
    public NodeConditions Conditions { get; init; }

    /// <summary>
    /// The Services that the node's service proxy has not programmed although it should have by now, as <see cref="ServiceDigest"/> gives them;
    /// at most <see cref="MostUnprogrammed"/>: beyond them the node is <see cref="NodeConditions.NotProgrammed"/> as a whole.
    /// </summary>
    public IReadOnlySet<ulong> Unprogrammed { get; init; } = new HashSet<ulong>();

    /// <summary>The AnnouncementPolicies, by name, under which this node is still held back after it came (back).</summary>
    public IReadOnlySet<string> HeldBack { get; init; } = new HashSet<string>(StringComparer.Ordinal);

    /// <summary>Addresses that this node's speaker saw somebody else claim, and that by policy nobody announces any more.</summary>
    public IReadOnlySet<IpAddress> Yielded { get; init; } = new HashSet<IpAddress>();

    /// <summary>
    /// When this report last changed, in milliseconds since 1970 by the node's own clock: above 0 when something got worse then, below 0
    /// (the time negated) when things only got better or the speaker started; 0: unknown. <see cref="After"/> keeps it.
    /// Where all candidates are unwell, it tells all speakers alike which of them holds the address: the one that was well until last.
    /// </summary>
    public long Standing { get; init; }

    /// <summary>How many Services are named one by one.</summary>
    public const int MostUnprogrammed = 64;

    /// <summary>This report, with its <see cref="Standing"/> told from the one before.</summary>
    /// <param name="before">The node's former report, or null when its speaker has just started: what it finds then does not make it a holder.</param>
    /// <param name="now">Milliseconds since 1970.</param>
    public NodeReport After(NodeReport? before, long now)
    {
        if (before is null)
            return this with { Standing = -now };
        var worse = (Conditions & ~before.Conditions) != 0 || !Unprogrammed.IsSubsetOf(before.Unprogrammed) || !HeldBack.IsSubsetOf(before.HeldBack);
        var same = Conditions == before.Conditions && Unprogrammed.SetEquals(before.Unprogrammed) && HeldBack.SetEquals(before.HeldBack);
        return this with { Standing = worse ? now : same ? before.Standing : -now };
    }

    /// <inheritdoc/>
    public bool Equals(NodeReport? other) =>
        other is not null && Conditions == other.Conditions && Standing == other.Standing && Unprogrammed.SetEquals(other.Unprogrammed) && HeldBack.SetEquals(other.HeldBack) && Yielded.SetEquals(other.Yielded);

    /// <inheritdoc/>
    public override int GetHashCode() => HashCode.Combine(Conditions, Standing, Unprogrammed.Count, HeldBack.Count, Yielded.Count);
}

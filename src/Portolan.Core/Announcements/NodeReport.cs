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

    /// <summary>How many Services are named one by one.</summary>
    public const int MostUnprogrammed = 64;

    /// <inheritdoc/>
    public bool Equals(NodeReport? other) =>
        other is not null && Conditions == other.Conditions && Unprogrammed.SetEquals(other.Unprogrammed) && HeldBack.SetEquals(other.HeldBack) && Yielded.SetEquals(other.Yielded);

    /// <inheritdoc/>
    public override int GetHashCode() => HashCode.Combine(Conditions, Unprogrammed.Count, HeldBack.Count, Yielded.Count);
}

namespace Portolan.Protocols.Bgp.Routes;

/// <summary>
/// What is said about a route beside its next hop, to all peers of a class alike (RFC 4271 §5); ORIGIN is always IGP. How it is written depends on the
/// session: see <see cref="EncodingTerms"/>. Equal when all values are equal.
/// </summary>
/// <remarks>The limits leave room for a prefix in a message of 4096 bytes, whatever else is said.</remarks>
public sealed record PathAttributes
{
    /// <summary>The most for <see cref="Prepend"/>.</summary>
    public const int MaxPrepend = 64;

    /// <summary>The most <see cref="Communities"/>.</summary>
    public const int MaxCommunities = 255;

    /// <summary>The most <see cref="LargeCommunities"/>.</summary>
    public const int MaxLargeCommunities = 100;

    /// <summary>The most <see cref="ExtendedCommunities"/>.</summary>
    public const int MaxExtendedCommunities = 100;

    /// <summary>What internal peers are told where nothing is asked for.</summary>
    public const uint DefaultLocalPref = 100;

    /// <summary>The community GRACEFUL_SHUTDOWN, 65535:0 (RFC 8326 §3).</summary>
    public const uint GracefulShutdownCommunity = 0xffff_0000;

    private readonly uint[] _communities = [];
    private readonly LargeCommunity[] _largeCommunities = [];
    private readonly ulong[] _extendedCommunities = [];

    /// <summary>Nothing but what must be said.</summary>
    public static PathAttributes Default { get; } = new();

    /// <summary>MULTI_EXIT_DISC (RFC 4271 §5.1.4), or null for none.</summary>
    public uint? Med { get; init; }

    /// <summary>LOCAL_PREF (RFC 4271 §5.1.5), told to internal peers only; null: <see cref="DefaultLocalPref"/>.</summary>
    public uint? LocalPref { get; init; }

    /// <summary>How often our AS number stands in the path beyond once: 0..<see cref="MaxPrepend"/>. Told to external peers only.</summary>
    /// <exception cref="ArgumentOutOfRangeException">Any other number.</exception>
    public int Prepend
    {
        get;
        init
        {
            ArgumentOutOfRangeException.ThrowIfNegative(value);
            ArgumentOutOfRangeException.ThrowIfGreaterThan(value, MaxPrepend);
            field = value;
        }
    }

    /// <summary>COMMUNITIES (RFC 1997); kept in ascending order, each once.</summary>
    /// <exception cref="ArgumentOutOfRangeException">More than <see cref="MaxCommunities"/>.</exception>
    public IReadOnlyList<uint> Communities
    {
        get => _communities;
        init => _communities = Ascending(value, MaxCommunities);
    }

    /// <summary>LARGE_COMMUNITY (RFC 8092); kept in ascending order, each once.</summary>
    /// <exception cref="ArgumentOutOfRangeException">More than <see cref="MaxLargeCommunities"/>.</exception>
    public IReadOnlyList<LargeCommunity> LargeCommunities
    {
        get => _largeCommunities;
        init => _largeCommunities = Ascending(value, MaxLargeCommunities);
    }

    /// <summary>EXTENDED COMMUNITIES (RFC 4360), each as its eight bytes; kept in ascending order, each once.</summary>
    /// <exception cref="ArgumentOutOfRangeException">More than <see cref="MaxExtendedCommunities"/>.</exception>
    public IReadOnlyList<ulong> ExtendedCommunities
    {
        get => _extendedCommunities;
        init => _extendedCommunities = Ascending(value, MaxExtendedCommunities);
    }

    /// <summary>Bytes per second, for a share of the traffic in proportion (draft-ietf-idr-link-bandwidth), or null. Finite, not negative.</summary>
    /// <exception cref="ArgumentOutOfRangeException">Any other number.</exception>
    public float? LinkBandwidth
    {
        get;
        init => field = value is null or (>= 0 and <= float.MaxValue) ? value : throw new ArgumentOutOfRangeException(nameof(value), value, "not a bandwidth");
    }

    /// <summary>The route is about to go: <see cref="GracefulShutdownCommunity"/> is said, and LOCAL_PREF 0 to internal peers (RFC 8326 §4).</summary>
    public bool GracefulShutdown { get; init; }

    /// <summary>About how many bytes the lists take.</summary>
    internal int ListsSize =>
        sizeof(uint) * _communities.Length + LargeCommunity.Size * _largeCommunities.Length + sizeof(ulong) * _extendedCommunities.Length;

    /// <inheritdoc/>
    public bool Equals(PathAttributes? other) =>
        ReferenceEquals(this, other)
        || other is not null
        && Med == other.Med
        && LocalPref == other.LocalPref
        && Prepend == other.Prepend
        && LinkBandwidth.Equals(other.LinkBandwidth)
        && GracefulShutdown == other.GracefulShutdown
        && _communities.AsSpan().SequenceEqual(other._communities)
        && _largeCommunities.AsSpan().SequenceEqual(other._largeCommunities)
        && _extendedCommunities.AsSpan().SequenceEqual(other._extendedCommunities);

    /// <inheritdoc/>
    public override int GetHashCode()
    {
        var hash = default(HashCode);
        hash.Add(Med);
        hash.Add(LocalPref);
        hash.Add(Prepend);
        hash.Add(LinkBandwidth);
        hash.Add(GracefulShutdown);
        foreach (var community in _communities)
            hash.Add(community);
        foreach (var community in _largeCommunities)
            hash.Add(community);
        foreach (var community in _extendedCommunities)
            hash.Add(community);
        return hash.ToHashCode();
    }

    private static T[] Ascending<T>(IReadOnlyList<T> values, int most)
    {
        T[] ascending = [.. values.Distinct().Order()];
        ArgumentOutOfRangeException.ThrowIfGreaterThan(ascending.Length, most, nameof(values));
        return ascending;
    }
}

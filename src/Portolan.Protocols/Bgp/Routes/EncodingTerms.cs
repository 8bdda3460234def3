using Portolan.Protocols.Bgp.Sessions;
using Portolan.Protocols.Bgp.Wire;

namespace Portolan.Protocols.Bgp.Routes;

/// <summary>What of a session decides how routes are written to the peer.</summary>
public sealed record EncodingTerms
{
    /// <summary>The longest message that every peer takes (RFC 4271 §4.1). Longer ones save next to nothing.</summary>
    public const int OrdinaryLongest = 4096;

    /// <summary>Whether the peer is in our AS: it is told LOCAL_PREF, and an empty AS_PATH.</summary>
    public required bool IsInternal { get; init; }

    /// <summary>The AS number that the peer knows us by: the path of external routes begins with it.</summary>
    public required uint LocalAsn { get; init; }

    /// <summary>Another AS number of ours to end the path with, where the peer knows us by a local one and is to see both; null: it sees the one alone.</summary>
    public uint? RealAsn { get; init; }

    /// <summary>AS numbers are written with four bytes (RFC 6793).</summary>
    public required bool FourOctetAsn { get; init; }

    /// <summary>The longest message, <see cref="OrdinaryLongest"/>..65535 bytes.</summary>
    /// <exception cref="ArgumentOutOfRangeException">Any other number.</exception>
    public int LongestSent
    {
        get;
        init
        {
            ArgumentOutOfRangeException.ThrowIfLessThan(value, OrdinaryLongest);
            ArgumentOutOfRangeException.ThrowIfGreaterThan(value, ushort.MaxValue);
            field = value;
        }
    } = OrdinaryLongest;

    /// <summary>The next hop of IPv4 routes, of either family; null: the peer is sent none.</summary>
    public NextHop? IPv4NextHop { get; init; }

    /// <summary>The next hop of IPv6 routes, not an IPv4 one; null: the peer is sent none.</summary>
    /// <exception cref="ArgumentException">An IPv4 one.</exception>
    public NextHop? IPv6NextHop
    {
        get;
        init => field = value?.Form is not NextHopForm.IPv4 ? value : throw new ArgumentException("IPv6 routes need a next hop of IPv6", nameof(value));
    }

    /// <summary>The families of which the peer is sent routes.</summary>
    public BgpFamilies Families =>
        (IPv4NextHop is null ? BgpFamilies.None : BgpFamilies.IPv4Unicast) | (IPv6NextHop is null ? BgpFamilies.None : BgpFamilies.IPv6Unicast);

    internal EncodingShape Shape =>
        new(IsInternal, LocalAsn, RealAsn, FourOctetAsn, LongestSent, (byte)(IPv4NextHop?.Size ?? 0), (byte)(IPv6NextHop?.Size ?? 0));

    /// <summary>The terms of an established session.</summary>
    /// <param name="session">What was agreed. A family that was not, or IPv4 with a next hop that the peer does not take, is left out.</param>
    /// <param name="ipv4">The next hop of IPv4 routes, if there is one.</param>
    /// <param name="ipv6">The next hop of IPv6 routes, if there is one.</param>
    public static EncodingTerms Of(SessionTerms session, NextHop? ipv4, NextHop? ipv6) => new()
    {
        IsInternal = session.IsInternal,
        LocalAsn = session.LocalAsn,
        FourOctetAsn = session.FourOctetAsn,
        IPv4NextHop = (session.Families & BgpFamilies.IPv4Unicast) != 0 && (ipv4?.Form is NextHopForm.IPv4 || session.ExtendedNextHop) ? ipv4 : null,
        IPv6NextHop = (session.Families & BgpFamilies.IPv6Unicast) != 0 ? ipv6 : null,
    };
}

/// <summary>Terms without the next hops' values: peers for whom it is equal are sent the same bytes but for those.</summary>
/// <param name="IsInternal">As in <see cref="EncodingTerms"/>.</param>
/// <param name="LocalAsn">As in <see cref="EncodingTerms"/>.</param>
/// <param name="RealAsn">As in <see cref="EncodingTerms"/>.</param>
/// <param name="FourOctetAsn">As in <see cref="EncodingTerms"/>.</param>
/// <param name="LongestSent">As in <see cref="EncodingTerms"/>.</param>
/// <param name="IPv4NextHopSize">4, 16 or 32; 0: no such routes are sent.</param>
/// <param name="IPv6NextHopSize">16 or 32; 0: no such routes are sent.</param>
internal readonly record struct EncodingShape(
    bool IsInternal, uint LocalAsn, uint? RealAsn, bool FourOctetAsn, int LongestSent, byte IPv4NextHopSize, byte IPv6NextHopSize)
{
    public int NextHopSize(BgpFamily family) => family is BgpFamily.IPv4Unicast ? IPv4NextHopSize : IPv6NextHopSize;

    /// <summary>IPv4 with an IPv4 next hop is written where RFC 4271 has a place for it; all else in the attributes of RFC 4760.</summary>
    public bool IsClassic(BgpFamily family) => family is BgpFamily.IPv4Unicast && IPv4NextHopSize == 4;
}

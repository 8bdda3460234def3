namespace Portolan.Protocols.Bgp.Wire;

/// <summary>What a session can carry (RFC 4760): unicast routes of one of the two families.</summary>
public enum BgpFamily : byte
{
    /// <summary>AFI 1, SAFI 1.</summary>
    IPv4Unicast = 1,

    /// <summary>AFI 2, SAFI 1.</summary>
    IPv6Unicast = 2,
}

/// <summary>A set of families.</summary>
[Flags]
public enum BgpFamilies : byte
{
    /// <summary>No family.</summary>
    None = 0,

    /// <summary><see cref="BgpFamily.IPv4Unicast"/>.</summary>
    IPv4Unicast = 1,

    /// <summary><see cref="BgpFamily.IPv6Unicast"/>.</summary>
    IPv6Unicast = 2,
}

/// <summary>Families as numbers and as sets.</summary>
public static class BgpFamilyCodes
{
    /// <summary>The SAFI of unicast.</summary>
    public const byte Unicast = 1;

    /// <summary>The family, or null when it is none that we have.</summary>
    public static BgpFamily? Find(ushort afi, byte safi) => (afi, safi) switch
    {
        (1, Unicast) => BgpFamily.IPv4Unicast,
        (2, Unicast) => BgpFamily.IPv6Unicast,
        _ => null,
    };

    /// <summary>The address family identifier: 1 or 2.</summary>
    public static ushort Afi(this BgpFamily family) => (ushort)family;

    /// <summary>The set that holds one family.</summary>
    public static BgpFamilies ToSet(this BgpFamily family) => (BgpFamilies)family;

    /// <summary>Whether a family is in the set.</summary>
    public static bool Has(this BgpFamilies families, BgpFamily family) => (families & family.ToSet()) != 0;

    /// <summary><c>IPv4 unicast</c> or <c>IPv6 unicast</c>.</summary>
    public static string ToText(this BgpFamily family) => family is BgpFamily.IPv4Unicast ? "IPv4 unicast" : "IPv6 unicast";
}

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

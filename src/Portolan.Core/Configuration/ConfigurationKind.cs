namespace Portolan.Core.Configuration;

/// <summary>The kinds of metallb.io that users write. (The others are statuses.)</summary>
public enum ConfigurationKind : byte
{
    /// <summary><c>IPAddressPool</c>.</summary>
    IPAddressPool,

    /// <summary><c>L2Advertisement</c>.</summary>
    L2Advertisement,

    /// <summary><c>BGPAdvertisement</c>.</summary>
    BGPAdvertisement,

    /// <summary><c>BGPPeer</c>.</summary>
    BGPPeer,

    /// <summary><c>BFDProfile</c>.</summary>
    BFDProfile,

    /// <summary><c>Community</c>.</summary>
    Community,
}

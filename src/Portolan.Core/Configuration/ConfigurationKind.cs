namespace Portolan.Core.Configuration;

/// <summary>The kinds of metallb.io that users write (the others are statuses), and those of portolan.dev that are judged beside them.</summary>
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

    /// <summary><c>AnnouncementPolicy</c> of portolan.dev.</summary>
    AnnouncementPolicy,

    /// <summary><c>BGPPolicy</c> of portolan.dev.</summary>
    BGPPolicy,
}

namespace Portolan.Protocols.Peers;

/// <summary>Why a received datagram, or something in it, is discarded. The names serve as metric labels.</summary>
public enum PeerRejection : byte
{
    /// <summary>It is accepted.</summary>
    None,

    /// <summary>Fewer bytes than a header, and a tag where there must be one.</summary>
    TooShort,

    /// <summary>More than 1,400 bytes.</summary>
    TooLong,

    /// <summary>The version is not 1, or reserved bits are set.</summary>
    WrongVersion,

    /// <summary>An item's length leads beyond the end, or bytes are left over.</summary>
    BadItem,

    /// <summary>Authenticated, and there is no key here.</summary>
    UnexpectedAuthentication,

    /// <summary>Not authenticated, and there is a key here.</summary>
    MissingAuthentication,

    /// <summary>The tag does not match: another secret, or a forgery.</summary>
    BadTag,

    /// <summary>Meant for another node.</summary>
    NotForUs,

    /// <summary>From no node that is known.</summary>
    UnknownSender,

    /// <summary>The sender, (re)started, has not shown yet that it speaks in the present; it is asked to.</summary>
    Unproven,

    /// <summary>Received before, or too old to tell.</summary>
    Replayed,

    /// <summary>A message that does not read as its type says.</summary>
    BadMessage,
}

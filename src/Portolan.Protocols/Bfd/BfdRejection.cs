namespace Portolan.Protocols.Bfd;

/// <summary>Why a received packet is discarded (RFC 5880 §6.8.6). The names serve as metric labels.</summary>
public enum BfdRejection : byte
{
    /// <summary>It is accepted.</summary>
    None,

    /// <summary>Fewer than 24 bytes.</summary>
    TooShort,

    /// <summary>The version is not 1.</summary>
    WrongVersion,

    /// <summary>The length field is below the minimum or beyond the payload.</summary>
    BadLength,

    /// <summary>The detect multiplier is zero.</summary>
    ZeroMultiplier,

    /// <summary>The multipoint bit is set.</summary>
    Multipoint,

    /// <summary>Poll and final in one packet (§6.5 forbids it).</summary>
    PollAndFinal,

    /// <summary>My discriminator is zero.</summary>
    ZeroDiscriminator,

    /// <summary>Your discriminator is zero in a state that implies knowing it.</summary>
    ZeroYourDiscriminator,

    /// <summary>No session of ours: unknown discriminator, or unknown sender.</summary>
    NoSession,

    /// <summary>Authenticated, and the session uses none.</summary>
    UnexpectedAuthentication,

    /// <summary>Not authenticated, and the session demands it.</summary>
    MissingAuthentication,

    /// <summary>Another authentication type, key or section length than the session's.</summary>
    WrongAuthentication,

    /// <summary>The sequence number is outside the window: a replay, or a sender that restarted.</summary>
    SequenceOutOfWindow,

    /// <summary>The digest does not match: another secret, or a forgery.</summary>
    BadDigest,

    /// <summary>The session is administratively down here.</summary>
    AdministrativelyDown,
}

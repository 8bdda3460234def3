namespace Portolan.Protocols.Bgp.Sessions;

/// <summary>What can happen to a connection, with the numbers of RFC 4271 §8.1. Those of DelayOpen and of a version's negotiation are left out.</summary>
public enum SessionEvent : byte
{
    /// <summary>Someone started the peer; 4 with <see cref="SessionConditions.Passive"/>.</summary>
    ManualStart = 1,

    /// <summary>Someone stopped the peer.</summary>
    ManualStop = 2,

    /// <summary>The program started the peer; 5 with <see cref="SessionConditions.Passive"/>.</summary>
    AutomaticStart = 3,

    /// <summary>The program ends the session, to begin again.</summary>
    AutomaticStop = 8,

    /// <summary>Time for another attempt to connect.</summary>
    ConnectRetryTimerExpires = 9,

    /// <summary>The peer was silent for too long.</summary>
    HoldTimerExpires = 10,

    /// <summary>Time for a KEEPALIVE.</summary>
    KeepaliveTimerExpires = 11,

    /// <summary>The pause after a failure is over.</summary>
    IdleHoldTimerExpires = 13,

    /// <summary>The connection we made (16), or one the peer made (17), is up.</summary>
    TcpConnectionConfirmed = 17,

    /// <summary>The connection could not be made, or is gone.</summary>
    TcpConnectionFails = 18,

    /// <summary>An OPEN that we accept.</summary>
    BgpOpen = 19,

    /// <summary>A header that is none: marker, length or type.</summary>
    BgpHeaderError = 21,

    /// <summary>An OPEN that we do not accept.</summary>
    BgpOpenError = 22,

    /// <summary>The peer's other connection is kept (RFC 4271 §6.8).</summary>
    OpenCollisionDump = 23,

    /// <summary>A NOTIFICATION.</summary>
    NotificationReceived = 25,

    /// <summary>A KEEPALIVE.</summary>
    KeepaliveReceived = 26,

    /// <summary>An UPDATE.</summary>
    UpdateReceived = 27,

    /// <summary>An UPDATE, or a ROUTE-REFRESH (RFC 7313 §5), that ends the session.</summary>
    UpdateError = 28,

    /// <summary>The peer does not take what we send (RFC 9687).</summary>
    SendHoldTimerExpires = 29,

    /// <summary>A ROUTE-REFRESH (RFC 2918 gives it no number).</summary>
    RouteRefreshReceived = 30,
}

namespace Portolan.Protocols.Bgp.Sessions;

/// <summary>The states of a connection's machine (RFC 4271 §8.2.2).</summary>
public enum SessionState : byte
{
    /// <summary>Nothing is tried: before the start, and while waiting after a failure.</summary>
    Idle,

    /// <summary>A TCP connection is being made.</summary>
    Connect,

    /// <summary>Waiting for a TCP connection, or for the next attempt to make one.</summary>
    Active,

    /// <summary>Our OPEN is sent, theirs is awaited.</summary>
    OpenSent,

    /// <summary>Their OPEN is accepted, their KEEPALIVE is awaited.</summary>
    OpenConfirm,

    /// <summary>Routes are exchanged.</summary>
    Established,
}

using Portolan.Protocols.Bgp.Wire;

namespace Portolan.Protocols.Bgp.Sessions;

/// <summary>What holds for a connection besides its state.</summary>
[Flags]
public enum SessionConditions : byte
{
    /// <summary>We connect, and the agreed hold time is not 0.</summary>
    None = 0,

    /// <summary>We wait for the peer to connect (RFC 4271 §8.1.1, PassiveTcpEstablishment).</summary>
    Passive = 1,

    /// <summary>The agreed hold time is 0: neither hold timer nor KEEPALIVEs.</summary>
    NoHoldTime = 2,
}

/// <summary>What is to be done, in the order of the flags.</summary>
[Flags]
public enum SessionActions
{
    /// <summary>Nothing.</summary>
    None = 0,

    /// <summary>Send a NOTIFICATION: the step's own, or the error that the event came with.</summary>
    SendNotification = 1 << 0,

    /// <summary>End the TCP connection, or the attempt to make one.</summary>
    Drop = 1 << 1,

    /// <summary>Stop the connect retry timer.</summary>
    StopConnectRetry = 1 << 2,

    /// <summary>Stop the hold timer.</summary>
    StopHold = 1 << 3,

    /// <summary>Stop the keepalive timer.</summary>
    StopKeepalive = 1 << 4,

    /// <summary>Stop the send hold timer.</summary>
    StopSendHold = 1 << 5,

    /// <summary>Stop the idle hold timer.</summary>
    StopIdleHold = 1 << 6,

    /// <summary>Set the connect retry counter to 0.</summary>
    ClearCounter = 1 << 7,

    /// <summary>Add 1 to the connect retry counter.</summary>
    RaiseCounter = 1 << 8,

    /// <summary>Start to make a TCP connection.</summary>
    Dial = 1 << 9,

    /// <summary>Send an OPEN.</summary>
    SendOpen = 1 << 10,

    /// <summary>Send a KEEPALIVE.</summary>
    SendKeepalive = 1 << 11,

    /// <summary>Start the connect retry timer anew.</summary>
    StartConnectRetry = 1 << 12,

    /// <summary>Start the hold timer with the long time that an OPEN may take.</summary>
    StartOpenHold = 1 << 13,

    /// <summary>Start the hold timer anew with the agreed time.</summary>
    StartHold = 1 << 14,

    /// <summary>Start the keepalive timer anew.</summary>
    StartKeepalive = 1 << 15,

    /// <summary>Start the send hold timer.</summary>
    StartSendHold = 1 << 16,

    /// <summary>Start the idle hold timer: the next attempt waits for it.</summary>
    StartIdleHold = 1 << 17,
}

/// <summary>What follows from an event.</summary>
/// <param name="State">The state afterwards.</param>
/// <param name="Actions">What is to be done.</param>
/// <param name="Code">The NOTIFICATION to send; None: there is none, or it is the error that the event came with.</param>
/// <param name="Subcode">Its subcode.</param>
public readonly record struct SessionStep(SessionState State, SessionActions Actions, BgpErrorCode Code = BgpErrorCode.None, byte Subcode = 0);

namespace Portolan.Protocols.Bgp.Wire;

/// <summary>The error codes of a NOTIFICATION (RFC 4271 §4.5, RFC 7313, RFC 9687).</summary>
public enum BgpErrorCode : byte
{
    /// <summary>No error.</summary>
    None = 0,

    /// <summary>Message Header Error.</summary>
    MessageHeader = 1,

    /// <summary>OPEN Message Error.</summary>
    Open = 2,

    /// <summary>UPDATE Message Error.</summary>
    Update = 3,

    /// <summary>Hold Timer Expired.</summary>
    HoldTimerExpired = 4,

    /// <summary>Finite State Machine Error.</summary>
    StateMachine = 5,

    /// <summary>Cease.</summary>
    Cease = 6,

    /// <summary>ROUTE-REFRESH Message Error (RFC 7313).</summary>
    RouteRefresh = 7,

    /// <summary>Send Hold Timer Expired (RFC 9687).</summary>
    SendHoldTimerExpired = 8,
}

/// <summary>The subcodes of Cease (RFC 4486, RFC 8538, RFC 9384).</summary>
public enum CeaseSubcode : byte
{
    /// <summary>Maximum Number of Prefixes Reached.</summary>
    MaximumPrefixes = 1,

    /// <summary>Administrative Shutdown.</summary>
    AdministrativeShutdown = 2,

    /// <summary>Peer De-configured.</summary>
    PeerDeconfigured = 3,

    /// <summary>Administrative Reset.</summary>
    AdministrativeReset = 4,

    /// <summary>Connection Rejected.</summary>
    ConnectionRejected = 5,

    /// <summary>Other Configuration Change.</summary>
    ConfigurationChange = 6,

    /// <summary>Connection Collision Resolution.</summary>
    CollisionResolution = 7,

    /// <summary>Out of Resources.</summary>
    OutOfResources = 8,

    /// <summary>Hard Reset: even a peer that would keep our routes lets go of them (RFC 8538).</summary>
    HardReset = 9,

    /// <summary>BFD Down (RFC 9384).</summary>
    BfdDown = 10,
}

/// <summary>Why a session ends, in the terms of a NOTIFICATION (RFC 4271 §4.5).</summary>
/// <param name="Code">The error code.</param>
/// <param name="Subcode">The subcode; 0: unspecific.</param>
/// <param name="Data">What the error's rule says to send along.</param>
/// <param name="Reason">What happened, in words, for logs and people. Not sent.</param>
public readonly record struct BgpError(BgpErrorCode Code, byte Subcode, ReadOnlyMemory<byte> Data, string Reason)
{
    /// <summary>No error.</summary>
    public static BgpError None => default;

    /// <summary>Whether there is none.</summary>
    public bool IsNone => Code is BgpErrorCode.None;

    /// <summary>A Message Header Error.</summary>
    public static BgpError Header(HeaderSubcode subcode, string reason, ReadOnlyMemory<byte> data = default) => new(BgpErrorCode.MessageHeader, (byte)subcode, data, reason);

    /// <summary>An OPEN Message Error.</summary>
    public static BgpError Open(OpenSubcode subcode, string reason, ReadOnlyMemory<byte> data = default) => new(BgpErrorCode.Open, (byte)subcode, data, reason);

    /// <summary>An UPDATE Message Error.</summary>
    public static BgpError Update(UpdateSubcode subcode, string reason, ReadOnlyMemory<byte> data = default) => new(BgpErrorCode.Update, (byte)subcode, data, reason);

    /// <summary>A Finite State Machine Error (RFC 6608).</summary>
    public static BgpError StateMachine(StateMachineSubcode subcode, string reason, ReadOnlyMemory<byte> data = default) => new(BgpErrorCode.StateMachine, (byte)subcode, data, reason);

    /// <summary>A Cease.</summary>
    /// <param name="subcode">Why.</param>
    /// <param name="reason">The same in words, for our own logs.</param>
    /// <param name="communication">
    /// What the peer's operator is told (RFC 9003), cut to <see cref="ShutdownCommunication.MaxSize"/> bytes; only Administrative Shutdown and Administrative Reset carry it.
    /// </param>
    public static BgpError Cease(CeaseSubcode subcode, string reason, string? communication = null) =>
        new(BgpErrorCode.Cease, (byte)subcode, communication is not null && ShutdownCommunication.IsCarriedBy(subcode) ? ShutdownCommunication.Encode(communication) : default, reason);

    /// <summary>The same as a Hard Reset: for a peer that would otherwise keep our routes (RFC 8538 §3.1).</summary>
    public BgpError ToHardReset() =>
        new(BgpErrorCode.Cease, (byte)CeaseSubcode.HardReset, (byte[])[(byte)Code, Subcode, .. Data.Span], Reason);

    /// <summary>What is sent and what happened: <c>OPEN Message Error/Bad Peer AS: …</c>.</summary>
    public override string ToString() => IsNone ? "no error" : string.IsNullOrEmpty(Reason) ? BgpErrorText.Of(Code, Subcode) : $"{BgpErrorText.Of(Code, Subcode)}: {Reason}";
}

using Portolan.Protocols.Bgp.Wire;

namespace Portolan.Protocols.Bgp.Sessions;

/// <summary>One of the two connections a peer can have: its machine's state, its timers, and what it has heard.</summary>
/// <param name="isIncoming">The one that the peer makes; otherwise the one that we make.</param>
internal sealed class ConnectionLane<TConnection>(bool isIncoming)
    where TConnection : class
{
    /// <summary>A timer that does not run.</summary>
    public const long Never = long.MaxValue;

    private const long Second = 1_000_000;

    public bool IsIncoming => isIncoming;

    public SessionState State { get; set; }

    public TConnection? Connection { get; set; }

    /// <summary>When the connection came up.</summary>
    public long Since { get; set; }

    public MessageBuffer Buffer { get; } = new();

    /// <summary>Their OPEN.</summary>
    public OpenMessage? Open { get; set; }

    /// <summary>What follows from it, once it is accepted.</summary>
    public SessionTerms? Terms { get; set; }

    /// <summary>Their OPEN is good, but the other connection is established: what becomes of that is waited for.</summary>
    public bool IsParked => State is SessionState.OpenSent && Open is not null;

    /// <summary>The connect retry timer and the idle hold timer: never both run.</summary>
    public long RetryAt { get; set; } = Never;

    public long HoldAt { get; set; } = Never;

    public long KeepaliveAt { get; set; } = Never;

    /// <summary>When this connection gives way to the other one, which is established.</summary>
    public long GiveUpAt { get; set; } = Never;

    public long KeepaliveSentAt { get; set; }

    /// <summary>Since when bytes of ours wait and none of them is taken.</summary>
    public long WaitsSince { get; set; } = Never;

    public bool IsStallTold { get; set; }

    /// <summary>Microseconds; 0: never.</summary>
    public long HoldTime => (Terms?.HoldTime ?? 0) * Second;

    public SessionConditions Conditions =>
        (isIncoming ? SessionConditions.Passive : SessionConditions.None) | (Terms is { HoldTime: 0 } ? SessionConditions.NoHoldTime : SessionConditions.None);

    public int LongestReceived => Terms?.LongestReceived ?? BgpFraming.Longest;

    /// <summary>RFC 9687 §4: 8 minutes or twice the hold time, whichever is longer.</summary>
    public long SendHoldAt => State is SessionState.Established && WaitsSince != Never ? WaitsSince + Math.Max(480 * Second, 2 * HoldTime) : Never;

    public long StallAt(long after) => State is SessionState.Established && WaitsSince != Never && !IsStallTold ? WaitsSince + after : Never;

    /// <summary>Forgets what belonged to the connection.</summary>
    public void Clear()
    {
        (Connection, Open, Terms, GiveUpAt, WaitsSince, IsStallTold) = (null, null, null, Never, Never, false);
        Buffer.Reset();
    }
}

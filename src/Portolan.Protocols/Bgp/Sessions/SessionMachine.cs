using Portolan.Protocols.Bgp.Wire;
using static Portolan.Protocols.Bgp.Sessions.SessionActions;

namespace Portolan.Protocols.Bgp.Sessions;

/// <summary>The finite state machine of one connection (RFC 4271 §8.2.2), as a function without memory.</summary>
/// <remarks>
/// <code>
///          start, pause over        connection up         OPEN               KEEPALIVE
///   Idle ───────────────────▶ Connect ───────▶ OpenSent ───────▶ OpenConfirm ───────▶ Established
///    │  passive                  ▲ retry           │ connection lost
///    └────────────▶ Active ──────┘ ◀───────────────┘                     anything else ──▶ Idle
/// </code>
/// It departs from the text in these points, because the text contradicts itself or leaves them open:
/// a NOTIFICATION is never answered with one, in OpenSent neither (§6.4); a broken header is told as that in Established too (§6.1);
/// without an agreed hold time the one for the OPEN goes on until the KEEPALIVE, or else one who falls silent in between would be waited for for ever;
/// an OPEN after the first is an unexpected message, as each connection has a machine of its own (RFC 6608); no timer but the idle hold timer runs in
/// Idle, after a failure in Active neither; every failure leads to an idle hold and counts, for the pause between attempts grows with the counter; the end
/// of an idle hold starts again and keeps the counter; a manual stop ends an idle hold.
/// </remarks>
public static class SessionMachine
{
    private const SessionActions Release = Drop | StopConnectRetry | StopHold | StopKeepalive | StopSendHold;
    private const SessionActions Failure = Release | RaiseCounter | StartIdleHold;

    /// <summary>What follows when something happens in a state.</summary>
    /// <param name="state">The state before.</param>
    /// <param name="happened">The event.</param>
    /// <param name="conditions">What else holds.</param>
    public static SessionStep Next(SessionState state, SessionEvent happened, SessionConditions conditions = SessionConditions.None) => state switch
    {
        SessionState.Idle => InIdle(happened, conditions),
        SessionState.Connect => InConnect(happened),
        SessionState.Active => InActive(happened),
        SessionState.OpenSent => InOpenSent(happened, conditions),
        SessionState.OpenConfirm => InOpenConfirm(happened, conditions),
        SessionState.Established => InEstablished(happened, conditions),
        _ => throw new ArgumentOutOfRangeException(nameof(state), state, null),
    };

    private static SessionStep InIdle(SessionEvent happened, SessionConditions conditions) => happened switch
    {
        SessionEvent.ManualStart or SessionEvent.AutomaticStart => Begin(StopIdleHold | ClearCounter, conditions),
        SessionEvent.IdleHoldTimerExpires => Begin(StopIdleHold, conditions),
        SessionEvent.ManualStop => new(SessionState.Idle, StopIdleHold | ClearCounter),
        _ => new(SessionState.Idle, None),
    };

    private static SessionStep InConnect(SessionEvent happened) => happened switch
    {
        SessionEvent.ManualStart or SessionEvent.AutomaticStart => new(SessionState.Connect, None),
        SessionEvent.ManualStop => new(SessionState.Idle, Release | ClearCounter),
        SessionEvent.ConnectRetryTimerExpires => new(SessionState.Connect, Drop | Dial | StartConnectRetry),
        SessionEvent.TcpConnectionConfirmed => new(SessionState.OpenSent, StopConnectRetry | SendOpen | StartOpenHold),
        _ => new(SessionState.Idle, Failure),
    };

    private static SessionStep InActive(SessionEvent happened) => happened switch
    {
        SessionEvent.ManualStart or SessionEvent.AutomaticStart => new(SessionState.Active, None),
        SessionEvent.ConnectRetryTimerExpires => new(SessionState.Connect, Dial | StartConnectRetry),
        _ => InConnect(happened),
    };

    private static SessionStep InOpenSent(SessionEvent happened, SessionConditions conditions) => happened switch
    {
        SessionEvent.TcpConnectionFails => new(SessionState.Active, Drop | StopHold | RaiseCounter | StartConnectRetry),
        SessionEvent.BgpOpen => new(SessionState.OpenConfirm, SendKeepalive | WithHoldTime(conditions, StartHold | StartKeepalive, None)),
        _ => Otherwise(SessionState.OpenSent, happened),
    };

    private static SessionStep InOpenConfirm(SessionEvent happened, SessionConditions conditions) => happened switch
    {
        SessionEvent.KeepaliveTimerExpires => new(SessionState.OpenConfirm, SendKeepalive | WithHoldTime(conditions, StartKeepalive, None)),
        SessionEvent.KeepaliveReceived => new(SessionState.Established, StartSendHold | WithHoldTime(conditions, StartHold, StopHold)),
        _ => Otherwise(SessionState.OpenConfirm, happened),
    };

    private static SessionStep InEstablished(SessionEvent happened, SessionConditions conditions) => happened switch
    {
        SessionEvent.KeepaliveTimerExpires => new(SessionState.Established, SendKeepalive | WithHoldTime(conditions, StartKeepalive, None)),
        SessionEvent.KeepaliveReceived or SessionEvent.UpdateReceived or SessionEvent.RouteRefreshReceived =>
            new(SessionState.Established, WithHoldTime(conditions, StartHold, None)),
        SessionEvent.UpdateError => new(SessionState.Idle, SendNotification | Failure),
        SessionEvent.SendHoldTimerExpires => Fail(BgpErrorCode.SendHoldTimerExpired),
        SessionEvent.BgpOpenError => Unexpected(SessionState.Established),
        _ => Otherwise(SessionState.Established, happened),
    };

    // What the three states that have a connection have in common.
    private static SessionStep Otherwise(SessionState state, SessionEvent happened) => happened switch
    {
        SessionEvent.ManualStart or SessionEvent.AutomaticStart or SessionEvent.TcpConnectionConfirmed => new(state, None),
        SessionEvent.ManualStop => new(SessionState.Idle, SendNotification | Release | ClearCounter),
        SessionEvent.AutomaticStop or SessionEvent.BgpHeaderError or SessionEvent.BgpOpenError => new(SessionState.Idle, SendNotification | Failure),
        SessionEvent.HoldTimerExpires => Fail(BgpErrorCode.HoldTimerExpired),
        SessionEvent.OpenCollisionDump => Fail(BgpErrorCode.Cease, (byte)CeaseSubcode.CollisionResolution),
        SessionEvent.TcpConnectionFails or SessionEvent.NotificationReceived => new(SessionState.Idle, Failure),
        _ => Unexpected(state),
    };

    private static SessionStep Begin(SessionActions first, SessionConditions conditions) => (conditions & SessionConditions.Passive) != 0
        ? new(SessionState.Active, first | StartConnectRetry)
        : new(SessionState.Connect, first | Dial | StartConnectRetry);

    // RFC 6608 §3: which state the message was not expected in.
    private static SessionStep Unexpected(SessionState state) => Fail(BgpErrorCode.StateMachine, (byte)(1 + (state - SessionState.OpenSent)));

    private static SessionStep Fail(BgpErrorCode code, byte subcode = 0) => new(SessionState.Idle, SendNotification | Failure, code, subcode);

    private static SessionActions WithHoldTime(SessionConditions conditions, SessionActions with, SessionActions without) =>
        (conditions & SessionConditions.NoHoldTime) != 0 ? without : with;
}

using Portolan.Protocols.Bgp.Wire;

namespace Portolan.Protocols.Bgp.Sessions;

// What the machine asks for, carried out.
public sealed partial class PeerSession<TConnection>
{
    private void Happen(ConnectionLane<TConnection> lane, SessionEvent happened, long now, BgpError error = default, BgpMessageType unexpected = default)
    {
        var before = lane.State;
        var step = SessionMachine.Next(before, happened, lane.Conditions);
        lane.State = step.State;
        if (step.Actions is SessionActions.None)
            return;
        if (step.Code is not BgpErrorCode.None)
            error = Own(step, before, unexpected);
        End(lane, step.Actions, happened, before, error);
        StopTimers(lane, step.Actions);
        Count(lane, step.Actions, before);
        Begin(lane, step.Actions, now);

        // Our own pause has passed unheeded beside the session; what was lost gets one of its own.
        if (before is SessionState.Established && lane.State is SessionState.Idle && lane.IsIncoming && _outgoing.RetryAt != Never)
            _outgoing.RetryAt = now + Pause();
        if (before != SessionState.Established && lane.State is SessionState.Established)
            Establish(lane, now);

        // The peer is listened to also while we pause, or else both sides could pause past each other.
        if (lane is { IsIncoming: true, State: SessionState.Idle } && IsStarted)
            Happen(lane, SessionEvent.IdleHoldTimerExpires, now);
    }

    private void End(ConnectionLane<TConnection> lane, SessionActions actions, SessionEvent happened, SessionState before, BgpError error)
    {
        if ((actions & SessionActions.SendNotification) != 0 && !error.IsNone)
            Notify(lane.Connection!, error);
        if ((actions & SessionActions.Drop) == 0)
            return;
        var connection = lane.Connection;
        lane.Clear();
        if (happened is not SessionEvent.TcpConnectionFails)
        {
            if (connection is not null)
                _sink.Close(connection);
            else if (before is SessionState.Connect)
                _sink.CancelConnect();
        }

        if (before is SessionState.Active)
            return;
        var origin = happened switch
        {
            SessionEvent.NotificationReceived => SessionEndOrigin.Peer,
            SessionEvent.TcpConnectionFails or SessionEvent.ConnectRetryTimerExpires => SessionEndOrigin.Transport,
            _ => SessionEndOrigin.Local,
        };
        var end = new SessionEnd(origin, error, before, lane.IsIncoming);
        LastEnd = end;
        if (!error.IsNone && (error.Code, error.Subcode) != (BgpErrorCode.Cease, (byte)CeaseSubcode.CollisionResolution))
            LastError = end;
        if (before is SessionState.Established)
        {
            (EstablishedAt, _settledAt) = (null, Never);
            _prefixes?.Clear();
            _sink.Down(end);
        }
        else if (happened is not SessionEvent.ManualStop)
        {
            _sink.Failed(end);
        }
    }

    private static void StopTimers(ConnectionLane<TConnection> lane, SessionActions actions)
    {
        if ((actions & (SessionActions.StopConnectRetry | SessionActions.StopIdleHold)) != 0)
            lane.RetryAt = Never;
        if ((actions & SessionActions.StopHold) != 0)
            lane.HoldAt = Never;
        if ((actions & SessionActions.StopKeepalive) != 0)
            lane.KeepaliveAt = Never;
    }

    private void Count(ConnectionLane<TConnection> lane, SessionActions actions, SessionState before)
    {
        if ((actions & SessionActions.ClearCounter) != 0)
            Failures = 0;
        // One who keeps connecting in vain must not make our own attempts rarer.
        if ((actions & SessionActions.RaiseCounter) != 0 && (!lane.IsIncoming || before is SessionState.Established))
            Failures = Math.Min(Failures + 1, 1_000_000);
    }

    private void Begin(ConnectionLane<TConnection> lane, SessionActions actions, long now)
    {
        if ((actions & SessionActions.Dial) != 0)
            _sink.Connect();
        if ((actions & SessionActions.SendOpen) != 0)
            SendOpen(lane.Connection!);
        if ((actions & SessionActions.SendKeepalive) != 0)
            SendKeepalive(lane, now);
        if ((actions & SessionActions.StartOpenHold) != 0)
            lane.HoldAt = now + _settings.OpenTime;
        if ((actions & SessionActions.StartHold) != 0)
            lane.HoldAt = now + lane.HoldTime;
        if ((actions & SessionActions.StartKeepalive) != 0)
            lane.KeepaliveAt = now + KeepaliveInterval(lane.Terms!);
        if (lane.IsIncoming)
            return;
        if ((actions & SessionActions.StartConnectRetry) != 0)
            lane.RetryAt = now + (lane.State is SessionState.Connect ? Jitter(_settings.ConnectTime) : Pause());
        if ((actions & SessionActions.StartIdleHold) != 0)
            lane.RetryAt = now + Pause();
    }

    private void Establish(ConnectionLane<TConnection> lane, long now)
    {
        (EstablishedAt, _settledAt, IsRestarting) = (now, now + SettlingTime, false);
        Counters.Established++;
        Yield(Other(lane), now);
        _sink.Established(lane.Connection!, lane.Terms!);
    }

    private void SendOpen(TConnection connection)
    {
        Span<byte> bytes = stackalloc byte[OpenMessage.MaxSize];
        Counters.OpensSent++;
        _sink.Send(connection, bytes[..Negotiation.Offer(_settings, IsRestarting).WriteTo(bytes)]);
    }

    private void SendKeepalive(ConnectionLane<TConnection> lane, long now)
    {
        lane.KeepaliveSentAt = now;
        Counters.KeepalivesSent++;
        _sink.Send(lane.Connection!, _keepalive);
    }

    private void Notify(TConnection connection, BgpError error)
    {
        Span<byte> bytes = stackalloc byte[BgpFraming.Longest];
        Counters.NotificationsSent++;
        _sink.Send(connection, bytes[..NotificationMessage.Write(bytes, error)]);
    }

    private static BgpError Own(SessionStep step, SessionState state, BgpMessageType unexpected) => step.Code switch
    {
        BgpErrorCode.HoldTimerExpired => new(step.Code, step.Subcode, default, "the peer was silent for too long"),
        BgpErrorCode.SendHoldTimerExpired => new(step.Code, step.Subcode, default, "the peer takes nothing of what we send"),
        BgpErrorCode.StateMachine when unexpected is 0 => new(step.Code, 0, default, $"a timer in {state}"),
        BgpErrorCode.StateMachine => new(step.Code, step.Subcode, new[] { (byte)unexpected }, $"{unexpected} in {state}"),
        _ => new(step.Code, step.Subcode, default, "the other of two connections is kept"),
    };

    // RFC 4271 §10: timers are shortened by up to a quarter, so that peers do not fall into step.
    private long Jitter(long time) => _random.NextInt64(time * 3 / 4, time + 1);

    private long Pause() => Jitter(Math.Min(_settings.LongestPause, Second << Math.Clamp(Failures - 1, 0, 20)));

    private long KeepaliveInterval(SessionTerms terms)
    {
        var third = terms.HoldTime * Second / 3;
        var interval = _settings.KeepaliveTime == 0 ? third : Math.Min(third, _settings.KeepaliveTime * Second);
        // No more often than once a second (RFC 4271 §4.4), which is a third of the shortest hold time.
        return Math.Max(Second, Jitter(interval));
    }
}

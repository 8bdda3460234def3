using Portolan.Protocols.Bgp.Wire;

namespace Portolan.Protocols.Bgp.Sessions;

// Two connections, of which one is to remain (RFC 4271 §6.8, RFC 6286 §2.3).
public sealed partial class PeerSession<TConnection>
{
    // An established session wins, but it is not ended for sure before both sides know so: where ours is established and the peer, who had not got our
    // KEEPALIVE yet, has just decided for the other connection, dropping that one too would leave none. A second is more than that word takes.
    private const long Patience = Second;

    // One who connected and has not said anything for so long may as well have lost its memory since.
    private const long SilentTime = 10 * Second;

    /// <summary>
    /// The peer made a connection. With two connections already, or stopped, it is refused. Beside an established session it gets a second to show
    /// whether that session is dead: a KEEPALIVE on it provokes the answer of a peer that has restarted.
    /// </summary>
    public void Accepted(TConnection connection, long now)
    {
        if (!IsStarted)
        {
            Refuse(connection, CeaseSubcode.ConnectionRejected);
            return;
        }

        if (_incoming is { State: SessionState.OpenSent, Open: null } && now - _incoming.Since >= SilentTime)
            Happen(_incoming, SessionEvent.OpenCollisionDump, now);
        if (_incoming.State is not SessionState.Active)
        {
            Probe(_incoming, now);
            Refuse(connection, CeaseSubcode.CollisionResolution);
            return;
        }

        ComeUp(_incoming, connection, now);
        if (_outgoing.State is SessionState.Established)
        {
            Yield(_incoming, now);
            Probe(_outgoing, now);
        }
    }

    private void ComeUp(ConnectionLane<TConnection> lane, TConnection connection, long now)
    {
        (lane.Connection, lane.Since) = (connection, now);
        Happen(lane, SessionEvent.TcpConnectionConfirmed, now);
    }

    // Their OPEN has come: only now is it known which connection wins, and that the winner is worth something.
    private void Decide(ConnectionLane<TConnection> lane, OpenMessage open, long now)
    {
        lane.Open = open;
        var other = Other(lane);
        if (other.State is SessionState.Established)
        {
            lane.GiveUpAt = now + Patience;
            Probe(other, now);
            return;
        }

        if (other.State is SessionState.OpenConfirm)
        {
            var loser = Wins(lane, open) ? other : lane;
            Happen(loser, SessionEvent.OpenCollisionDump, now);
            if (loser == lane)
                return;
        }

        Agree(lane, open, now);
    }

    private void Agree(ConnectionLane<TConnection> lane, OpenMessage open, long now)
    {
        (lane.Terms, lane.GiveUpAt) = (Negotiation.Agree(_settings, open), Never);
        Happen(lane, SessionEvent.BgpOpen, now);
    }

    // The connection made by the side with the larger identifier wins; where they are equal, by that with the larger AS number.
    private bool Wins(ConnectionLane<TConnection> lane, OpenMessage open) =>
        !lane.IsIncoming == ((_settings.Identifier, _settings.LocalAsn).CompareTo((open.Identifier, open.Asn)) > 0);

    // The other connection is established.
    private void Yield(ConnectionLane<TConnection> lane, long now)
    {
        if (lane.State is SessionState.Connect)
            Happen(lane, SessionEvent.OpenCollisionDump, now);
        else if (lane.State is SessionState.OpenSent)
            lane.GiveUpAt = now + SilentTime;
    }

    // The established session is gone, and the connection that waited beside it takes its place.
    private void Resume(long now)
    {
        if (Established is not null)
            return;
        Resume(_outgoing, now);
        Resume(_incoming, now);
    }

    private void Resume(ConnectionLane<TConnection> lane, long now)
    {
        lane.GiveUpAt = Never;
        if (!lane.IsParked)
            return;
        var kept = lane.Buffer.Span.ToArray();
        lane.Buffer.Clear();
        var connection = lane.Connection!;
        Agree(lane, lane.Open!, now);
        Read(lane, connection, kept, now);
    }

    private void Probe(ConnectionLane<TConnection> lane, long now)
    {
        if (lane.State >= SessionState.OpenConfirm && now - lane.KeepaliveSentAt >= Second)
            SendKeepalive(lane, now);
    }

    private void Refuse(TConnection connection, CeaseSubcode subcode)
    {
        Counters.Refused++;
        Notify(connection, BgpError.Cease(subcode, ""));
        _sink.Close(connection);
    }
}

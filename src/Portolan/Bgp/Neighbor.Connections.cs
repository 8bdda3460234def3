using System.ComponentModel;
using System.Net;
using System.Net.Sockets;
using Microsoft.Extensions.Logging;
using Portolan.Linux.Links;
using Portolan.Linux.Sockets;
using Portolan.Protocols.Bgp.Routes;
using Portolan.Protocols.Bgp.Sessions;
using Portolan.Protocols.Bgp.Wire;

namespace Portolan.Bgp;

// What the session wants done, and what its connections say.
internal sealed partial class Neighbor
{
    private const int ReadAtOnce = 16;
    private const int TimedOut = 110; // ETIMEDOUT

    void IPeerSink<BgpConnection>.Connect()
    {
        try
        {
            _ends.Begin();
            var remote = new IPEndPoint(Address!, Settings.Port);
            var connection = new BgpConnection(SessionSocket.Dial(remote, Settings.Source?.ToIPAddress(), Settings.ForSocket()), isIncoming: false);
            _connections.Add(connection);
            _dialling = connection;
            _loop.Wait.Add(connection.Socket.Socket);
            _loop.Wait.AwaitWritable(connection.Socket.Socket, true);
        }
        catch (SocketException failure)
        {
            // Not now: the session waits for its answer.
            _cannotDial = failure.Message;
        }
    }

    void IPeerSink<BgpConnection>.CancelConnect()
    {
        _cannotDial = null;
        if (_dialling is { } connection)
            Drop(connection);
    }

    void IPeerSink<BgpConnection>.Send(BgpConnection connection, ReadOnlySpan<byte> bytes)
    {
        connection.Add(bytes);
        Flush(connection, DeadlineWait.Now);
    }

    void IPeerSink<BgpConnection>.Close(BgpConnection connection)
    {
        connection.Phase = ConnectionPhase.Closing;
        connection.CloseBy = DeadlineWait.Now + Linger;
        if (connection.Waiting == 0)
            connection.Socket.FinishSending();
    }

    void IPeerSink<BgpConnection>.Established(BgpConnection connection, SessionTerms terms)
    {
        _established = connection;
        _changedAt = DeadlineWait.Now;
        if (connection.Addresses == default)
            LookAround(connection);
        var nextHops = NextHops.Choose(connection.Addresses, terms, Settings.LinkLocal);
        var encoding = EncodingTerms.Of(terms, nextHops.IPv4, nextHops.IPv6);
        _sender.Begin(encoding, terms);
        _loop.Log.LogInformation(
            "bgp: session with {Peer} ({Address}, AS {Asn}) is established: {Families}, hold time {Hold} s", Title, Address, terms.PeerAsn, terms.Families, terms.HoldTime);
        if ((terms.Families & ~encoding.Families) is not BgpFamilies.None and var mute)
            _loop.Log.LogWarning("bgp: {Peer} is sent no routes of {Families}: the interface of {Local} has no address for their next hop", Title, mute, connection.Socket.Local.Address);
        _loop.Changed(this);
    }

    void IPeerSink<BgpConnection>.Down(SessionEnd end)
    {
        _established = null;
        _changedAt = DeadlineWait.Now;
        _sender.End();
        if (Settings.Interface.Length > 0)
            _loop.LookAgain(Settings.Interface);
        _ends.Down(Title, Address, end, _changedAt);
        _loop.Changed(this);
    }

    void IPeerSink<BgpConnection>.Failed(SessionEnd end)
    {
        _ends.Failed(Title, Address, end, Settings.Password.Length > 0, DeadlineWait.Now);
        _loop.Changed(this, isUrgent: false);
    }

    void IPeerSink<BgpConnection>.RefreshAsked(BgpFamily family) => _sender.Ask(family);

    void IPeerSink<BgpConnection>.EndOfRibHeard(BgpFamily family)
    {
        // We keep none of its routes.
    }

    void IPeerSink<BgpConnection>.Stalled(BgpConnection connection, long since) =>
        _loop.Log.LogWarning("bgp: {Peer} ({Address}) has taken nothing of what it is sent for {Seconds} s", Title, Address, (DeadlineWait.Now - since) / 1_000_000);

    private void Serve(BgpConnection connection, bool isDue, long now)
    {
        if (connection.Phase is ConnectionPhase.Connecting)
        {
            if (_loop.Wait.IsWritable(connection.Socket.Socket))
                FinishConnecting(connection, now);
            return;
        }

        if (connection.Waiting > 0 && _loop.Wait.IsWritable(connection.Socket.Socket))
            Flush(connection, now);
        if (isDue || connection.Error != 0 || _loop.Wait.IsReady(connection.Socket.Socket))
            Read(connection, now);
    }

    private void FinishConnecting(BgpConnection connection, long now)
    {
        var error = connection.Socket.TakeError();
        _dialling = null;
        if (error != 0)
        {
            Drop(connection);
            _session.ConnectFailed(error == TimedOut ? PeerSession<BgpConnection>.NoAnswer : new Win32Exception(error).Message, now);
            return;
        }

        connection.Phase = ConnectionPhase.Open;
        _loop.Wait.AwaitWritable(connection.Socket.Socket, false);
        _session.Connected(connection, now);
        LookAround(connection);
    }

    // While the other side writes its OPEN: it takes a while, and nobody waits for it.
    private void LookAround(BgpConnection connection)
    {
        // One that broke at once has no end any more.
        if (connection is { Phase: ConnectionPhase.Open, Error: 0 } && connection.Socket.Socket.LocalEndPoint is IPEndPoint local)
            connection.Addresses = SessionAddresses.Of(LinkSnapshot.Read(), local.Address, Address!, Settings.Vrf);
    }

    private void Read(BgpConnection connection, long now)
    {
        for (var i = 0; i < ReadAtOnce && connection.Phase is not ConnectionPhase.Closed; i++)
        {
            var count = -1;
            if (connection.Error == 0)
            {
                count = connection.Socket.Receive(_loop.ReadBuffer, out var error);
                connection.Break(error);
            }

            if (count > 0)
            {
                if (connection.Phase is ConnectionPhase.Open)
                    _session.Received(connection, _loop.ReadBuffer.AsSpan(0, count), now);
                continue;
            }

            if (count < 0 && connection.Error == 0)
                return;
            var closing = connection.Phase is ConnectionPhase.Closing;
            var reason = connection.Error != 0 ? new Win32Exception(connection.Error).Message : "the peer has closed it";
            Drop(connection);
            if (!closing)
                _session.Closed(connection, reason, now);
            return;
        }
    }

    private void Flush(BgpConnection connection, long now)
    {
        var before = connection.Taken;
        var all = connection.Flush();
        _loop.Wait.AwaitWritable(connection.Socket.Socket, !all);
        if (connection.Phase is ConnectionPhase.Closing)
        {
            if (all)
                connection.Socket.FinishSending();
            return;
        }

        if (connection.Error != 0)
            _loop.Again();
        else if (!all && connection.Taken == before)
            _session.Blocked(connection, now);
        else if (connection.Taken > before)
            _session.Wrote(connection, all, now);
    }

    private void Drop(BgpConnection connection)
    {
        if (_dialling == connection)
            _dialling = null;
        connection.Phase = ConnectionPhase.Closed;
        _connections.Remove(connection);
        try
        {
            _loop.Wait.Remove(connection.Socket.Socket);
        }
        finally
        {
            connection.Dispose();
        }
    }
}

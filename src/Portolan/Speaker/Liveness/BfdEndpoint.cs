using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using Microsoft.Extensions.Logging;
using Portolan.Core.Addresses;
using Portolan.Linux.Sockets;
using Portolan.Protocols.Bfd;

namespace Portolan.Speaker.Liveness;

/// <summary>
/// Carries a <see cref="BfdEngine{TPeer}"/> on UDP between nodes, single hop (RFC 5881), on a thread of its own: no pool and no timer queue can
/// make a packet late. The engine is touched by that thread only; what others want of it is left at the door.
/// </summary>
internal sealed class BfdEndpoint(BfdSettings settings, Action<BfdTransition<IpAddress>> onTransition, ILogger log)
{
    public const int Port = 3784;
    private const int Farewells = 3;
    private static readonly TimeSpan FarewellPause = TimeSpan.FromMilliseconds(10);

    private readonly Lock _door = new();
    private IReadOnlyCollection<IpAddress> _peers = [];
    private BfdKey? _key;
    private bool _news = true;
    private bool _stop;
    private Wakeup? _wakeup;

    /// <summary>The peers to hold sessions with from now on.</summary>
    public void SetPeers(IReadOnlyCollection<IpAddress> peers) => Leave(() => _peers = [.. peers]);

    /// <summary>The key from now on; null: none.</summary>
    public void UseKey(BfdKey? key) => Leave(() => _key = key);

    /// <summary>Ends <see cref="Hold"/>, with a goodbye to every peer.</summary>
    public void Stop() => Leave(() => _stop = true);

    /// <summary>Holds the sessions on a thread of their own until cancelled.</summary>
    /// <inheritdoc cref="Hold"/>
    public async Task RunAsync(IpAddress local, Action started, CancellationToken stop)
    {
        var done = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        lock (_door)
            _stop = false;
        var thread = new Thread(() =>
        {
            try
            {
                Hold(local, started);
                done.SetResult();
            }
            catch (Exception failure)
            {
                // Not handled here: whoever awaits the endpoint sees it.
                done.SetException(failure);
            }
        })
        { Name = "bfd", IsBackground = true, Priority = ThreadPriority.Highest };
        thread.Start();
        await using (stop.Register(Stop))
            await done.Task;
    }

    /// <summary>Holds the sessions on the calling thread, in its network namespace, until <see cref="Stop"/>.</summary>
    /// <param name="local">This node's address.</param>
    /// <param name="started">Called once the socket is open.</param>
    /// <exception cref="SocketException">The address is not this host's (yet), or another program holds the port.</exception>
    public void Hold(IpAddress local, Action started)
    {
        using var listener = SingleHopListener.Open(new IPEndPoint(local.ToIPAddress(), Port));
        using var wakeup = new Wakeup(listener.Socket);
        lock (_door)
            (_wakeup, _news) = (wakeup, true);
        try
        {
            started();
            HoldSessions(local.ToIPAddress(), listener, wakeup);
        }
        finally
        {
            lock (_door)
                _wakeup = null;
        }
    }

    private void Leave(Action change)
    {
        lock (_door)
        {
            change();
            _news = true;
            _wakeup?.Wake();
        }
    }

    private void HoldSessions(IPAddress local, SingleHopListener listener, Wakeup wakeup)
    {
        var engine = new BfdEngine<IpAddress>(settings, Random.Shared);
        using var senders = new Senders(local, log);
        var buffer = new byte[BfdPacket.MaxSize];
        BfdKey? key = null;
        while (TakeNews(engine, senders, ref key))
        {
            while (listener.TryReceive(buffer, out var length, out var source))
                Receive(engine, IpAddress.Read(source), buffer.AsSpan(0, length));
            SendDue(engine, senders, buffer);
            while (engine.TryTakeTransition(out var transition))
                onTransition(transition);
            wakeup.Wait(Milliseconds(engine.Deadline));
        }

        // Packets get lost, so the goodbye is said more than once.
        for (var i = 0; i < Farewells; i++)
        {
            if (i > 0)
                Thread.Sleep(FarewellPause);
            engine.AdminDown(Now());
            SendDue(engine, senders, buffer);
        }
    }

    /// <returns>False when it is time to go.</returns>
    private bool TakeNews(BfdEngine<IpAddress> engine, Senders senders, ref BfdKey? key)
    {
        lock (_door)
        {
            if (_stop)
                return false;
            if (!_news)
                return true;
            _news = false;
            if (key != _key)
                engine.UseKey(key = _key);
            foreach (var gone in engine.Peers.Except(_peers).ToList())
            {
                engine.Remove(gone);
                senders.Remove(gone);
            }

            foreach (var peer in _peers)
                engine.Add(peer, Now());
            return true;
        }
    }

    private void Receive(BfdEngine<IpAddress> engine, IpAddress source, ReadOnlySpan<byte> datagram)
    {
        var rejection = engine.Receive(source, datagram, Now());
        if (rejection is not BfdRejection.None && log.IsEnabled(LogLevel.Debug))
            log.LogDebug("bfd: a packet of {Peer} is discarded: {Rejection}", source, rejection);
    }

    private static void SendDue(BfdEngine<IpAddress> engine, Senders senders, byte[] buffer)
    {
        while (engine.TryTakePacket(Now(), buffer, out var peer, out var length))
            senders.Send(peer, buffer.AsSpan(0, length));
    }

    /// <summary>Microseconds of the clock that the engine is run by.</summary>
    public static long Now() => Stopwatch.GetTimestamp() / (Stopwatch.Frequency / 1_000_000);

    // Rounded up: a wait that ends early would only come back to wait again.
    private static int Milliseconds(long deadline) =>
        deadline == long.MaxValue ? -1 : (int)Math.Clamp((deadline - Now() + 999) / 1000, 0, int.MaxValue);

    /// <summary>A socket per session: each keeps its own source port (RFC 5881 §4).</summary>
    private sealed class Senders(IPAddress local, ILogger log) : IDisposable
    {
        private readonly Dictionary<IpAddress, Socket> _sockets = [];
        private readonly HashSet<IpAddress> _failing = [];

        public void Send(IpAddress peer, ReadOnlySpan<byte> packet)
        {
            try
            {
                if (!_sockets.TryGetValue(peer, out var socket))
                    _sockets[peer] = socket = SingleHopSender.Connect(local, new IPEndPoint(peer.ToIPAddress(), Port));
                socket.Send(packet, SocketFlags.None, out var error);
                // Refused means that a packet before this one found no speaker there, which is what we are about to find out anyway.
                if (error is not (SocketError.Success or SocketError.ConnectionRefused))
                    throw new SocketException((int)error);
                _failing.Remove(peer);
            }
            catch (SocketException failure)
            {
                if (_failing.Add(peer))
                    log.LogWarning("bfd: cannot send to {Peer}: {Failure}", peer, failure.Message);
                Remove(peer);
            }
        }

        public void Remove(IpAddress peer)
        {
            if (_sockets.Remove(peer, out var socket))
                socket.Dispose();
        }

        public void Dispose()
        {
            foreach (var socket in _sockets.Values)
                socket.Dispose();
        }
    }
}

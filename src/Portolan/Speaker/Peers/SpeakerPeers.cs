using System.Net;
using System.Net.Sockets;
using System.Security.Cryptography;
using Microsoft.Extensions.Logging;
using Portolan.Core.Addresses;
using Portolan.Core.Announcements;
using Portolan.Linux.Sockets;
using Portolan.Protocols.Bfd;
using Portolan.Protocols.Peers;

namespace Portolan.Speaker.Peers;

/// <summary>
/// Carries a <see cref="PeerExchange"/> on UDP, on a thread of its own: another observer's word is due within 20 ms, and no pool and no timer queue
/// shall delay it. The exchange is touched by that thread only; what others want of it is left at the door, in order.
/// </summary>
/// <param name="self">The node this speaker runs on.</param>
/// <param name="port">The UDP port, the same on all nodes.</param>
/// <param name="bind">The address to listen on; null, or one of another family than the node's: the node's own.</param>
/// <param name="grace">How long a starting speaker waits to hear of the others.</param>
/// <param name="metrics">What is counted.</param>
/// <param name="log">Where to.</param>
/// <param name="onView">Called by the thread when <see cref="View"/> is another. It must not wait.</param>
internal sealed class SpeakerPeers(string self, int port, IPAddress? bind, TimeSpan grace, PeerMetrics metrics, ILogger log, Action onView)
{
    /// <summary>The port that MetalLB's speakers gossip on.</summary>
    public const int DefaultPort = 7946;

    private const int MostReceivedAtOnce = 256;
    private const long ReopenAfter = 1_000_000;

    private readonly Lock _door = new();
    private readonly PeerExchange _exchange = new(self, (long)grace.TotalMicroseconds, (ulong)((DateTime.UtcNow - DateTime.UnixEpoch).TotalMicroseconds), Random64);
    private readonly byte[] _buffer = new byte[PeerDatagram.MaxSize + 1];
    private List<Action<long>> _news = [];
    private List<Action<long>> _taken = [];
    private DeadlineWait? _wait;
    private bool _stop;

    // Of the thread.
    private IpAddress? _local;
    private bool _keyIsKnown;
    private PeerSocket? _socket;
    private long _openAt;
    private IReadOnlyList<string> _contested = [];

    // Another PeerView replaces it as a whole.
    private volatile PeerView _view = PeerView.Nothing(self);

    /// <summary>What is known of the other speakers. Any thread.</summary>
    public PeerView View => _view;

    /// <summary>The cluster's nodes.</summary>
    public void SetNodes(PeerMap map) => Leave(now =>
    {
        _exchange.SetNodes(map, now);
        if (_local == map.Local)
            return;
        _local = map.Local;
        Close();
    });

    /// <summary>The sessions run, for the first time or again.</summary>
    public void Started() => Leave(_exchange.Started);

    /// <summary>The sessions do not run: this speaker can announce nothing, and says so.</summary>
    public void Stopped() => Leave(_exchange.Stopped);

    /// <summary>A session says something.</summary>
    public void On(BfdTransition<IpAddress> transition) => Leave(now => _exchange.On(transition, now));

    /// <summary>The key from now on; null: none.</summary>
    public void UseKey(PeerKey? key) => Leave(_ => _exchange.UseKey(key));

    /// <summary>From now on it is known whether there is a key: nothing is said before.</summary>
    public void KeyIsKnown() => Leave(_ => _keyIsKnown = true);

    /// <summary>What this speaker says of its own node from now on.</summary>
    public void SetOwnReport(NodeReport report) => Leave(now => _exchange.SetReport(report, now));

    /// <inheritdoc cref="PeerExchange.Publish"/>
    public void Publish(PeerItemType type, byte part, byte[] payload) => Leave(now => _exchange.Publish(type, part, payload, now));

    /// <summary>Calls back, on the thread, for records of a type that the exchange does not read itself. The callback must not wait.</summary>
    /// <inheritdoc cref="PeerExchange.Listen"/>
    public void Listen(PeerItemType type, Action<string, byte, byte[]> onRecord) => Leave(_ => _exchange.Listen(type, onRecord));

    /// <summary>Talks to the others on a thread of its own until cancelled.</summary>
    public async Task RunAsync(CancellationToken stop)
    {
        var done = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        lock (_door)
            _stop = false;
        var thread = new Thread(() =>
        {
            try
            {
                Talk();
                done.SetResult();
            }
            catch (Exception failure)
            {
                // Not handled here: whoever awaits it sees it.
                done.SetException(failure);
            }
        })
        { Name = "peers", IsBackground = true, Priority = ThreadPriority.Highest };
        thread.Start();
        await using (stop.Register(Stop))
            await done.Task;
        stop.ThrowIfCancellationRequested();
    }

    /// <summary>Ends <see cref="Talk"/>, with a word to the others that this speaker announces nothing any more.</summary>
    public void Stop()
    {
        lock (_door)
        {
            _stop = true;
            _wait?.Wake();
        }
    }

    /// <summary>Talks to the others on the calling thread, in its network namespace, until <see cref="Stop"/>.</summary>
    public void Talk()
    {
        using var wait = new DeadlineWait();
        lock (_door)
            _wait = wait;
        try
        {
            while (TakeNews())
            {
                var now = DeadlineWait.Now;
                Open(wait, now);
                for (var i = 0; i < MostReceivedAtOnce && _socket is not null && _socket.TryReceive(_buffer, out var length); i++)
                    metrics.Received(_exchange.Receive(_buffer.AsSpan(0, length), now));
                Proceed(now);
                wait.Until(_socket is null && _keyIsKnown && _local is not null ? Math.Min(_exchange.Deadline, _openAt) : _exchange.Deadline);
            }

            _exchange.Stopped(DeadlineWait.Now);
            for (var copies = 0; copies < 2; copies++)
            {
                if (copies > 0)
                    Thread.Sleep(TimeSpan.FromMicroseconds(PeerExchange.SecondCopyAfter));
                Proceed(DeadlineWait.Now);
            }
        }
        finally
        {
            lock (_door)
                _wait = null;
            Close();
        }
    }

    private static ulong Random64()
    {
        Span<byte> bytes = stackalloc byte[sizeof(ulong)];
        RandomNumberGenerator.Fill(bytes);
        return BitConverter.ToUInt64(bytes);
    }

    private void Leave(Action<long> news)
    {
        lock (_door)
        {
            _news.Add(news);
            _wait?.Wake();
        }
    }

    /// <returns>False when it is time to go.</returns>
    private bool TakeNews()
    {
        lock (_door)
        {
            if (_stop)
                return false;
            (_news, _taken) = (_taken, _news);
        }

        var now = DeadlineWait.Now;
        foreach (var news in _taken)
        {
            news(now);
            // Conclusions are drawn after each: what came and went in between was so.
            _exchange.Advance(now);
        }

        _taken.Clear();
        return true;
    }

    private void Proceed(long now)
    {
        _exchange.Advance(now);
        while (_exchange.TryTakeDatagram(now, _buffer, out var to, out var length))
        {
            if (_socket is null)
                continue;
            _socket.Send(to.Address, _buffer.AsSpan(0, length));
            metrics.Sent();
        }

        if (ReferenceEquals(_view, _exchange.View))
            return;
        _view = _exchange.View;
        TellContested(_view.Contested);
        onView();
    }

    private void TellContested(IReadOnlyList<string> contested)
    {
        foreach (var node in contested.Except(_contested))
            log.LogWarning("the speaker of {Node} is not heard here, and others hear it: the way between the two nodes is bad; it counts as living", node);
        foreach (var node in _contested.Except(contested))
            log.LogInformation("the speaker of {Node} is not contested any more", node);
        _contested = contested;
        metrics.Contested(contested);
    }

    private void Open(DeadlineWait wait, long now)
    {
        if (_socket is not null || !_keyIsKnown || _local is not { } local || now < _openAt)
            return;
        try
        {
            var address = local.ToIPAddress();
            _socket = PeerSocket.Open(bind is not null && bind.AddressFamily == address.AddressFamily ? bind : address, port, log);
            wait.Add(_socket.Socket);
        }
        catch (SocketException failure)
        {
            log.LogWarning("peers: cannot listen on {Address} port {Port}: {Failure}", bind ?? local.ToIPAddress(), port, failure.Message);
            _openAt = now + ReopenAfter;
        }
    }

    private void Close()
    {
        _openAt = 0;
        if (_socket is null)
            return;
        _wait?.Remove(_socket.Socket);
        _socket.Dispose();
        _socket = null;
    }
}

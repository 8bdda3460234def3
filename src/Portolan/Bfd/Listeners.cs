using System.Diagnostics.CodeAnalysis;
using System.Net;
using System.Net.Sockets;
using Portolan.Core.Addresses;
using Portolan.Linux.Sockets;

namespace Portolan.Bfd;

/// <summary>
/// A listening socket for each place that has sessions. One that cannot be opened is tried again: an address may come later than the wish for it.
/// </summary>
/// <param name="wait">Waits for the sockets.</param>
/// <param name="onNews">Told when it changes, and when somebody asks.</param>
internal sealed class Listeners(DeadlineWait wait, Action<ListenNews> onNews) : IDisposable
{
    private const long RetryAfter = 1_000_000;

    private readonly List<Listening> _all = [];
    private readonly Dictionary<Socket, Listening> _open = [];
    private long _retryAt = long.MaxValue;

    /// <summary>When <see cref="Retry"/> must be called: microseconds.</summary>
    public long Deadline => _retryAt;

    /// <summary>What listens by a socket, if anything does.</summary>
    public bool TryFind(Socket socket, out SessionPlace place, [MaybeNullWhen(false)] out UdpListener listener)
    {
        (place, listener) = _open.TryGetValue(socket, out var listening) ? (listening.Place, listening.Socket) : (default, null);
        return listener is not null;
    }

    /// <summary>Hears the packets of a session, over more than one hop only those with this TTL at least.</summary>
    public void Use(SessionName name, byte minimumTtl, long now)
    {
        var listening = Find(name.Place);
        if (listening is null)
            _all.Add(listening = new Listening(name.Place));
        if (listening.Peers.TryGetValue(name.Peer, out var before) && before == minimumTtl)
            return;
        listening.Peers[name.Peer] = minimumTtl;
        Open(listening, now);
    }

    /// <summary>Tells how it is with a place that has sessions.</summary>
    public void Tell(SessionPlace place)
    {
        if (Find(place) is { } listening)
            onNews(new ListenNews(place, listening.Error));
    }

    /// <summary>Hears the packets of a session no more.</summary>
    public void Leave(SessionName name, long now)
    {
        if (Find(name.Place) is not { } listening || !listening.Peers.Remove(name.Peer))
            return;
        if (listening.Peers.Count > 0)
        {
            Open(listening, now);
            return;
        }

        Close(listening);
        _all.Remove(listening);
    }

    /// <summary>Tries again to open what could not be opened, if it is time.</summary>
    public void Retry(long now)
    {
        if (now < _retryAt)
            return;
        _retryAt = long.MaxValue;
        foreach (var listening in _all)
        {
            var before = listening.Error;
            if (before != 0)
                Open(listening, now);
            if (listening.Error != before)
                Tell(listening.Place);
        }
    }

    public void Dispose() => _all.ForEach(Close);

    private Listening? Find(SessionPlace place) => _all.Find(listening => listening.Place == place);

    // Also brings what a socket that is open hears up to date.
    private void Open(Listening listening, long now)
    {
        try
        {
            if (listening.Socket is null)
            {
                listening.Socket = Bind(listening.Place);
                _open.Add(listening.Socket.Socket, listening);
                wait.Add(listening.Socket.Socket);
            }

            if (listening.Socket is MultihopListener multihop)
                multihop.Hear([.. listening.Peers.Select(peer => KeyValuePair.Create(peer.Key.ToIPAddress(), peer.Value))]);
            listening.Error = 0;
        }
        catch (SocketException failure)
        {
            listening.Error = failure.NativeErrorCode;
            _retryAt = now + RetryAfter;
        }
    }

    // One socket may hear any interface and another one interface alone. The kernel lets both be if both agree, and prefers the latter for what comes
    // there. They agree only for this moment: another program shall not have the port beside us unnoticed.
    private UdpListener Bind(SessionPlace place)
    {
        var others = _all.FindAll(other => other.Socket is not null && other.Place.Local == place.Local && other.Place.Multihop == place.Multihop);
        others.ForEach(other => other.Socket!.Share(true));
        try
        {
            var local = new IPEndPoint(place.Local.ToIPAddress(), place.Port);
            return place.Multihop ? MultihopListener.Open(local, place.Link, others.Count > 0) : SingleHopListener.Open(local, place.Link, others.Count > 0);
        }
        finally
        {
            others.ForEach(other => other.Socket!.Share(false));
        }
    }

    private void Close(Listening listening)
    {
        if (listening.Socket is null)
            return;
        _open.Remove(listening.Socket.Socket);
        wait.Remove(listening.Socket.Socket);
        listening.Socket.Dispose();
    }

    private sealed class Listening(SessionPlace place)
    {
        public SessionPlace Place => place;

        public UdpListener? Socket { get; set; }

        public int Error { get; set; } = -1;

        /// <summary>Whose packets are to be heard, and the least TTL of each.</summary>
        public Dictionary<IpAddress, byte> Peers { get; } = [];
    }
}

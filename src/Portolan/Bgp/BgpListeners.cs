using System.Net;
using System.Net.Sockets;
using Microsoft.Extensions.Logging;
using Portolan.Linux.Sockets;

namespace Portolan.Bgp;

/// <summary>
/// The ports on which neighbours connect: one of each family in each VRF in which one is waited for; others of that VRF may connect there, too. Where nobody
/// is, the port is left to other programs. A port that somebody else holds is tried again.
/// </summary>
/// <param name="wait">Waits for the sockets.</param>
/// <param name="port">The TCP port; 0: nobody may connect.</param>
/// <param name="place">Where a neighbour without an address of its own was found, or null.</param>
/// <param name="log">Told of what cannot be opened.</param>
internal sealed class BgpListeners(DeadlineWait wait, ushort port, Func<NeighborSettings, IPAddress?> place, ILogger log) : IDisposable
{
    private const long RetryAfter = 5_000_000;

    private readonly Dictionary<(AddressFamily Family, string Vrf), Listener> _listeners = [];
    private IReadOnlyCollection<NeighborSettings> _neighbors = [];
    private long _retryAt = long.MaxValue;

    /// <summary>When <see cref="Retry"/> must be called: microseconds.</summary>
    public long Deadline => _retryAt;

    /// <summary>Listens where these neighbours are, with their keys, and nowhere else.</summary>
    public void SetNeighbors(IReadOnlyCollection<NeighborSettings> neighbors, long now)
    {
        var wanted = port == 0 ? [] : neighbors.Where(neighbor => neighbor.IsWaitedFor).SelectMany(Families, (neighbor, family) => (family, neighbor.Vrf)).ToHashSet();
        foreach (var unwanted in _listeners.Keys.Except(wanted).ToList())
            if (_listeners.Remove(unwanted, out var listener))
                Close(listener);
        foreach (var added in wanted.Except(_listeners.Keys).ToList())
        {
            var listener = new Listener();
            _listeners.Add(added, listener);
            Open(added, listener, now);
        }

        _neighbors = neighbors;
        SetKeys();
    }

    /// <summary>Has the keys be those of where the neighbours are: again whenever one was found.</summary>
    public void SetKeys()
    {
        foreach (var (key, listener) in _listeners)
        {
            listener.Keys = [.. _neighbors.Where(neighbor => neighbor.Vrf == key.Vrf).SelectMany(Keys)];
            SetKeys(listener);
        }
    }

    /// <summary>Tries again to open what could not be opened, if it is time.</summary>
    public void Retry(long now)
    {
        if (now < _retryAt)
            return;
        _retryAt = long.MaxValue;
        foreach (var (key, listener) in _listeners)
        {
            if (listener.Socket is not null)
                continue;
            Open(key, listener, now);
            SetKeys(listener);
        }
    }

    /// <summary>The next connection that came in, if there is one.</summary>
    public bool TryAccept(out (Socket Connection, IPEndPoint Remote, string Vrf) accepted)
    {
        foreach (var (key, listener) in _listeners)
        {
            if (listener.Socket is not { } socket || !wait.IsReady(socket.Socket) || !socket.TryAccept(out var connection, out var remote))
                continue;
            accepted = (connection, remote, key.Vrf);
            return true;
        }

        accepted = default;
        return false;
    }

    public void Dispose()
    {
        foreach (var listener in _listeners.Values)
            Close(listener);
    }

    private static IEnumerable<AddressFamily> Families(NeighborSettings neighbor)
    {
        if (neighbor.Address is { } address)
            return [address.IsIPv4 ? AddressFamily.InterNetwork : AddressFamily.InterNetworkV6];
        return neighbor.Interface.Length > 0
            ? [AddressFamily.InterNetworkV6]
            : neighbor.ListenRanges.Prefixes.Select(prefix => prefix.Address.IsIPv4 ? AddressFamily.InterNetwork : AddressFamily.InterNetworkV6);
    }

    private IEnumerable<TcpMd5Key> Keys(NeighborSettings neighbor)
    {
        if (neighbor.Password.Length == 0)
            return [];
        if (neighbor.Address is { } address)
            return [TcpMd5Key.For(address.ToIPAddress(), neighbor.Password)];
        // The kernel knows keys of VRFs, but not of interfaces (EINVAL for any other index): one for all of fe80::/10 would be asked of every interface's
        // neighbour. So there is one for whoever was found.
        if (neighbor.Interface.Length > 0)
            return place(neighbor) is { } found ? [TcpMd5Key.For(new IPAddress(found.GetAddressBytes()), neighbor.Password)] : [];
        return neighbor.ListenRanges.Prefixes.Select(prefix => new TcpMd5Key(prefix.Address.ToIPAddress(), prefix.Length, neighbor.Password));
    }

    private void SetKeys(Listener listener) => listener.Socket?.SetKeys(
        listener.Keys,
        (key, failure) => log.LogWarning("bgp: the kernel takes no TCP MD5 key for {Peer}: {Failure}", key.Peer, failure.Message));

    private void Open((AddressFamily Family, string Vrf) key, Listener listener, long now)
    {
        var any = key.Family is AddressFamily.InterNetworkV6 ? IPAddress.IPv6Any : IPAddress.Any;
        try
        {
            listener.Socket = SessionListener.Open(new IPEndPoint(any, port), key.Vrf);
            wait.Add(listener.Socket.Socket);
            listener.HasComplained = false;
        }
        catch (SocketException failure)
        {
            _retryAt = Math.Min(_retryAt, now + RetryAfter);
            if (!listener.HasComplained)
                log.LogWarning(
                    "bgp: cannot listen on port {Port}{Vrf}: {Failure}; peers that are waited for cannot connect", port, key.Vrf.Length > 0 ? $" of VRF {key.Vrf}" : "", failure.Message);
            listener.HasComplained = true;
        }
    }

    private void Close(Listener listener)
    {
        if (listener.Socket is not { } socket)
            return;
        wait.Remove(socket.Socket);
        socket.Dispose();
    }

    private sealed class Listener
    {
        public SessionListener? Socket { get; set; }

        public IReadOnlyList<TcpMd5Key> Keys { get; set; } = [];

        public bool HasComplained { get; set; }
    }
}

using System.Net;
using System.Net.NetworkInformation;
using System.Net.Sockets;
using Microsoft.Extensions.Logging;
using Portolan.Linux.Sockets;
using Portolan.Protocols.Ndp;

namespace Portolan.Bgp;

/// <summary>
/// Finds the neighbours of interfaces that have no addresses but link-local ones: both sides send router advertisements, and each connects to whoever it
/// hears. Ours say that nobody should route by this node.
/// </summary>
/// <param name="wait">Waits for the sockets.</param>
/// <param name="onFound">Told of the address behind an interface, when it is another one.</param>
/// <param name="log">Told of interfaces that cannot be used.</param>
internal sealed class LinkNeighbors(DeadlineWait wait, Action<string, IPAddress> onFound, ILogger log) : IDisposable
{
    private const long AdvertiseEvery = 10_000_000;
    private const long AdvertiseFirst = 1_000_000;
    private const int FirstAdvertisements = 3;
    private const long RetryAfter = 1_000_000;

    private readonly Dictionary<string, Place> _places = new(StringComparer.Ordinal);
    private readonly byte[] _buffer = new byte[1500];

    /// <summary>When <see cref="Advance"/> must be called: microseconds.</summary>
    public long Deadline { get; private set; } = long.MaxValue;

    /// <summary>Looks for neighbours on these interfaces, and on no others.</summary>
    public void SetLinks(IReadOnlyCollection<string> links, long now)
    {
        foreach (var gone in _places.Keys.Except(links).ToList())
            if (_places.Remove(gone, out var place))
                Close(place);
        foreach (var link in links)
            _places.TryAdd(link, new Place());
        Advance(now);
    }

    /// <summary>Reads what was heard, and advertises when it is time.</summary>
    public void Advance(long now)
    {
        Deadline = long.MaxValue;
        foreach (var (link, place) in _places)
        {
            if (place.Socket is not null)
                Hear(link, place);
            if (now >= place.Next)
                Tell(link, place, now);
            Deadline = Math.Min(Deadline, place.Next);
        }
    }

    /// <summary>Who was heard last on an interface, or null.</summary>
    public IPAddress? Find(string link) => _places.GetValueOrDefault(link)?.Last;

    /// <summary>What is heard next counts as new: the session with the one heard before is over.</summary>
    public void Forget(string link)
    {
        if (_places.TryGetValue(link, out var place))
            place.Found = null;
    }

    public void Dispose()
    {
        foreach (var place in _places.Values)
            Close(place);
    }

    private void Hear(string link, Place place)
    {
        while (place.Socket!.TryReceive(_buffer, out var length, out var source))
        {
            if (!source.IsIPv6LinkLocal || !RouterAdvertisement.IsValid(_buffer.AsSpan(0, length)) || source.Equals(place.Found))
                continue;
            place.Found = place.Last = source;
            // It may have come just now, and not have heard us yet.
            place.Next = 0;
            onFound(link, source);
        }
    }

    private void Tell(string link, Place place, long now)
    {
        if (place.Socket is null && !TryOpen(link, place))
        {
            place.Next = now + RetryAfter;
            return;
        }

        Span<byte> message = stackalloc byte[RouterAdvertisement.Size];
        RouterAdvertisement.Write(message, place.Own);
        if (!place.Socket!.Advertise(message[..RouterAdvertisement.Size]))
        {
            // Perhaps another interface has the name now.
            Close(place);
            place.Next = now + RetryAfter;
            return;
        }

        if (place.Told++ < FirstAdvertisements)
        {
            RouterAdvertisement.WriteSolicitation(message, place.Own);
            place.Socket.Solicit(message[..RouterAdvertisement.SolicitationSize]);
        }

        place.Next = now + (place.Told < FirstAdvertisements ? AdvertiseFirst : AdvertiseEvery);
    }

    private bool TryOpen(string link, Place place)
    {
        try
        {
            var found = NetworkInterface.GetAllNetworkInterfaces().FirstOrDefault(candidate => candidate.Name == link)
                ?? throw new SocketException((int)SocketError.AddressNotAvailable);
            place.Socket = RouterDiscoverySocket.Open(found.GetIPProperties().GetIPv6Properties().Index, link);
            place.Own = found.GetPhysicalAddress().GetAddressBytes() is { Length: 6 } own ? own : new byte[6];
            wait.Add(place.Socket.Socket);
            place.HasComplained = false;
            place.Told = 0;
            return true;
        }
        catch (Exception failure) when (failure is SocketException or NetworkInformationException)
        {
            if (!place.HasComplained)
                log.LogWarning("bgp: no neighbour can be looked for on {Interface}: {Failure}", link, failure.Message);
            place.HasComplained = true;
            return false;
        }
    }

    private void Close(Place place)
    {
        if (place.Socket is not { } socket)
            return;
        wait.Remove(socket.Socket);
        socket.Dispose();
        place.Socket = null;
    }

    private sealed class Place
    {
        public RouterDiscoverySocket? Socket { get; set; }

        public byte[] Own { get; set; } = [];

        public IPAddress? Found { get; set; }

        public IPAddress? Last { get; set; }

        public long Next { get; set; }

        public int Told { get; set; }

        public bool HasComplained { get; set; }
    }
}

using System.Net;
using System.Net.Sockets;
using Portolan.Core.Addresses;
using Portolan.Linux.Sockets;

namespace Portolan.Bfd;

/// <summary>
/// A listening socket for each address that has sessions. One that cannot be opened is tried again: an address may come later than the wish for it.
/// </summary>
/// <param name="wait">Waits for the sockets.</param>
/// <param name="onNews">Told when it changes, and when somebody asks.</param>
internal sealed class Listeners(DeadlineWait wait, Action<ListenNews> onNews) : IDisposable
{
    private const long RetryAfter = 1_000_000;

    private readonly List<Place> _places = [];
    private long _retryAt = long.MaxValue;

    /// <summary>When <see cref="Retry"/> must be called: microseconds.</summary>
    public long Deadline => _retryAt;

    /// <summary>How many addresses there are.</summary>
    public int Count => _places.Count;

    /// <summary>The address at a place, its interface, and its socket; null while it cannot be opened.</summary>
    public (IpAddress Local, string Link, SingleHopListener? Socket) this[int place] => (_places[place].Local, _places[place].Link, _places[place].Socket);

    /// <summary>One session more at an address.</summary>
    public void Use(IpAddress local, string link, long now)
    {
        var place = Find(local, link);
        if (place is null)
        {
            _places.Add(place = new Place(local, link));
            Open(place, now);
        }

        place.Users++;
    }

    /// <summary>Tells how it is with an address that has sessions.</summary>
    public void Tell(IpAddress local, string link)
    {
        if (Find(local, link) is { } place)
            onNews(new ListenNews(local, link, place.Error));
    }

    /// <summary>One session fewer.</summary>
    public void Leave(IpAddress local, string link)
    {
        if (Find(local, link) is not { } place || --place.Users > 0)
            return;
        Close(place);
        _places.Remove(place);
    }

    /// <summary>Tries again to open what could not be opened, if it is time.</summary>
    public void Retry(long now)
    {
        if (now < _retryAt)
            return;
        _retryAt = long.MaxValue;
        foreach (var place in _places)
        {
            var before = place.Error;
            if (place.Socket is null)
                Open(place, now);
            if (place.Error != before)
                Tell(place.Local, place.Link);
        }
    }

    public void Dispose() => _places.ForEach(Close);

    private Place? Find(IpAddress local, string link) => _places.Find(place => place.Local == local && place.Link == link);

    private void Open(Place place, long now)
    {
        try
        {
            place.Socket = SingleHopListener.Open(new IPEndPoint(place.Local.ToIPAddress(), SessionLoop.Port), place.Link);
            wait.Add(place.Socket.Socket);
            place.Error = 0;
        }
        catch (SocketException failure)
        {
            place.Error = failure.NativeErrorCode;
            _retryAt = now + RetryAfter;
        }
    }

    private void Close(Place place)
    {
        if (place.Socket is null)
            return;
        wait.Remove(place.Socket.Socket);
        place.Socket.Dispose();
    }

    private sealed class Place(IpAddress local, string link)
    {
        public IpAddress Local => local;

        public string Link => link;

        public SingleHopListener? Socket { get; set; }

        public int Error { get; set; } = -1;

        public int Users { get; set; }
    }
}

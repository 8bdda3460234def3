using System.Net.Sockets;

namespace Portolan.Proxy.Health;

/// <summary>
/// The connections that may be open at a time. Where all places are taken the oldest connection goes, not the newest: a probe is answered as soon as
/// it has asked, so whoever stays long is slow or hostile and must not keep the probes out.
/// </summary>
internal sealed class ProbePlaces(int count)
{
    private readonly Lock _gate = new();
    private readonly LinkedList<Socket> _connections = [];

    internal LinkedListNode<Socket> Enter(Socket connection)
    {
        Socket? oldest = null;
        LinkedListNode<Socket> place;
        lock (_gate)
        {
            if (_connections.Count >= count)
            {
                oldest = _connections.First!.Value;
                _connections.RemoveFirst();
            }

            place = _connections.AddLast(connection);
        }

        oldest?.Dispose();
        return place;
    }

    internal void Leave(LinkedListNode<Socket> place)
    {
        lock (_gate)
        {
            if (place.List is not null)
                _connections.Remove(place);
        }
    }
}

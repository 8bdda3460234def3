using System.Net;
using System.Net.Sockets;

namespace Portolan.Linux.Sockets;

/// <summary>
/// The IPv6 groups of which one interface is a member for our sake. A socket may hold only as many as fit into its option memory
/// (net.core.optmem_max: in older kernels 20 KB, 365 groups), so there are several. None of them is bound: they receive nothing.
/// </summary>
/// <param name="link">The interface's index.</param>
/// <remarks>The first socket is opened at once, in the network namespace of that thread; later ones in that of the thread that joins.</remarks>
internal sealed class LinkGroups(int link) : IDisposable
{
    private const int GroupsPerSocket = 256;

    private readonly Dictionary<IPAddress, Membership> _memberships = [];
    private readonly List<Holder> _holders = [Holder.Open()];

    private sealed class Holder(Socket socket)
    {
        public static Holder Open() => new(new Socket(AddressFamily.InterNetworkV6, SocketType.Dgram, ProtocolType.Udp));

        public Socket Socket { get; } = socket;

        public int Groups { get; set; }
    }

    private sealed class Membership(Holder holder)
    {
        public Holder Holder { get; } = holder;

        public int Members { get; set; } = 1;
    }

    internal void Join(IPAddress group)
    {
        if (_memberships.TryGetValue(group, out var known))
        {
            known.Members++;
            return;
        }

        var holder = _holders.Find(holder => holder.Groups < GroupsPerSocket);
        if (holder is null)
        {
            holder = Holder.Open();
            _holders.Add(holder);
        }

        holder.Socket.SetSocketOption(SocketOptionLevel.IPv6, SocketOptionName.AddMembership, new IPv6MulticastOption(group, link));
        holder.Groups++;
        _memberships.Add(group, new Membership(holder));
    }

    internal void Leave(IPAddress group)
    {
        if (!_memberships.TryGetValue(group, out var known) || --known.Members > 0)
            return;
        _memberships.Remove(group);
        known.Holder.Groups--;
        try
        {
            known.Holder.Socket.SetSocketOption(SocketOptionLevel.IPv6, SocketOptionName.DropMembership, new IPv6MulticastOption(group, link));
        }
        catch (SocketException)
        {
            // The interface is gone, and the membership with it.
        }
    }

    public void Dispose()
    {
        foreach (var holder in _holders)
            holder.Socket.Dispose();
        _holders.Clear();
        _memberships.Clear();
    }
}

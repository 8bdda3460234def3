using Portolan.Linux.Netlink;

namespace Portolan.Linux.Links;

/// <summary>Finds and deletes links by name, in the network namespace of the thread that opened it. One thread at a time may use it.</summary>
public sealed class NamedLinks : IDisposable
{
    private const ushort DeleteLink = 17, GetLink = 18, Name = 3; // RTM_…, IFLA_IFNAME
    private const int HeaderSize = 16; // struct ifinfomsg
    private readonly NetlinkSocket _socket = NetlinkSocket.Open(NetlinkFamily.Route);

    /// <summary>Whether there is such a link.</summary>
    /// <exception cref="NetlinkException">The kernel refused.</exception>
    public bool Exists(string name) => Try(GetLink, name, "look for");

    /// <summary>Deletes a link, and its addresses with it.</summary>
    /// <returns>False where there is none.</returns>
    /// <exception cref="NetlinkException">The kernel refused.</exception>
    public bool Delete(string name) => Try(DeleteLink, name, "delete");

    /// <inheritdoc/>
    public void Dispose() => _socket.Dispose();

    private bool Try(ushort type, string name, string verb)
    {
        var request = new NetlinkWriter();
        request.BeginMessage(type, NetlinkFlags.None);
        request.Reserve(HeaderSize);
        request.PutString(Name, name);
        request.EndMessage();
        try
        {
            _socket.Execute(request, $"{verb} link {name}");
            return true;
        }
        catch (NetlinkException e) when (e.Errno == Errors.NoDevice)
        {
            return false;
        }
    }
}

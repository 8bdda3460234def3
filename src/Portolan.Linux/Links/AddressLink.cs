using System.Buffers.Binary;
using System.Net.Sockets;
using System.Runtime.InteropServices;
using Portolan.Linux.Netlink;

namespace Portolan.Linux.Links;

/// <summary>
/// A dummy link that is never up and holds addresses only so that the kernel takes them for its own. In the network namespace of the thread that opened it.
/// One thread at a time may use it.
/// </summary>
/// <param name="name">The link's name: at most 15 characters.</param>
public sealed class AddressLink(string name) : IDisposable
{
    private const ushort Name = 3, Info = 18, InfoKind = 1; // IFLA_IFNAME, IFLA_LINKINFO, IFLA_INFO_KIND
    private const ushort PrefixAddress = 1, LocalAddress = 2; // IFA_ADDRESS, IFA_LOCAL
    private const int RequestsAtOnce = 256;
    private readonly NetlinkSocket _socket = NetlinkSocket.Open(NetlinkFamily.Route);
    private readonly NetlinkWriter _requests = new();

    /// <summary>The link's name.</summary>
    public string LinkName => name;

    /// <summary>Makes the link where there is none.</summary>
    /// <returns>Its index.</returns>
    /// <exception cref="NetlinkException">The kernel refused, or has no such links (EOPNOTSUPP).</exception>
    public int Ensure()
    {
        if (Find() is { } found)
            return found;
        var request = new NetlinkWriter();
        request.BeginMessage(LinkMessages.NewLink, NetlinkFlags.Create | NetlinkFlags.Exclusive);
        request.Reserve(LinkMessages.LinkHeaderSize);
        request.PutString(Name, name);
        var info = request.BeginNested(Info);
        request.PutString(InfoKind, "dummy");
        request.EndNested(info);
        request.EndMessage();
        _socket.Execute(request, $"make link {name}");
        return Find() ?? throw new NetlinkException($"make link {name}", Errors.NoDevice);
    }

    /// <summary>The link's index, or null where there is none.</summary>
    /// <exception cref="NetlinkException">The kernel refused.</exception>
    public int? Find()
    {
        var request = new NetlinkWriter();
        request.BeginMessage(LinkMessages.GetLink, NetlinkFlags.None);
        request.Reserve(LinkMessages.LinkHeaderSize);
        request.PutString(Name, name);
        request.EndMessage();
        Link? found = null;
        try
        {
            _socket.Execute(request, $"look for link {name}", message =>
            {
                if (LinkMessages.TryReadLink(message, out var link))
                    found = link;
            });
        }
        catch (NetlinkException e) when (e.Errno == Errors.NoDevice)
        {
            return null;
        }

        return found?.Index;
    }

    /// <summary>All addresses of this network namespace, of this link and of others.</summary>
    /// <exception cref="NetlinkException">The kernel refused.</exception>
    public IReadOnlyList<InterfaceAddress> Addresses() => LinkSnapshot.Read(_socket).Addresses;

    /// <summary>Adds and deletes addresses, with the longest prefix each. One that is there already, or is not, is as wanted.</summary>
    /// <exception cref="NetlinkException">The kernel refused some; all the others are done.</exception>
    public void Change(int link, IReadOnlyCollection<(AddressFamily Family, UInt128 Address)> gone, IReadOnlyCollection<(AddressFamily Family, UInt128 Address)> added)
    {
        NetlinkException? worst = null;
        Send(LinkMessages.DelAddress, NetlinkFlags.None, gone, "delete an address of");
        Send(LinkMessages.NewAddress, NetlinkFlags.Create | NetlinkFlags.Exclusive, added, "add an address to");
        if (worst is not null)
            throw worst;

        void Send(ushort type, NetlinkFlags flags, IReadOnlyCollection<(AddressFamily Family, UInt128 Address)> addresses, string verb)
        {
            foreach (var chunk in addresses.Chunk(RequestsAtOnce))
            {
                _requests.Reset();
                foreach (var (family, address) in chunk)
                    Write(type, flags, link, family, address);
                _socket.ExecuteEach(_requests, 0, _requests.Length, $"{verb} {name}", (index, errno) =>
                {
                    if (errno is not (Errors.Exists or Errors.AddressNotAvailable))
                        worst ??= new NetlinkException($"{verb} {name}", errno);
                });
            }
        }
    }

    private void Write(ushort type, NetlinkFlags flags, int link, AddressFamily family, UInt128 address)
    {
        _requests.BeginMessage(type, flags);
        var header = _requests.Reserve(LinkMessages.AddressHeaderSize); // struct ifaddrmsg: family, prefix length, flags, scope, index
        var isIPv6 = family is AddressFamily.InterNetworkV6;
        (header[0], header[1]) = isIPv6 ? ((byte)10, (byte)128) : ((byte)2, (byte)32);
        MemoryMarshal.Write(header[4..], link);
        foreach (var attribute in (ReadOnlySpan<ushort>)[LocalAddress, PrefixAddress])
        {
            var bytes = _requests.Attribute(attribute, isIPv6 ? 16 : 4);
            if (isIPv6)
                BinaryPrimitives.WriteUInt128BigEndian(bytes, address);
            else
                BinaryPrimitives.WriteUInt32BigEndian(bytes, (uint)address);
        }

        _requests.EndMessage();
    }

    /// <inheritdoc/>
    public void Dispose() => _socket.Dispose();
}

using System.Net;
using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;
using Portolan.Linux.Netlink;

namespace Portolan.Linux.Tests.Links;

/// <summary>A network namespace of a test's own, and what is changed in it, from any thread.</summary>
internal sealed class TestLinks : IDisposable
{
    private const ushort NewLink = 16, DelLink = 17, NewAddress = 20;
    private const ushort Address = 1, Name = 3, Master = 10, Info = 18, NamespaceDescriptor = 28;
    private const ushort InfoKind = 1, InfoData = 2, VethPeer = 1, LocalAddress = 2;
    private const uint Up = 1;

    private readonly NetlinkSocket _socket;

    /// <summary>Takes over the network namespace of the calling thread.</summary>
    private TestLinks()
    {
        _socket = NetlinkSocket.Open(NetlinkFamily.Route);
        Namespace = File.OpenHandle("/proc/thread-self/ns/net");
    }

    public SafeFileHandle Namespace { get; }

    /// <summary>A fresh namespace, and what is opened in it by a thread that may do nothing else.</summary>
    public static (TestLinks Links, T Opened) Open<T>(Func<TestLinks, T> open) => PrivateNetwork.Open(() =>
    {
        var links = new TestLinks();
        links.SetUp("lo", true);
        return (links, open(links));
    });

    public void AddVeth(string name, string peer, SafeFileHandle? peerNamespace = null)
    {
        var request = Begin(NewLink, name, NetlinkFlags.Create | NetlinkFlags.Exclusive);
        var info = request.BeginNested(Info);
        request.PutString(InfoKind, "veth");
        var data = request.BeginNested(InfoData);
        var other = request.BeginNested(VethPeer);
        request.Reserve(16);
        request.PutString(Name, peer);
        if (peerNamespace is not null)
            request.PutUInt32(NamespaceDescriptor, (uint)peerNamespace.DangerousGetHandle());
        request.EndNested(other);
        request.EndNested(data);
        request.EndNested(info);
        Execute(request, $"add veth {name}");
    }

    public void AddBridge(string name)
    {
        var request = Begin(NewLink, name, NetlinkFlags.Create | NetlinkFlags.Exclusive);
        var info = request.BeginNested(Info);
        request.PutString(InfoKind, "bridge");
        request.EndNested(info);
        Execute(request, $"add bridge {name}");
    }

    public void Delete(string name) => Execute(Begin(DelLink, name), $"delete {name}");

    public void SetUp(string name, bool up) => Execute(Begin(NewLink, name, up: up), $"set {name} {(up ? "up" : "down")}");

    public void SetMac(string name, params ReadOnlySpan<byte> mac)
    {
        var request = Begin(NewLink, name);
        request.Put(Address, mac);
        Execute(request, $"set the address of {name}");
    }

    public void SetMaster(string name, int master)
    {
        var request = Begin(NewLink, name);
        request.PutUInt32(Master, (uint)master);
        Execute(request, $"put {name} into a bridge");
    }

    public void Rename(int index, string name)
    {
        var request = new NetlinkWriter();
        request.BeginMessage(NewLink, NetlinkFlags.None);
        MemoryMarshal.Write(request.Reserve(16)[4..], index);
        request.PutString(Name, name);
        Execute(request, $"rename to {name}");
    }

    public void AddAddress(int index, IPAddress address, byte prefix)
    {
        var request = new NetlinkWriter();
        request.BeginMessage(NewAddress, NetlinkFlags.Create | NetlinkFlags.Exclusive);
        var header = request.Reserve(8);
        header[0] = (byte)(address.GetAddressBytes().Length == 4 ? 2 : 10);
        header[1] = prefix;
        MemoryMarshal.Write(header[4..], index);
        request.Put(LocalAddress, address.GetAddressBytes());
        request.Put(Address, address.GetAddressBytes());
        Execute(request, $"add {address}");
    }

    public void Dispose()
    {
        _socket.Dispose();
        Namespace.Dispose();
    }

    private static NetlinkWriter Begin(ushort type, string name, NetlinkFlags flags = NetlinkFlags.None, bool? up = null)
    {
        var request = new NetlinkWriter();
        request.BeginMessage(type, flags);
        var header = request.Reserve(16);
        if (up is { } wanted)
        {
            MemoryMarshal.Write(header[8..], wanted ? Up : 0);
            MemoryMarshal.Write(header[12..], Up);
        }

        request.PutString(Name, name);
        return request;
    }

    private void Execute(NetlinkWriter request, string operation)
    {
        request.EndMessage();
        _socket.Execute(request, operation);
    }
}

using System.Net;
using System.Net.Sockets;
using Portolan.Core.Addresses;
using Portolan.Core.Cluster;
using Portolan.Core.Forwarding;
using Portolan.Linux.Nftables;
using Portolan.Proxy.Nftables;
using Portolan.Tests.Proxy.Packets;

namespace Portolan.Tests.Proxy;

/// <summary>A test's part of a <see cref="TwoNodeLab"/> whose node ports answer at loopback, too.</summary>
internal sealed class LoopbackLab(TwoNodeLab lab) : IDisposable
{
    private readonly List<IDisposable> _owned = [];

    internal static IpFamily[] Families => Enum.GetValues<IpFamily>();

    internal NetworkNamespace Node => lab.Node.Namespace;

    internal LabHost Client => lab.Client;

    internal LabHost Local => lab.Local;

    /// <summary>A process on the node that asks from 127.0.0.1 and ::1.</summary>
    internal LabHost Process { get; } = new("node", lab.Node.Namespace, Loopback(IpFamily.IPv4), Loopback(IpFamily.IPv6));

    internal static TableSettings Settings => new()
    {
        NodePortAddresses = [.. Families.Select(family => IpPrefix.Containing(TwoNodeLab.NodeIP(family), TwoNodeLab.NodeIP(family).Bits))],
        LoopbackSources = [.. Families.Select(TwoNodeLab.NodeIP)],
    };

    internal static IpAddress Loopback(IpFamily family) => IpAddress.From(family is IpFamily.IPv4 ? IPAddress.Loopback : IPAddress.IPv6Loopback);

    internal static IPEndPoint To(IpAddress address, int port = TwoNodeLab.NodePort) => new(address.ToIPAddress(), port);

    /// <summary>The node's table as a new process of the proxy finds it.</summary>
    internal NftablesTable OpenTable(IpFamily family, TableSettings? settings = null)
    {
        var connection = Node.Inside(NftConnection.Open);
        _owned.Add(connection);
        return new NftablesTable(connection, family, settings ?? Settings);
    }

    /// <summary>Makes the node's table hold one Service, with an endpoint in every pod where nothing else is said, and forgets every flow.</summary>
    internal NftablesTable Program(IpFamily family, ServiceFacts? service = null, EndpointSliceFacts? slice = null)
    {
        var table = OpenTable(family);
        table.Reconcile(Plans(service ?? TwoNodeLab.Service(family), slice ?? Slice(family, "local", "local2", "remote")));
        lab.ForgetFlows(family);
        return table;
    }

    internal EndpointSliceFacts Slice(IpFamily family, params string[] pods) => lab.Slice(family, pods.Select(pod => new Backend(pod)));

    /// <summary>The same endpoints at another port.</summary>
    internal static EndpointSliceFacts At(EndpointSliceFacts slice, int port) => slice with { Ports = [.. slice.Ports.Select(each => each with { Port = (ushort)port })] };

    internal static IReadOnlyList<ServicePortPlan> Plans(ServiceFacts service, EndpointSliceFacts slice)
    {
        var index = new ForwardingIndex(TwoNodeLab.Context);
        index.Set(service);
        index.Set(slice);
        index.TakeChanges();
        return [.. index.Plans];
    }

    /// <summary>A socket bound there; it listens where it is of TCP and a port is given.</summary>
    internal Socket Open(NetworkNamespace where, SocketType type, IpAddress bind, int port = 0)
    {
        var socket = Connecting(where, type, bind, port);
        if (type is SocketType.Stream && port != 0)
            socket.Listen();
        return socket;
    }

    /// <summary>A socket bound there that does not listen.</summary>
    internal Socket Connecting(NetworkNamespace where, SocketType type, IpAddress bind, int port)
    {
        var family = bind.IsIPv4 ? AddressFamily.InterNetwork : AddressFamily.InterNetworkV6;
        var socket = where.Inside(() => new Socket(family, type, type is SocketType.Stream ? ProtocolType.Tcp : ProtocolType.Udp));
        _owned.Add(socket);
        socket.ReceiveTimeout = socket.SendTimeout = 20_000;
        socket.Bind(new IPEndPoint(bind.ToIPAddress(), port));
        return socket;
    }

    internal static void AssertCarries(Socket client, Socket server)
    {
        var buffer = new byte[10];
        client.Send([1, 2, 3]);
        Assert.Equal(3, server.Receive(buffer));
        server.Send([4, 5]);
        Assert.Equal(2, client.Receive(buffer));
    }

    public void Dispose() => _owned.ForEach(owned => owned.Dispose());
}

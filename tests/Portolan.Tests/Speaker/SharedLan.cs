using System.Buffers.Binary;
using System.Diagnostics;
using System.Diagnostics.Metrics;
using System.Net;
using System.Net.Sockets;
using System.Runtime.InteropServices;
using System.Text.RegularExpressions;
using Microsoft.Extensions.Logging.Abstractions;
using Portolan.Core.Addresses;
using Portolan.Core.Announcements;
using Portolan.Core.Cluster;
using Portolan.Linux.Links;
using Portolan.Linux.Sockets;
using Portolan.Protocols.Arp;
using Portolan.Protocols.Ndp;
using Portolan.Speaker.Layer2;
using Portolan.Speaker.Layer2.Truth;
using Portolan.Tests.Proxy;

namespace Portolan.Tests.Speaker;

/// <summary>A switch with nodes that announce one address of each family together, and clients that are kernels of their own.</summary>
internal sealed class SharedLan : IDisposable
{
    private readonly List<IDisposable> _owned = [];
    private readonly Meter _meter = new("test");
    private readonly long _start = Stopwatch.GetTimestamp();

    /// <summary>A node: its place, its hardware address, and its announcer while it lives.</summary>
    internal sealed record Node(string Name, NetworkNamespace Place, MacAddress Mac, Layer2Announcer Announcer);

    /// <summary>A client: its place, its hardware address, and what it has received.</summary>
    internal sealed record Client(string Name, NetworkNamespace Place, MacAddress Mac, Socket Wire);

    public SharedLan(IpFamily family, int nodes, int clients)
    {
        NetworkNamespace.SkipUnlessRoot();
        Family = family;
        Switch = Own(new NetworkNamespace("shared-lan"));
        Switch.Link("link add br0 type bridge mcast_snooping 0");
        Switch.Link("link set br0 up");
        for (var i = 1; i <= nodes; i++)
        {
            var place = Join($"node{i}", i);
            Nodes.Add(Start($"node{i}", place));
        }

        for (var i = 1; i <= clients; i++)
        {
            var place = Join($"client{i}", 100 + i);
            var link = Running(place).Find("eth0")!;
            Clients.Add(new Client($"client{i}", place, Mac(link), Own(place.Inside(() => Listen(link.Index)))));
        }
    }

    public IpFamily Family { get; }

    public NetworkNamespace Switch { get; }

    public List<Node> Nodes { get; } = [];

    public List<Client> Clients { get; } = [];

    public IpAddress Vip => IpAddress.Parse(Family is IpFamily.IPv4 ? "192.168.100.240" : "fd00:100::f0");

    public long Now => (long)Stopwatch.GetElapsedTime(_start).TotalMicroseconds;

    /// <summary>Every node that is given announces the address with the others of them.</summary>
    public void Announce(params IEnumerable<Node> together)
    {
        var choice = new ClientChoice(Vip, together.Select(node => node.Name));
        foreach (var node in together)
            node.Announcer.Set(new ObjectKey("default", "web"), [Vip], [], Now, _ => new NodeShare(choice, node.Name));
        Advance(together);
    }

    public void Advance(params IEnumerable<Node> nodes)
    {
        foreach (var node in nodes)
            node.Announcer.Advance(Now);
    }

    /// <summary>The node that answers a client while these announce.</summary>
    public Node NodeOf(Client client, params IEnumerable<Node> together)
    {
        var choice = new ClientChoice(Vip, together.Select(node => node.Name));
        return together.Single(node => node.Name == choice.Nodes[choice.Of(client.Mac.Value)]);
    }

    /// <summary>The node dies: nothing of it is on the wire any more.</summary>
    public void Kill(Node node)
    {
        node.Place.Link("link set eth0 down");
        node.Announcer.Dispose();
    }

    /// <summary>The node comes back, with nothing in its memory.</summary>
    public Node Revive(Node dead)
    {
        dead.Place.Link("link set eth0 up");
        var revived = Start(dead.Name, dead.Place);
        Nodes[Nodes.IndexOf(dead)] = revived;
        return revived;
    }

    /// <summary>The client's kernel sends something to the address, and has to find it for that.</summary>
    public void Send(Client client) => client.Place.Inside(() =>
    {
        using var socket = new Socket(Vip.IsIPv4 ? AddressFamily.InterNetwork : AddressFamily.InterNetworkV6, SocketType.Dgram, ProtocolType.Udp);
        return socket.SendTo([1], new IPEndPoint(Vip.ToIPAddress(), 9));
    });

    /// <summary>Where the client's kernel believes the address to be; empty when it does not know.</summary>
    public string Believes(Client client) =>
        Regex.Match(NetworkNamespace.Run("ip", $"-n {client.Place.Name} neigh show {Vip} dev eth0"), "lladdr ([0-9a-f:]+)").Groups[1].Value;

    /// <summary>What nodes have said of the address since the client was last looked at, as far as it got there: which node, and to whom.</summary>
    public List<string> Received(Client client)
    {
        var frames = new List<string>();
        var buffer = new byte[2048];
        while (client.Wire.Poll(0, SelectMode.SelectRead))
        {
            var length = client.Wire.Receive(buffer);
            var concerns = ArpFrame.TryParse(buffer.AsSpan(0, length), out var arp) is ArpRejection.None ? arp.Packet.Sender.ToIpAddress() == Vip
                : NdpFrame.TryParse(buffer.AsSpan(0, length), out var ndp) is NdpRejection.None && ndp.Message.Target.ToIpAddress() == Vip;
            var (to, from) = (MacAddress.Read(buffer), MacAddress.Read(buffer.AsSpan(6)));
            if (concerns && Nodes.Find(node => node.Mac == from) is { } node)
                frames.Add($"{node.Name} → {(to.IsGroup ? "all" : to == client.Mac ? client.Name : to.ToString())}");
        }

        return frames;
    }

    public void Dispose()
    {
        foreach (var node in Nodes)
            node.Announcer.Dispose();
        _meter.Dispose();
        foreach (var owned in Enumerable.Reverse(_owned))
            owned.Dispose();
    }

    private T Own<T>(T owned)
        where T : IDisposable
    {
        _owned.Add(owned);
        return owned;
    }

    private NetworkNamespace Join(string name, int host)
    {
        var place = Own(new NetworkNamespace(name));
        // No packets but those of the test: neither router solicitations nor duplicate address detection.
        place.Sysctl("net.ipv6.conf.default.accept_dad", "0");
        place.Sysctl("net.ipv6.conf.default.router_solicitations", "0");
        Switch.Wire(name, place, "eth0");
        Switch.Link($"link set {name} master br0");
        place.Link($"address add 192.168.100.{host}/24 dev eth0");
        place.Link($"address add fd00:100::{host}/64 dev eth0 nodad");
        return place;
    }

    private Node Start(string name, NetworkNamespace place)
    {
        var links = Running(place);
        var announcer = new Layer2Announcer(
            InterfaceSelection.Default,
            new Layer2Sockets(link => place.Inside(() => ArpSocket.Open(link)), link => place.Inside(() => NdpSocket.Open(link))),
            new Layer2Counters(_meter), new WireClaims(() => { }), NullLogger.Instance, _ => { });
        announcer.SetLinks(links, Now);
        return new Node(name, place, Mac(links.Find("eth0")!), announcer);
    }

    private static LinkSnapshot Running(NetworkNamespace where)
    {
        LinkSnapshot? links = null;
        Assert.True(SpinWait.SpinUntil(
            () =>
            {
                using var monitor = where.Inside(LinkMonitor.Open);
                links = monitor.Current;
                return links.Find("eth0")?.Has(LinkFlags.Running) ?? false;
            },
            TimeSpan.FromSeconds(10)));
        return links!;
    }

    private static MacAddress Mac(Link link)
    {
        Span<byte> bytes = stackalloc byte[6];
        link.Address.WriteTo(bytes);
        return MacAddress.Read(bytes);
    }

    private static Socket Listen(int link)
    {
        var socket = new Socket(AddressFamily.Packet, SocketType.Raw, 0);
        socket.Bind(new EveryFrame(link));
        return socket;
    }

    private sealed class EveryFrame(int link) : EndPoint
    {
        public override AddressFamily AddressFamily => AddressFamily.Packet;

        public override SocketAddress Serialize()
        {
            var address = new SocketAddress(AddressFamily.Packet, 20);
            BinaryPrimitives.WriteUInt16BigEndian(address.Buffer.Span[2..], 0x0003); // ETH_P_ALL
            MemoryMarshal.Write(address.Buffer.Span[4..], link);
            return address;
        }
    }
}

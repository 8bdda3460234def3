using System.Net;
using Portolan.Core.Addresses;
using Portolan.Core.Cluster;
using Portolan.Core.Forwarding;
using Portolan.Linux.Nftables;
using Portolan.Proxy.Nftables;

namespace Portolan.Tests.Proxy;

/// <summary>
/// client 192.0.2.10 ── 192.0.2.1 node ── pods 10.9.0.2, .3, .4 (routed, port 8080); everything the client sends to 192.0.2.240 and 10.8.0.0/16 goes to the node.
/// </summary>
internal sealed class ForwardingLab : IDisposable
{
    internal static readonly IpAddress Vip = IpAddress.Parse("192.0.2.240");
    internal static readonly IpAddress ClusterIP = IpAddress.Parse("10.8.0.1");
    internal static readonly IpAddress NodeIP = IpAddress.Parse("192.0.2.1");

    internal ForwardingLab(int pods = 3)
    {
        NetworkNamespace.SkipUnlessRoot();
        Node = new NetworkNamespace("node");
        Client = new NetworkNamespace("client");
        Node.Sysctl("net.ipv4.ip_forward", "1");
        Node.Sysctl("net.ipv6.conf.all.forwarding", "1");
        Node.Wire("eth0", Client, "eth0");
        Node.Link("addr add 192.0.2.1/24 dev eth0");
        Node.Link("addr add fd00:2::1/64 dev eth0 nodad");
        Node.Link("route add default via 192.0.2.254");
        Client.Link("addr add 192.0.2.10/24 dev eth0");
        Client.Link("addr add fd00:2::10/64 dev eth0 nodad");
        Client.Link("route add 192.0.2.240 via 192.0.2.1");
        Client.Link("route add 10.8.0.0/16 via 192.0.2.1");
        Client.Link("route add 10.9.0.0/16 via 192.0.2.1");
        Client.Link("route add fd00:8::/64 via fd00:2::1");
        for (var i = 0; i < pods; i++)
        {
            var pod = new NetworkNamespace($"pod{i}");
            Pods.Add(pod);
            Node.Wire($"pod{i}", pod, "eth0");
            pod.Link($"addr add 10.9.0.{i + 2}/32 dev eth0");
            pod.Link("route add 169.254.1.1 dev eth0");
            pod.Link("route add default via 169.254.1.1 dev eth0");
            pod.Link($"addr add fd00:9::{i + 2}/128 dev eth0 nodad");
            pod.Link("route add fe80::1 dev eth0");
            pod.Link("route add default via fe80::1 dev eth0");
            Node.Link($"addr add 169.254.1.1/32 dev pod{i} scope link");
            Node.Link($"addr add fe80::1/64 dev pod{i} nodad");
            Node.Link($"route add 10.9.0.{i + 2} dev pod{i}");
            Node.Link($"route add fd00:9::{i + 2} dev pod{i}");
            pod.Serve($"pod{i}", new IPEndPoint(IPAddress.Any, 8080));
            pod.Serve($"pod{i}", new IPEndPoint(IPAddress.IPv6Any, 8081));
        }
    }

    internal NetworkNamespace Node { get; }

    internal NetworkNamespace Client { get; }

    internal List<NetworkNamespace> Pods { get; } = [];

    internal static ForwardingContext Context => new() { NodeName = "node" };

    internal static IpPrefix Prefix(string text) => IpPrefix.TryParse(text, out var prefix) ? prefix : throw new ArgumentException(text, nameof(text));

    internal static IpPrefix Everything => IpPrefix.Containing(IpAddress.V4(0), 0);

    /// <summary>A table on the node, as the proxy keeps it.</summary>
    internal (NftConnection Connection, NftablesTable Table) OpenTable(IpFamily family = IpFamily.IPv4, params IpPrefix[] clusterCidrs)
    {
        var connection = Node.Inside(NftConnection.Open);
        return (connection, new NftablesTable(connection, family, new TableSettings { ClusterCidrs = clusterCidrs, NodePortAddresses = [Everything, IpPrefix.Containing(IpAddress.V6(0), 0)] }));
    }

    internal static ServiceFacts Service(string name = "web", TrafficPolicy external = TrafficPolicy.Cluster, TrafficPolicy @internal = TrafficPolicy.Cluster) => new()
    {
        Key = new ObjectKey("default", name),
        Type = ServiceType.LoadBalancer,
        ClusterIPs = [ClusterIP],
        Ports = [new ServicePort("", Protocol.Tcp, 80, 31313)],
        Ingress = [new IngressAddress(Vip, false)],
        ExternalTrafficPolicy = external,
        InternalTrafficPolicy = @internal,
    };

    internal static EndpointSliceFacts Slice(IEnumerable<int> pods, string nodeName = "node", string service = "web") => new()
    {
        Key = new ObjectKey("default", service + "-1"),
        Service = new ObjectKey("default", service),
        Ports = [new EndpointPort("", Protocol.Tcp, 8080)],
        Endpoints = [.. pods.Select(pod => new EndpointFacts { Address = IpAddress.V4(0x0a090002 + (uint)pod), NodeName = nodeName })],
    };

    internal static IPEndPoint To(IpAddress address, int port) => new(address.ToIPAddress(), port);

    public void Dispose()
    {
        foreach (var pod in Pods)
            pod.Dispose();
        Client.Dispose();
        Node.Dispose();
    }
}

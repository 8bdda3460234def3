using System.Net;
using System.Net.Sockets;
using Portolan.Core.Addresses;
using Portolan.Core.Cluster;
using Portolan.Core.Forwarding;
using Portolan.Linux.Conntrack;
using Portolan.Linux.Nftables;
using Portolan.Proxy.Nftables;

namespace Portolan.Tests.Proxy.Packets;

/// <summary>
/// client ── eth0 node eth1 ── node2 ── pod; three more pods on node, all routed. Both families. Made once for a test class; every test
/// puts what it wants into the table. Whoever answers does so through node, as replies to translated packets must.
/// </summary>
public sealed class TwoNodeLab : IDisposable
{
    internal const int ResponderPort = 8080;
    internal const ushort ServicePortNumber = 80;
    internal const ushort NodePort = 31313;
    internal const string Zone = "here";

    private readonly List<NetworkNamespace> _namespaces = [];
    private readonly List<Responders> _responders = [];
    private readonly NftConnection? _nftables;
    private readonly ConntrackConnection? _conntrack;
    private LabHost? _bridged;

    public TwoNodeLab()
    {
        if (!Environment.IsPrivilegedProcess)
            return; // every test skips itself
        var node = Host("node", "192.0.2.2", "fdff::2");
        var client = Host("client", "192.0.2.10", "fd00:2::10");
        var node2 = Host("node2", "10.7.0.2", "fd00:7::2");
        foreach (var router in (LabHost[])[node, node2])
        {
            router.Namespace.Sysctl("net.ipv4.ip_forward", "1");
            router.Namespace.Sysctl("net.ipv6.conf.all.forwarding", "1");
        }

        // Refusals are rationed by default; a test asks faster than that.
        node.Namespace.Sysctl("net.ipv4.icmp_ratemask", "0");
        node.Namespace.Sysctl("net.ipv6.icmp.ratelimit", "0");
        node.Namespace.Sysctl("net.ipv6.icmp.ratemask", "255");

        node.Namespace.Wire("eth0", client.Namespace, "eth0");
        node.Namespace.Wire("eth1", node2.Namespace, "eth0");
        Links(node, "addr add 192.0.2.1/24 dev eth0", "addr add fd00:2::1/64 dev eth0 nodad", "addr add 10.7.0.1/24 dev eth1", "addr add fd00:7::1/64 dev eth1 nodad");
        // What node asks from is never what masquerading chooses: a secondary address, and one the kernel may not pick by itself.
        Links(node, "addr add 192.0.2.2/24 dev eth0", "addr add fdff::2/128 dev eth0 nodad preferred_lft 0");
        Links(node, "route add default via 192.0.2.254", "route add default via fd00:2::fe dev eth0", "route add 10.9.1.0/24 via 10.7.0.2", "route add fd00:9:0:1::/64 via fd00:7::2");
        Links(client, "addr add 192.0.2.10/24 dev eth0", "addr add fd00:2::10/64 dev eth0 nodad", "route add 192.0.2.240 via 192.0.2.1", "route add fd00:2::240 via fd00:2::1");
        Links(client, "route add default via 192.0.2.1", "route add default via fd00:2::1");
        Links(node2, "addr add 10.7.0.2/24 dev eth0", "addr add fd00:7::2/64 dev eth0 nodad", "route add default via 10.7.0.1", "route add default via fd00:7::1");

        // Where packets go that nobody forwards: a host that answers at the Services' own port.
        Links(node2, "addr add 10.6.0.1/32 dev lo", "addr add fd00:6::1/128 dev lo nodad");
        Links(node, "route add 10.6.0.0/24 via 10.7.0.2", "route add fd00:6::/64 via fd00:7::2");
        foreach (var family in Enum.GetValues<IpFamily>())
            _responders.Add(new Responders(node2.Namespace, node2.Name, Elsewhere(family).ToIPAddress(), ServicePortNumber));

        Client = client;
        Node = node;
        Local = AddPod(node, "local", "10.9.0.2", "fd00:9::2");
        Local2 = AddPod(node, "local2", "10.9.0.3", "fd00:9::3");
        Pod = AddPod(node, "pod", "10.9.0.9", "fd00:9::9");
        Remote = AddPod(node2, "remote", "10.9.1.2", "fd00:9:0:1::2");
        Responders = [Local, Local2, Remote];
        foreach (var pod in Responders)
        {
            _responders.Add(new Responders(pod.Namespace, pod.Name, IPAddress.Any, ResponderPort));
            _responders.Add(new Responders(pod.Namespace, pod.Name, IPAddress.IPv6Any, ResponderPort));
        }

        _nftables = node.Namespace.Inside(NftConnection.Open);
        _conntrack = node.Namespace.Inside(ConntrackConnection.Open);
        foreach (var family in Enum.GetValues<IpFamily>())
            WaitForRoutes(family, Client, Node, Pod, Remote);
    }

    /// <summary>A host outside the cluster.</summary>
    internal LabHost Client { get; } = null!;

    /// <summary>The node under test.</summary>
    internal LabHost Node { get; } = null!;

    /// <summary>A pod of node that is no endpoint.</summary>
    internal LabHost Pod { get; } = null!;

    /// <summary>A pod of node that can be an endpoint.</summary>
    internal LabHost Local { get; } = null!;

    /// <summary>Another.</summary>
    internal LabHost Local2 { get; } = null!;

    /// <summary>A pod of the second node.</summary>
    internal LabHost Remote { get; } = null!;

    /// <summary>A pod of node on a bridge, as many container networks have them.</summary>
    internal LabHost Bridged => _bridged ??= AddPodOnBridge();

    /// <summary>The pods that answer.</summary>
    internal IReadOnlyList<LabHost> Responders { get; } = [];

    internal static IpAddress ClusterIP(IpFamily family) => IpAddress.Parse(family is IpFamily.IPv4 ? "10.8.0.1" : "fd00:8::1");

    internal static IpAddress Vip(IpFamily family) => IpAddress.Parse(family is IpFamily.IPv4 ? "192.0.2.240" : "fd00:2::240");

    internal static IpAddress ExternalIP(IpFamily family) => IpAddress.Parse(family is IpFamily.IPv4 ? "198.51.100.7" : "fd00:5::7");

    internal static IpAddress NodeIP(IpFamily family) => IpAddress.Parse(family is IpFamily.IPv4 ? "192.0.2.1" : "fd00:2::1");

    /// <summary>An address of a host behind node2 that answers as "node2" at <see cref="ServicePortNumber"/>, where it is asked.</summary>
    internal static IpAddress Elsewhere(IpFamily family) => IpAddress.Parse(family is IpFamily.IPv4 ? "10.6.0.1" : "fd00:6::1");

    /// <summary>The prefix that <see cref="Elsewhere"/> is in.</summary>
    internal static IpPrefix ElsewhereCidr(IpFamily family) => IpPrefix.Containing(Elsewhere(family), family is IpFamily.IPv4 ? 24 : 64);

    /// <summary>The pods' addresses, of both nodes.</summary>
    internal static IpPrefix PodCidr(IpFamily family) => IpPrefix.Containing(IpAddress.Parse(family is IpFamily.IPv4 ? "10.9.0.0" : "fd00:9::"), family is IpFamily.IPv4 ? 16 : 48);

    internal static ForwardingContext Context => new() { NodeName = "node", Zone = Zone };

    /// <summary>The proxy told to recognise pods, and to masquerade, in a way.</summary>
    internal static (ForwardingContext Context, TableSettings Settings) Detect(Detection detection, IpFamily family)
    {
        var detects = detection is not (Detection.None or Detection.MasqueradeAll);
        var context = Context with
        {
            DetectsPodsIPv4 = detects, DetectsPodsIPv6 = detects, MasqueradeAll = detection is Detection.MasqueradeAll or Detection.ClusterCidrAndMasqueradeAll,
        };
        return (context, detection switch
        {
            Detection.ClusterCidr or Detection.ClusterCidrAndMasqueradeAll => new TableSettings { ClusterCidrs = [PodCidr(family)] },
            Detection.InterfacePrefix => new TableSettings { PodInterface = "veth-", IsInterfacePrefix = true },
            _ => new TableSettings(),
        });
    }

    /// <summary>A Service with every kind of front, over TCP, UDP and SCTP.</summary>
    internal static ServiceFacts Service(IpFamily family, string name = "web") => new()
    {
        Key = new ObjectKey("default", name),
        Type = ServiceType.LoadBalancer,
        ClusterIPs = [ClusterIP(family)],
        ExternalIPs = [ExternalIP(family)],
        Ingress = [new IngressAddress(Vip(family), false)],
        Ports = [.. Enum.GetValues<Protocol>().Select(protocol => new ServicePort(protocol.ToString(), protocol, ServicePortNumber, NodePort))],
    };

    /// <summary>A slice with these endpoints.</summary>
    internal EndpointSliceFacts Slice(IpFamily family, IEnumerable<Backend> backends, string service = "web") => new()
    {
        Key = new ObjectKey("default", $"{service}-{family}"),
        Service = new ObjectKey("default", service),
        Family = family,
        Ports = [.. Enum.GetValues<Protocol>().Select(protocol => new EndpointPort(protocol.ToString(), protocol, ResponderPort))],
        Endpoints = [.. backends.Select(backend => new EndpointFacts
        {
            Address = Responders.Single(responder => responder.Name == backend.Host).Address(family),
            NodeName = backend.IsLocal ? "node" : "node2",
            Ready = backend.Ready,
            Serving = backend.Serving,
            Terminating = backend.Terminating,
            ZoneHints = backend.Zone.Length > 0 ? [backend.Zone] : [],
            NodeHints = backend.Node.Length > 0 ? [backend.Node] : [],
        })],
    };

    /// <summary>Makes node's table hold exactly these plans, and forgets every flow. Node ports are at every address of node, unless the settings say otherwise.</summary>
    internal NftablesTable Program(IpFamily family, IEnumerable<ServicePortPlan> plans, TableSettings? settings = null)
    {
        settings ??= new TableSettings();
        if (settings.NodePortAddresses.Count == 0)
            settings = settings with { NodePortAddresses = [IpPrefix.Containing(IpAddress.Of(family, 0), 0)] };
        var table = new NftablesTable(_nftables!, family, settings);
        table.Reconcile(plans);
        ForgetFlows(family);
        return table;
    }

    /// <summary>What the kernel has of Services and settings, sorted; chains and the verdicts that lead to them left out.</summary>
    internal List<string> Elements(IpFamily family)
    {
        var elements = new List<string>();
        foreach (var set in (string[])
            [
                ShapeSets.Fronts, ShapeSets.NodePorts, ShapeSets.Endpoints, ShapeSets.Members, ShapeSets.Hairpins, ShapeSets.Addresses,
                ShapeSets.SourceRanges, ShapeSets.ClusterCidrs, ShapeSets.NodePortAddresses, ShapeSets.ServiceCidrs,
            ])
        {
            var ofSet = new List<string>();
            _nftables!.Elements(TableKeys.Family(family), Shape.Table, set, ofSet.Clear, element => ofSet.Add($"{set} {Convert.ToHexString(element.Key)} {Convert.ToHexString(element.Data)}"));
            elements.AddRange(ofSet.Order(StringComparer.Ordinal));
        }

        return elements;
    }

    internal void ForgetFlows(IpFamily family) =>
        _conntrack!.DeleteWhere(family is IpFamily.IPv4 ? AddressFamily.InterNetwork : AddressFamily.InterNetworkV6, null, _ => true);

    private static void Links(LabHost host, params string[] commands)
    {
        foreach (var command in commands)
            host.Namespace.Link(command);
    }

    private LabHost Host(string name, string ipv4, string ipv6)
    {
        var inside = new NetworkNamespace(name);
        _namespaces.Add(inside);
        return new LabHost(name, inside, IpAddress.Parse(ipv4), IpAddress.Parse(ipv6));
    }

    private LabHost AddPod(LabHost node, string name, string ipv4, string ipv6)
    {
        var pod = Host(name, ipv4, ipv6);
        node.Namespace.Wire("veth-" + name, pod.Namespace, "eth0");
        Links(pod, $"addr add {ipv4}/32 dev eth0", "route add 169.254.1.1 dev eth0", "route add default via 169.254.1.1 dev eth0");
        Links(pod, $"addr add {ipv6}/128 dev eth0 nodad", "route add fe80::1 dev eth0", "route add default via fe80::1 dev eth0");
        Links(node, $"addr add 169.254.1.1/32 dev veth-{name} scope link", $"addr add fe80::1/64 dev veth-{name} nodad", $"route add {ipv4} dev veth-{name}", $"route add {ipv6} dev veth-{name}");
        return pod;
    }

    private LabHost AddPodOnBridge()
    {
        var pod = Host("bridged", "10.9.2.2", "fd00:9:0:2::2");
        Links(Node, "link add cni0 type bridge", "link set cni0 up", "addr add 10.9.2.1/24 dev cni0", "addr add fd00:9:0:2::1/64 dev cni0 nodad");
        Node.Namespace.Wire("bridged", pod.Namespace, "eth0");
        Links(Node, "link set bridged master cni0");
        Links(pod, "addr add 10.9.2.2/24 dev eth0", "addr add fd00:9:0:2::2/64 dev eth0 nodad", "route add default via 10.9.2.1", "route add default via fd00:9:0:2::1");
        foreach (var family in Enum.GetValues<IpFamily>())
            WaitForRoutes(family, pod);
        return pod;
    }

    // A new interface may take a moment until it carries IPv6.
    private void WaitForRoutes(IpFamily family, params LabHost[] clients)
    {
        foreach (var from in clients)
        foreach (var to in Responders)
        {
            for (var attempt = 0; from.Ask(Protocol.Udp, to.Address(family), ResponderPort, 100) == Answer.Nothing; attempt++)
                Assert.True(attempt < 50, $"{from.Name} does not reach {to.Name} over {family}");
        }
    }

    public void Dispose()
    {
        _nftables?.Dispose();
        _conntrack?.Dispose();
        foreach (var responder in _responders)
            responder.Dispose();
        foreach (var inside in _namespaces)
            inside.Dispose();
    }
}

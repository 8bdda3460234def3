using Portolan.Lab.Supervision;

namespace Portolan.Lab.Network;

/// <summary>
/// The wires of a lab: a switch with the LAN, <c>192.168.100.0/24</c>, on which are a router, the control host, a client and the nodes;
/// and behind the router a second segment, <c>192.168.200.0/24</c>, with a host <c>remote</c>.
/// Pure: it says what is to be, as lines for <c>ip -batch</c>.
/// </summary>
internal sealed class Topology
{
    /// <summary>Pods are 10.233.64.0/18 and node N takes 10.233.(64+N).0/24.</summary>
    public const int MaximumNodes = 63;

    /// <summary>The namespace of the switch.</summary>
    public const string Switch = "lan";

    public const string RouterAddress = "192.168.100.1";
    public const string ControlAddress = "192.168.100.10";
    public const string ServiceRange = "10.233.0.0/18";
    public const string ServiceRange6 = "fd00:233::/112";
    public const string ApiServerServiceAddress6 = "fd00:233::1";
    public const string DnsServiceAddress6 = "fd00:233::3";

    /// <summary>Each node of the article's cluster has this address, as Kubespray's node-local DNS gives it.</summary>
    public const string NodeLocalDnsAddress = "169.254.25.10";

    private readonly LabLayout _layout;

    /// <param name="layout">The lab.</param>
    /// <param name="nodes">How many, 1 to <see cref="MaximumNodes"/>.</param>
    /// <param name="dualStack">Hosts and pods have IPv6 addresses, too.</param>
    public Topology(LabLayout layout, int nodes, bool dualStack = false)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(nodes, 1);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(nodes, MaximumNodes);
        _layout = layout;
        DualStack = dualStack;
        Nodes = [.. Enumerable.Range(1, nodes).Select(n => new LabHost($"node{n}", Segment.Lan, 99 + n, dualStack, n))];
        Hosts =
        [
            new LabHost("router", [new Cable("router", "eth0", Segment.Lan, 1), new Cable("router", "eth1", Segment.Remote, 1)], 0, dualStack),
            new LabHost("control", Segment.Lan, 10, dualStack),
            new LabHost("client", Segment.Lan, 20, dualStack),
            new LabHost("remote", Segment.Remote, 20, dualStack),
            .. Nodes,
        ];
    }

    public bool DualStack { get; }
    public IReadOnlyList<LabHost> Hosts { get; }
    public IReadOnlyList<LabHost> Nodes { get; }

    public LabHost? Find(string name) => Hosts.FirstOrDefault(h => h.Name == name);

    /// <summary>Run in the namespace of the switch, once.</summary>
    public static IEnumerable<string> SwitchLines() =>
    [
        "link set lo up",
        .. ((Segment[])[Segment.Lan, Segment.Remote]).SelectMany(s => (string[])
        [
            $"link add {s.Bridge} type bridge stp_state 0 forward_delay 0 mcast_snooping 0",
            $"link set {s.Bridge} up",
        ]),
    ];

    /// <summary>Run in the namespace of the switch for each host.</summary>
    public IEnumerable<string> CableLines(LabHost host) => host.Cables.SelectMany(cable => (string[])
    [
        $"link add {cable.SwitchPort} type veth peer name {cable.Interface} address {cable.Mac} netns {_layout.Namespace(host.Name)}",
        $"link set {cable.SwitchPort} master {cable.Segment.Bridge} up",
    ]);

    /// <summary>Run in the host's own namespace, after its cables are in.</summary>
    public IEnumerable<string> HostLines(LabHost host)
    {
        yield return "link set lo up";
        foreach (var cable in host.Cables)
        {
            yield return $"addr add {cable.Address}/24 dev {cable.Interface}";
            if (DualStack)
                yield return $"addr add {cable.Address6}/64 dev {cable.Interface} nodad";
            yield return $"link set {cable.Interface} up";
        }
        if (host.Name != "router")
        {
            yield return $"route add default via {host.Segment.Address(1)}";
            if (DualStack)
                yield return $"route add default via {LabHost.Twin(host.Segment.Address(1))}";
        }

        if (host.IsNode)
        {
            // Bridges stand in for dummies, which not every kernel has: they hold an address and carry nothing.
            yield return "link add pods0 type bridge";
            yield return $"addr add {host.PodGateway}/32 dev pods0";
            if (DualStack)
                yield return $"addr add {host.PodGateway6}/128 dev pods0 nodad";
            yield return "link set pods0 up";
            yield return "link add nodelocaldns type bridge";
            yield return $"addr add {NodeLocalDnsAddress}/32 dev nodelocaldns";
            yield return "link set nodelocaldns up";
        }

        if (host.Name is "client" or "remote")
            yield break;    // knows its segment and its router, as any machine outside the cluster
        foreach (var node in Nodes)
        {
            if (node == host)
                continue;
            yield return $"route add {node.PodCidr} via {node.Address}";
            if (DualStack)
                yield return $"route add {node.PodCidr6} via {node.Addresses[1]}";
        }
        if (host.Name == "control")
        {
            // No proxy runs here, and the router would not know either.
            yield return $"route add unreachable {ServiceRange}";
            if (DualStack)
                yield return $"route add unreachable {ServiceRange6}";
        }
    }

    /// <summary>Kernel settings of a host, under /proc/sys/net, to be written in this order before its interfaces exist.</summary>
    public static IEnumerable<(string Path, string Value)> Settings(string host)
    {
        // Forwarding first: the kernel resets the redirect settings when it changes.
        if (host == "router" || host.StartsWith("node", StringComparison.Ordinal))
        {
            yield return ("ipv4/ip_forward", "1");
            yield return ("ipv6/conf/all/forwarding", "1");
        }

        // Several nodes may be ways to one address: a flow keeps to one, the flows of one client use all.
        if (host == "router")
        {
            yield return ("ipv4/fib_multipath_hash_policy", "1");
            yield return ("ipv6/fib_multipath_hash_policy", "1");
        }

        foreach (var scope in (string[])["all", "default"])
        {
            // Clients, nodes and router share one LAN: a redirect for a service's address would be cached by the client for minutes.
            yield return ($"ipv4/conf/{scope}/send_redirects", "0");
            yield return ($"ipv4/conf/{scope}/accept_redirects", "0");
            yield return ($"ipv6/conf/{scope}/accept_redirects", "0");
            yield return ($"ipv6/conf/{scope}/accept_dad", "0");
        }
        // On by default in each new namespace; bridged frames would visit the ip hooks.
        foreach (var table in (string[])["iptables", "ip6tables", "arptables"])
            yield return ($"bridge/bridge-nf-call-{table}", "0");
    }
}

using System.Net;

using Portolan.Lab.Supervision;

namespace Portolan.Lab.Network;

/// <summary>
/// The wires of a lab: a switch, <c>192.168.100.0/24</c>, with a router, the control host, a client and the nodes on it.
/// Pure: it says what is to be, as lines for <c>ip -batch</c>.
/// </summary>
internal sealed class Topology
{
    /// <summary>Pods are 10.233.64.0/18 and node N takes 10.233.(64+N).0/24.</summary>
    public const int MaximumNodes = 63;

    /// <summary>The namespace of the switch.</summary>
    public const string Switch = "lan";
    public const string Bridge = "br0";

    public const string RouterAddress = "192.168.100.1";
    public const string ControlAddress = "192.168.100.10";
    public const string ClientAddress = "192.168.100.20";
    public const string ServiceRange = "10.233.0.0/18";

    /// <summary>Each node of the article's cluster has this address, as Kubespray's node-local DNS gives it.</summary>
    public const string NodeLocalDnsAddress = "169.254.25.10";

    private readonly LabLayout _layout;

    public Topology(LabLayout layout, int nodes)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(nodes, 1);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(nodes, MaximumNodes);
        _layout = layout;
        Nodes = [.. Enumerable.Range(1, nodes).Select(n => new LabHost($"node{n}", IPAddress.Parse($"192.168.100.{99 + n}"), n))];
        Hosts =
        [
            new LabHost("router", IPAddress.Parse(RouterAddress), 0),
            new LabHost("control", IPAddress.Parse(ControlAddress), 0),
            new LabHost("client", IPAddress.Parse(ClientAddress), 0),
            .. Nodes,
        ];
    }

    public IReadOnlyList<LabHost> Hosts { get; }
    public IReadOnlyList<LabHost> Nodes { get; }

    public LabHost? Find(string name) => Hosts.FirstOrDefault(h => h.Name == name);

    /// <summary>Run in the namespace of the switch, once.</summary>
    public static IEnumerable<string> SwitchLines() =>
    [
        "link set lo up",
        $"link add {Bridge} type bridge stp_state 0 forward_delay 0 mcast_snooping 0",
        $"link set {Bridge} up",
    ];

    /// <summary>Run in the namespace of the switch for each host: a cable, born with one end in each of the two namespaces so that no name meets the machine's.</summary>
    public IEnumerable<string> CableLines(LabHost host) =>
    [
        $"link add {host.SwitchPort} type veth peer name {LabHost.Interface} address {host.Mac} netns {_layout.Namespace(host.Name)}",
        $"link set {host.SwitchPort} master {Bridge} up",
    ];

    /// <summary>Run in the host's own namespace, after its cable is in.</summary>
    public IEnumerable<string> HostLines(LabHost host)
    {
        yield return "link set lo up";
        yield return $"addr add {host.Address}/24 dev {LabHost.Interface}";
        yield return $"link set {LabHost.Interface} up";
        if (host.Name != "router")
            yield return $"route add default via {RouterAddress}";

        if (host.IsNode)
        {
            // Bridges stand in for dummies, which not every kernel has: they hold an address and carry nothing.
            yield return "link add pods0 type bridge";
            yield return $"addr add {host.PodGateway}/32 dev pods0";
            yield return "link set pods0 up";
            yield return "link add nodelocaldns type bridge";
            yield return $"addr add {NodeLocalDnsAddress}/32 dev nodelocaldns";
            yield return "link set nodelocaldns up";
        }

        if (host.Name == "client")
            yield break;    // knows the LAN and its router, as any machine outside the cluster
        foreach (var node in Nodes)
            if (node != host)
                yield return $"route add {node.PodCidr} via {node.Address}";
        if (host.Name == "control")
            yield return $"route add unreachable {ServiceRange}";   // no proxy runs here, and the router would not know either
    }

    /// <summary>Kernel settings of a host, under /proc/sys/net, to be written in this order before its interfaces exist.</summary>
    public static IEnumerable<(string Path, string Value)> Settings(string host)
    {
        // Forwarding first: the kernel resets the redirect settings when it changes.
        if (host == "router" || host.StartsWith("node", StringComparison.Ordinal))
            yield return ("ipv4/ip_forward", "1");
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

using System.Net;

using Portolan.Lab.Network;
using Portolan.Lab.Supervision;

namespace Portolan.Lab.Nodes.Networking;

/// <summary>A pod's place on the network.</summary>
/// <param name="Address">From the node's pod range; the node's own for pods on the host network.</param>
/// <param name="NamespacePath">The network namespace that the pod's containers join.</param>
internal sealed record PodLink(IPAddress Address, string NamespacePath);

/// <summary>
/// Gives each pod a network namespace, an address of the node's range and a routed veth pair: a /32 on the pod's side, a route on the node's.
/// There is no bridge: a service's traffic between two pods of one node passes through the node's rules in both directions.
/// </summary>
/// <param name="namespacePrefix">What the names of this node's pod namespaces begin with.</param>
/// <param name="nodeNamespace">The name of the node's own.</param>
/// <param name="addresses">The pool.</param>
/// <param name="node">Whose local address towards its pods is their gateway; in a dual-stack lab pods have a /128 likewise.</param>
internal sealed class PodNetwork(string namespacePrefix, string nodeNamespace, PodAddresses addresses, LabHost node)
{
    private const string NamespaceDirectory = "/run/netns";
    private const string LinkGateway = "fe80::1";

    // The same on every link, as Calico does it. The pods are told: the gateway's address is on no link of theirs, and a node that is strict about ARP does not answer for it.
    private const string GatewayHardware = "ee:ee:ee:ee:ee:ee";

    /// <exception cref="ToolFailedException">The kernel refused a link or a route.</exception>
    /// <exception cref="PodAddressesExhaustedException">Every address is taken.</exception>
    public async Task<PodLink> AddAsync(string podUid, CancellationToken cancel)
    {
        var address = addresses.Take(podUid);
        var name = Name(podUid);
        var link = Link(podUid);
        try
        {
            await RemoveNamespaceAsync(name, cancel).ConfigureAwait(false);
            await Tool.RunAsync("ip", ["netns", "add", name], null, cancel).ConfigureAwait(false);
            await Tool.RunAsync("ip", ["-n", nodeNamespace, "-batch", "-"], $"""
                link add {link} address {GatewayHardware} type veth peer name eth0 netns {name}
                link set {link} up
                route add {address}/32 dev {link} src {node.PodGateway}
                {(node.DualStack ? NodeLines6(link, LabHost.Twin(address)) : "")}

                """, cancel).ConfigureAwait(false);
            await Tool.RunAsync("ip", ["-n", name, "-batch", "-"], $"""
                link set lo up
                link set eth0 up
                addr add {address}/32 dev eth0
                route add {node.PodGateway} dev eth0
                neigh add {node.PodGateway} lladdr {GatewayHardware} dev eth0 nud permanent
                route add default via {node.PodGateway}
                {(node.DualStack ? PodLines6(LabHost.Twin(address)) : "")}

                """, cancel).ConfigureAwait(false);
            return new PodLink(address, $"{NamespaceDirectory}/{name}");
        }
        catch
        {
            await RemoveNamespaceAsync(name, CancellationToken.None).ConfigureAwait(false);
            addresses.Release(podUid);
            throw;
        }
    }

    /// <summary>The namespace goes, and with it both ends of the link and the route.</summary>
    public async Task RemoveAsync(string podUid, CancellationToken cancel)
    {
        // The link goes by name first: the kernel takes a dead namespace's links away in its own time, and the address may be given out again now.
        await Tool.TryRunAsync("ip", ["-n", nodeNamespace, "link", "del", Link(podUid)], null, cancel).ConfigureAwait(false);
        await RemoveNamespaceAsync(Name(podUid), cancel).ConfigureAwait(false);
        addresses.Release(podUid);
    }

    /// <summary>Pods of an earlier life of this node: their processes are dead, their namespaces have names still.</summary>
    public async Task RemoveAllAsync(CancellationToken cancel)
    {
        if (!Directory.Exists(NamespaceDirectory))
            return;
        foreach (var name in Directory.EnumerateFiles(NamespaceDirectory, namespacePrefix + "*").Select(Path.GetFileName).ToList())
        {
            await Tool.TryRunAsync("ip", ["-n", nodeNamespace, "link", "del", "pod" + name![namespacePrefix.Length..]], null, cancel).ConfigureAwait(false);
            await RemoveNamespaceAsync(name, cancel).ConfigureAwait(false);
        }
    }

    private static async Task RemoveNamespaceAsync(string name, CancellationToken cancel)
    {
        if (File.Exists($"{NamespaceDirectory}/{name}"))
            await Tool.RunAsync("ip", ["netns", "del", name], null, cancel).ConfigureAwait(false);
    }

    /// <summary>The name of a pod's network namespace.</summary>
    /// <param name="prefix">What the names of its node's pod namespaces begin with.</param>
    /// <param name="podUid">The pod.</param>
    public static string NamespaceOf(string prefix, string podUid) => prefix + Short(podUid);

    // A host answers who-has for any of its IPv4 addresses on any link, but neighbour solicitations only for the link's own: so the pods' IPv6 gateway is one of each link.
    private string NodeLines6(string link, IPAddress address) => $"""
        addr add {LinkGateway}/64 dev {link} nodad
        route add {address}/128 dev {link} src {node.PodGateway6}
        """;

    private static string PodLines6(IPAddress address) => $"""
        addr add {address}/128 dev eth0 nodad
        route add default via {LinkGateway} dev eth0
        """;

    private string Name(string podUid) => NamespaceOf(namespacePrefix, podUid);

    /// <summary>Interface names have at most 15 characters.</summary>
    private static string Link(string podUid) => "pod" + Short(podUid);

    private static string Short(string podUid)
    {
        var digits = podUid.Replace("-", "", StringComparison.Ordinal);
        return digits.Length > 12 ? digits[..12] : digits;
    }
}

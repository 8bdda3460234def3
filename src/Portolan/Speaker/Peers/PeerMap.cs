using Portolan.Core.Addresses;
using Portolan.Core.Cluster;
using Portolan.Core.Liveness;

namespace Portolan.Speaker.Peers;

/// <summary>The other nodes as this one sees them: where they are, and which of them it watches and talks to. Pure.</summary>
/// <param name="Self">This node's name.</param>
/// <param name="Local">This node's address, or null while the node is unknown or has none.</param>
/// <param name="Nodes">All nodes that have an address of the family that <paramref name="Local"/> has, this one among them.</param>
/// <param name="Watched">Those that this one watches, with the address of each.</param>
/// <param name="Awaited">Those that a speaker waits for when it starts. A node whose kubelet is silent is not: its speaker, if it lives, counts from its first packet on.</param>
internal sealed record PeerMap(
    string Self, IpAddress? Local, IReadOnlySet<string> Nodes, IReadOnlyDictionary<string, IpAddress> Watched, IReadOnlySet<string> Awaited)
{
    /// <summary>Maps the cluster's nodes: the first address of each of the family that our own first address has.</summary>
    public static PeerMap Of(string self, IEnumerable<NodeFacts> nodes)
    {
        var all = nodes.ToList();
        var names = new HashSet<string>(StringComparer.Ordinal) { self };
        var watched = new Dictionary<string, IpAddress>(StringComparer.Ordinal);
        var awaited = new HashSet<string>(StringComparer.Ordinal);
        if (all.Find(node => node.Name == self) is not { InternalIPs: [var own, ..] })
            return new PeerMap(self, null, names, watched, awaited);
        var addresses = new Dictionary<string, IpAddress>(StringComparer.Ordinal);
        foreach (var node in all)
        {
            foreach (var address in node.InternalIPs)
                if (address.Family == own.Family)
                {
                    addresses.TryAdd(node.Name, address);
                    names.Add(node.Name);
                }

            if (node.Ready && node.Name != self && addresses.ContainsKey(node.Name))
                awaited.Add(node.Name);
        }

        foreach (var node in WatchGraph.Of(self, names))
            watched[node] = addresses[node];
        return new PeerMap(self, own, names, watched, awaited);
    }
}

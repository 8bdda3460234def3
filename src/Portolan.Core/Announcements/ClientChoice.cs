using System.Text;
using Portolan.Core.Addresses;

namespace Portolan.Core.Announcements;

/// <summary>
/// Which of several nodes answers which client for one address: the highest of the nodes' hashes with the client (rendezvous hashing). All that
/// know the same nodes choose alike; clients spread evenly; a node that goes takes only its own clients along, each to the node that was
/// second for it; a node that comes takes its share from all. Asking allocates nothing.
/// </summary>
public sealed class ClientChoice
{
    private readonly ulong[] _hashes;

    /// <summary>Among these nodes.</summary>
    /// <param name="address">The address: of several, a client (be it the only router) has each at another node.</param>
    /// <param name="nodes">The nodes' names; their order does not matter.</param>
    public ClientChoice(IpAddress address, IEnumerable<string> nodes)
    {
        Nodes = [.. nodes.Distinct(StringComparer.Ordinal).Order(StringComparer.Ordinal)];
        var salt = Mix((ulong)(address.Value >> 64) ^ Mix((ulong)address.Value));
        _hashes = [.. Nodes.Select(node => Mix(salt ^ Hash(node)))];
    }

    /// <summary>The nodes, by name.</summary>
    public IReadOnlyList<string> Nodes { get; }

    /// <summary>The node that answers a client.</summary>
    /// <param name="client">Its hardware address as a number: the same for all its addresses, and known even of one that has none yet.</param>
    /// <returns>An index into <see cref="Nodes"/>; -1 when there is none.</returns>
    public int Of(ulong client)
    {
        var (best, highest) = (-1, 0UL);
        var mixed = Mix(client);
        for (var i = 0; i < _hashes.Length; i++)
        {
            var weight = Mix(_hashes[i] ^ mixed);
            if (best < 0 || weight > highest)
                (best, highest) = (i, weight);
        }

        return best;
    }

    // FNV-1a of 64 bits: when a node dies, every address's nodes are hashed at once, and nobody gains by choosing a node's name.
    private static ulong Hash(string node)
    {
        var hash = 0xcbf29ce484222325;
        foreach (var octet in Encoding.UTF8.GetBytes(node))
            hash = (hash ^ octet) * 0x100000001b3;
        return Mix(hash);
    }

    // A bijection in which each bit of the input turns about half the bits of the result (the finaliser of MurmurHash3).
    private static ulong Mix(ulong value)
    {
        value = (value ^ value >> 33) * 0xff51afd7ed558ccd;
        value = (value ^ value >> 33) * 0xc4ceb9fe1a85ec53;
        return value ^ value >> 33;
    }
}

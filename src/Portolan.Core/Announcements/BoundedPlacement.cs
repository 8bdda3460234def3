using Portolan.Core.Addresses;

namespace Portolan.Core.Announcements;

/// <summary>A set of nodes by number, and how many are in it.</summary>
internal readonly record struct NodeSet(bool[] Members, int Count)
{
    /// <summary>What is in both.</summary>
    public NodeSet And(NodeSet other)
    {
        var both = new bool[Members.Length];
        var count = 0;
        for (var i = 0; i < both.Length; i++)
            if (both[i] = Members[i] && other.Members[i])
                count++;
        return new NodeSet(both, count);
    }
}

/// <summary>An address to be placed.</summary>
/// <param name="address">The address.</param>
/// <param name="since">When the oldest Service that has it was created.</param>
/// <param name="order">The order of nodes for it.</param>
/// <param name="home">The nodes that would have it if all were up and well; not empty.</param>
/// <param name="now">The nodes that may have it as things are; not empty.</param>
internal sealed class PlacedAddress(IpAddress address, long since, AddressOrder order, NodeSet home, NodeSet now)
{
    public IpAddress Address => address;

    public long Since => since;

    public AddressOrder Order => order;

    public NodeSet Home => home;

    public NodeSet Now => now;

    /// <summary>The nodes among which it is being placed.</summary>
    public NodeSet Candidates { get; set; }

    /// <summary>The node it was given to, or -1.</summary>
    public int Node { get; set; } = -1;
}

/// <summary>
/// Places addresses so that no node carries more than its share plus one (rendezvous hashing with bounded loads). An address that only some nodes may
/// have counts for each of them as one divided by their number: that sum is a node's share, and where all nodes may have all addresses it is the
/// number of addresses divided by that of nodes. The addresses choose in the order of their age, each the first node in its own order that has room:
/// a new address takes nobody's place.
/// They are placed twice: at home, as if every node were up and well, and from there to where they can be now. So only the addresses of a node that
/// dies or drains move, and they alone move back.
/// </summary>
internal static class BoundedPlacement
{
    private const int One = 32;

    /// <summary>Places all of them.</summary>
    /// <param name="addresses">In any order; each is given its <see cref="PlacedAddress.Node"/>, and they are put in their order.</param>
    /// <param name="nodes">The nodes.</param>
    public static void Place(List<PlacedAddress> addresses, NodeTable nodes)
    {
        addresses.Sort((a, b) => a.Since != b.Since ? a.Since.CompareTo(b.Since) : a.Address.CompareTo(b.Address));
        foreach (var address in addresses)
            (address.Node, address.Candidates) = (-1, address.Home);
        Fill(addresses, nodes);
        foreach (var address in addresses)
            address.Candidates = address.Now;
        Fill(addresses, nodes);
    }

    // Whoever has a place that he may keep, keeps it; then the others choose.
    private static void Fill(List<PlacedAddress> addresses, NodeTable nodes)
    {
        var room = Rooms(addresses, nodes);
        var hasRoom = Array.ConvertAll(room, places => places > 0);
        var homeless = new List<PlacedAddress>();
        foreach (var address in addresses)
        {
            if (address.Node < 0 || !address.Candidates.Members[address.Node] || !hasRoom[address.Node])
            {
                homeless.Add(address);
                address.Node = -1;
            }
            else
            {
                hasRoom[address.Node] = --room[address.Node] > 0;
            }
        }

        List<PlacedAddress>[]? placed = null;
        foreach (var address in homeless)
        {
            var filled = address.Order.First(address.Candidates.Members, hasRoom);
            var node = filled;
            if (filled < 0)
            {
                placed ??= Occupants(addresses, nodes.Bound);
                (node, filled) = MakeRoom(address, placed, hasRoom, nodes);
            }

            address.Node = node;
            placed?[node].Add(address);
            hasRoom[filled] = --room[filled] > 0;
        }
    }

    // In whole numbers, so that every speaker comes to the same, whatever the order in which it adds.
    private static int[] Rooms(List<PlacedAddress> addresses, NodeTable nodes)
    {
        var sets = new Dictionary<bool[], (long Times, int Count)>();
        foreach (var address in addresses)
            sets[address.Candidates.Members] = (sets.GetValueOrDefault(address.Candidates.Members).Times + 1, address.Candidates.Count);
        var shares = new long[nodes.Bound];
        foreach (var (set, (times, count)) in sets)
        {
            var each = times * (((1L << One) + count - 1) / count);
            foreach (var node in nodes.ByName)
                if (set[node])
                    shares[node] += each;
        }

        return Array.ConvertAll(shares, share => (int)(share >> One) + 1);
    }

    private static List<PlacedAddress>[] Occupants(List<PlacedAddress> addresses, int bound)
    {
        var placed = new List<PlacedAddress>[bound];
        for (var i = 0; i < bound; i++)
            placed[i] = [];
        foreach (var address in addresses)
            if (address.Node >= 0)
                placed[address.Node].Add(address);
        return placed;
    }

    // Every node that may have the address is full. There is room for all of them, so somebody can make room by moving to a node with room, or to
    // one where somebody can make room: the shortest such chain. Gives the node that the address gets, and the one at the chain's end.
    private static (int Node, int Filled) MakeRoom(PlacedAddress address, List<PlacedAddress>[] placed, bool[] hasRoom, NodeTable nodes)
    {
        var mover = new PlacedAddress?[nodes.Bound];
        var reached = new Queue<int>();
        Reach(address);
        while (reached.TryDequeue(out var node))
        {
            if (hasRoom[node])
                return (Shift(address, node, mover, placed), node);
            foreach (var occupant in placed[node])
                Reach(occupant);
        }

        var first = address.Order.First(address.Candidates.Members, address.Candidates.Count);
        return (first, first);

        void Reach(PlacedAddress by)
        {
            foreach (var node in nodes.ByName)
            {
                if (!by.Candidates.Members[node] || mover[node] is not null)
                    continue;
                mover[node] = by;
                reached.Enqueue(node);
            }
        }
    }

    // Each of the chain takes the place of the next; the first node's place is the new address's.
    private static int Shift(PlacedAddress address, int free, PlacedAddress?[] mover, List<PlacedAddress>[] placed)
    {
        while (mover[free] is { } moved && moved != address)
        {
            var left = moved.Node;
            placed[left].Remove(moved);
            placed[free].Add(moved);
            (moved.Node, free) = (free, left);
        }

        return free;
    }
}

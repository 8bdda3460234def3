using System.Buffers.Binary;
using System.Security.Cryptography;
using System.Text;

namespace Portolan.Core.Liveness;

/// <summary>
/// Who watches whom. Up to <see cref="FullMesh"/> nodes everyone watches everyone. Beyond that the nodes lie on <see cref="Rings"/> rings, ordered on
/// each by another part of their names' hash, and a node watches its neighbours on every ring: at most twice as many, whatever the cluster's size.
/// Each ring alone connects all nodes, watching is mutual, every node that knows the same names finds the same graph, and a node that comes or goes
/// changes three pairs per ring.
/// </summary>
public static class WatchGraph
{
    /// <summary>The largest number of nodes of which each watches all others.</summary>
    public const int FullMesh = 16;

    /// <summary>How many rings there are.</summary>
    public const int Rings = 4;

    /// <summary>The nodes that a node watches, and is watched by.</summary>
    /// <param name="node">The node, one of <paramref name="nodes"/> or not.</param>
    /// <param name="nodes">All nodes' names, in any order.</param>
    public static IReadOnlySet<string> Of(string node, IReadOnlyCollection<string> nodes)
    {
        var others = new HashSet<string>(nodes, StringComparer.Ordinal);
        others.Remove(node);
        if (others.Count < FullMesh)
            return others;

        var watched = new HashSet<string>(StringComparer.Ordinal);
        Span<ulong> own = stackalloc ulong[Rings];
        Span<ulong> places = stackalloc ulong[Rings];
        Place(node, own);
        var before = new (ulong Distance, string Node)[Rings];
        var behind = new (ulong Distance, string Node)[Rings];
        Array.Fill(before, (ulong.MaxValue, ""));
        Array.Fill(behind, (ulong.MaxValue, ""));
        foreach (var other in others)
        {
            Place(other, places);
            for (var ring = 0; ring < Rings; ring++)
            {
                Nearer(ref behind[ring], unchecked(places[ring] - own[ring]), other);
                Nearer(ref before[ring], unchecked(own[ring] - places[ring]), other);
            }
        }

        for (var ring = 0; ring < Rings; ring++)
        {
            watched.Add(before[ring].Node);
            watched.Add(behind[ring].Node);
        }

        return watched;
    }

    // Two names in one place would need equal 8 bytes of their hashes.
    private static void Nearer(ref (ulong Distance, string Node) nearest, ulong distance, string node)
    {
        if (distance < nearest.Distance)
            nearest = (distance, node);
    }

    private static void Place(string node, Span<ulong> places)
    {
        Span<byte> digest = stackalloc byte[SHA256.HashSizeInBytes];
        SHA256.HashData(Encoding.UTF8.GetBytes(node), digest);
        for (var ring = 0; ring < Rings; ring++)
            places[ring] = BinaryPrimitives.ReadUInt64BigEndian(digest[(ring * sizeof(ulong))..]);
    }
}

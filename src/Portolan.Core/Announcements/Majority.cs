using System.Security.Cryptography;
using System.Text;
using Portolan.Core.Cluster;

namespace Portolan.Core.Announcements;

/// <summary>On which side of a partition addresses are announced where a policy asks for a majority (<c>requireMajority</c>).</summary>
public static class Majority
{
    /// <summary>With fewer nodes it is not asked for: of two, each would be cut off as soon as the other is down.</summary>
    public const int FewestNodes = 3;

    /// <summary>
    /// Whether the living speakers are on the side that announces: more than half of the nodes, or half of them and among those the node whose
    /// name has the lowest SHA-256. Always so with fewer than <see cref="FewestNodes"/> nodes.
    /// </summary>
    /// <param name="nodes">The nodes as last known; a node without a speaker counts as cut off.</param>
    /// <param name="living">The nodes whose speakers live, by name.</param>
    public static bool IsHeld(IReadOnlyList<NodeFacts> nodes, IReadOnlySet<string> living)
    {
        if (nodes.Count < FewestNodes)
            return true;
        var present = nodes.Count(node => living.Contains(node.Name));
        return 2 * present != nodes.Count ? 2 * present > nodes.Count : living.Contains(Lowest(nodes));
    }

    private static string Lowest(IReadOnlyList<NodeFacts> nodes)
    {
        var (lowest, least) = ("", (byte[]?)null);
        foreach (var node in nodes)
        {
            var digest = SHA256.HashData(Encoding.UTF8.GetBytes(node.Name));
            if (least is null || digest.AsSpan().SequenceCompareTo(least) < 0)
                (lowest, least) = (node.Name, digest);
        }

        return lowest;
    }
}

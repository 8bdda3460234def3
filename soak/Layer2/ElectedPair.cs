using System.Security.Cryptography;
using System.Text;

namespace Portolan.Soak.Layer2;

/// <summary>Two addresses that MetalLB's hash gives to the same nodes in the same order: one fault takes both from their holders.</summary>
/// <param name="First">The node that has them while all are well.</param>
/// <param name="Ours">Of the lab's pool.</param>
/// <param name="Peers">Of no pool.</param>
internal readonly record struct ElectedPair(string First, string Ours, string Peers)
{
    /// <summary>A pair for each node that comes first.</summary>
    public static IReadOnlyList<ElectedPair> ForEachOf(IReadOnlyList<string> nodes)
    {
        var peers = Enumerable.Range(130, 100).Select(Address).ToList();
        var pairs = new Dictionary<string, ElectedPair>(StringComparer.Ordinal);
        foreach (var ours in Enumerable.Range(240, 10).Select(Address))
        {
            var order = Order(nodes, ours);
            if (pairs.ContainsKey(order[0]))
                continue;
            var peer = peers.First(address => Order(nodes, address).SequenceEqual(order));
            peers.Remove(peer);
            pairs[order[0]] = new ElectedPair(order[0], ours, peer);
        }

        return [.. pairs.Values];
    }

    private static string Address(int number) => $"192.168.100.{number}";

    private static List<string> Order(IReadOnlyList<string> nodes, string address) =>
        [.. nodes.OrderBy(node => Convert.ToHexString(SHA256.HashData(Encoding.UTF8.GetBytes($"{node}#{address}"))), StringComparer.Ordinal)];
}

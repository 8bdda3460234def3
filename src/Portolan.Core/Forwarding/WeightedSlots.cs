using System.Numerics;
using System.Runtime.InteropServices;

namespace Portolan.Core.Forwarding;

/// <summary>
/// Turns weights into slots of equal probability: a real server of weight 3 has three where one of weight 1 has one. Where the weights would
/// take too many slots, shares are rounded: nobody who has a weight loses all, and nobody's number of slots is more than one off.
/// </summary>
internal static class WeightedSlots
{
    /// <summary>At most this many slots, or <see cref="SlotsEach"/> for each real server where that is more: a share is within 0.1 % of all connections.</summary>
    internal const int MaxSlots = 1024;

    /// <summary>See <see cref="MaxSlots"/>.</summary>
    internal const int SlotsEach = 8;

    /// <summary>More real servers than this have equal shares, or their slots would be too many to count.</summary>
    internal const int MaxServers = 4096;

    /// <summary>For each slot the index of its real server; null where each has one.</summary>
    /// <param name="weights">0 or more each, in sum at least 1.</param>
    internal static ushort[]? Of(ReadOnlySpan<int> weights)
    {
        if (!weights.ContainsAnyExcept(weights[0]) || weights.Length > MaxServers)
            return null;
        var divisor = 0;
        var sum = 0L;
        foreach (var weight in weights)
        {
            divisor = (int)BigInteger.GreatestCommonDivisor(divisor, weight);
            sum += weight;
        }

        var limit = Math.Max(MaxSlots, SlotsEach * weights.Length);
        var counts = sum / divisor <= limit ? Exact(weights, divisor) : Rounded(weights, sum, limit);
        var slots = new List<ushort>(limit);
        for (var i = 0; i < counts.Length; i++)
        {
            for (var n = 0; n < counts[i]; n++)
                slots.Add((ushort)i);
        }

        return [.. slots];
    }

    private static int[] Exact(ReadOnlySpan<int> weights, int divisor)
    {
        var counts = new int[weights.Length];
        for (var i = 0; i < counts.Length; i++)
            counts[i] = weights[i] / divisor;
        return counts;
    }

    // The largest remainders get what rounding down left over; ties go to the first, the same on every node.
    private static int[] Rounded(ReadOnlySpan<int> weights, long sum, int limit)
    {
        var counts = new int[weights.Length];
        var remainders = new List<(long Remainder, int Index)>(weights.Length);
        var left = limit;
        for (var i = 0; i < counts.Length; i++)
        {
            var (count, remainder) = Math.DivRem((long)weights[i] * limit, sum);
            if (count == 0 && weights[i] > 0)
                (count, remainder) = (1, 0);
            counts[i] = (int)count;
            left -= counts[i];
            remainders.Add((-remainder, i));
        }

        remainders.Sort();
        foreach (var (remainder, index) in CollectionsMarshal.AsSpan(remainders))
        {
            if (left <= 0 || remainder == 0)
                break;
            counts[index]++;
            left--;
        }

        return counts;
    }
}

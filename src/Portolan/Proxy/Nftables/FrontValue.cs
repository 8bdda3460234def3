using System.Globalization;
using Portolan.Core.Forwarding;

namespace Portolan.Proxy.Nftables;

/// <summary>
/// What a front is mapped to: <c>0xSSSSSMAA</c>, the real server set, what becomes of the client's address, and the action.
/// Plain numbers, because adding an element with a <c>goto</c> makes the kernel check every verdict of the table again.
/// </summary>
internal static class FrontValue
{
    /// <summary>The action: a number of real servers to balance over, or one of the constants.</summary>
    internal const uint ActionMask = 0xff;

    /// <summary>Answer with ICMP port unreachable.</summary>
    internal const uint Refuse = 0xf0;

    /// <summary>Answer nothing.</summary>
    internal const uint Drop = 0xf1;

    /// <summary>Clients inside the cluster and outside it get different real servers.</summary>
    internal const uint ExternalLocal = 0xf2;

    /// <summary>A <see cref="MasqueradePolicy"/>.</summary>
    internal const uint SourceMask = 0xf00;

    /// <summary>The real server set.</summary>
    internal const uint SetMask = 0xfffff000;

    /// <summary>In a set's number: the real servers of this node only.</summary>
    internal const uint LocalSet = 0x1000;

    /// <summary>The distance between two Service ports, which have two sets each.</summary>
    internal const uint PortStep = 0x2000;

    /// <summary>Up to this number of real servers there is a chain with exactly that modulus.</summary>
    internal const int ExactCounts = 64;

    /// <summary>A set has at most this many real servers.</summary>
    internal const int MaxCount = 65536;

    /// <summary>The moduli above <see cref="ExactCounts"/>: four a doubling.</summary>
    internal static readonly int[] Ladder = [.. Enumerable.Range(1, 40).Select(step => (int)Math.Round(ExactCounts * Math.Pow(2, step / 4.0)))];

    internal static uint Of(uint set, MasqueradePolicy source, uint action) => set | Source(source) | action;

    internal static uint Source(MasqueradePolicy policy) => (uint)policy << 8;

    /// <summary>The action that balances over a number of real servers (1..65536).</summary>
    internal static uint Balance(int count)
    {
        if (count <= ExactCounts)
            return (uint)count;
        var rung = Array.BinarySearch(Ladder, count);
        return (uint)(ExactCounts + 1 + (rung >= 0 ? rung : ~rung));
    }

    /// <summary>The chain of a modulus.</summary>
    internal static string Chain(int modulus, bool cluster) => (cluster ? "internal-" : "pick-") + modulus.ToString(CultureInfo.InvariantCulture);
}

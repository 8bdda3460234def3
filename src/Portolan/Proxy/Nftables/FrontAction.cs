using Portolan.Core.Forwarding;

namespace Portolan.Proxy.Nftables;

/// <summary>What is done with a packet for a front: a number of real servers to choose from, or one of the constants. At most 0xff, but for a first action with its time (<see cref="WithTime"/>).</summary>
internal static class FrontAction
{
    /// <summary>Answer with ICMP port unreachable.</summary>
    internal const uint Refuse = 0xf0;

    /// <summary>Answer nothing.</summary>
    internal const uint Drop = 0xf1;

    /// <summary>Clients inside the cluster and outside it get different real servers.</summary>
    internal const uint ExternalLocal = 0xf2;

    /// <summary>As <see cref="ExternalLocal"/>, and either kind of client comes back to its real server.</summary>
    internal const uint ExternalLocalAffinity = 0xf3;

    /// <summary>A client comes back to the real server it had.</summary>
    internal const uint Affinity = 0xf4;

    /// <summary>Only clients within the source ranges come in.</summary>
    internal const uint Filter = 0xf5;

    /// <summary>As <see cref="Affinity"/>, and the client's address is replaced by the node's.</summary>
    internal const uint AffinityMasquerade = 0xf6;

    /// <summary>Leave the connection to IPVS.</summary>
    internal const uint Pass = 0xf7;

    /// <summary>As <see cref="Pass"/>, and the client's address is replaced by the node's.</summary>
    internal const uint PassMasquerade = 0xf8;

    private const uint StageMask = 0xff;
    private const int TimeShift = 8;
    private const uint FirstMaglev = 0x70;
    private const uint MasqueradeOffset = 0x78;

    /// <summary>Up to this number of real servers there is a chain with exactly that modulus.</summary>
    internal const int ExactCounts = 64;

    // A modulus is at worst 19 % too large, so a draw misses at most once in six; three in a row miss once in 250, and then the next rule favours some slightly.
    private const int DrawsOfLadder = 3;

    /// <summary>A set has at most this many real servers.</summary>
    internal const int MaxCount = 65536;

    /// <summary>The moduli above <see cref="ExactCounts"/>: four a doubling.</summary>
    internal static readonly int[] Ladder = [.. Enumerable.Range(1, 40).Select(step => (int)Math.Round(ExactCounts * Math.Pow(2, step / 4.0)))];

    /// <summary>The action that balances over a number of real servers (1..65536).</summary>
    internal static uint Balance(int count)
    {
        if (count <= ExactCounts)
            return (uint)count;
        var rung = Array.BinarySearch(Ladder, count);
        return (uint)(ExactCounts + 1 + (rung >= 0 ? rung : ~rung));
    }

    /// <summary>The same choice of a real server (<see cref="Balance"/>, <see cref="Maglev"/>), and the client's address is replaced by the node's.</summary>
    internal static uint Masqueraded(uint action) => action < MasqueradeOffset ? action + MasqueradeOffset : action;

    /// <summary>The choice without what becomes of the client's address.</summary>
    internal static uint Choice(uint action) => action is > MasqueradeOffset and < Refuse ? action - MasqueradeOffset : action;

    /// <summary>A first action with the time of affinity that it needs at hand; any other as it is.</summary>
    internal static uint WithTime(uint stage, int seconds) =>
        stage is Affinity or AffinityMasquerade or ExternalLocalAffinity ? stage | ((uint)seconds << TimeShift) : stage;

    /// <summary>The action without a time.</summary>
    internal static uint Stage(uint action) => action & StageMask;

    /// <summary>The time of an action that has one, in seconds; otherwise 0.</summary>
    internal static int Time(uint action) => (int)(action >> TimeShift);

    /// <summary>Whether the action chooses a real server.</summary>
    internal static bool IsChoice(uint action) => Choice(action) is var choice && (IsMaglev(choice) || (choice > 0 && choice <= ExactCounts + (uint)Ladder.Length));

    /// <summary>The moduli that a choice draws with, one after the other until a draw finds a real server; null where it does not draw.</summary>
    internal static int[]? Draws(uint choice)
    {
        if (IsMaglev(choice))
            return null;
        if (choice <= ExactCounts)
            return [(int)choice];
        var rung = (int)choice - ExactCounts - 1;
        return [.. Enumerable.Repeat(Ladder[rung], DrawsOfLadder), rung == 0 ? ExactCounts + 1 : Ladder[rung - 1] + 1];
    }

    /// <summary>The action that looks the client up in a table of one of <see cref="MaglevTable.Sizes"/>.</summary>
    internal static uint Maglev(int size)
    {
        var action = FirstMaglev;
        foreach (var other in MaglevTable.Sizes)
        {
            if (other < size)
                action++;
        }

        return action;
    }

    /// <summary>Whether the action is one of <see cref="Maglev"/>.</summary>
    internal static bool IsMaglev(uint action) => action >= FirstMaglev && action < FirstMaglev + MaglevTable.Sizes.Count;

    /// <summary>The size of the table of a choice that <see cref="IsMaglev"/>.</summary>
    internal static int MaglevSize(uint choice) => MaglevTable.Sizes[(int)(choice - FirstMaglev)];
}

/// <summary>The chains that choose a real server come in three kinds.</summary>
internal enum PickKind
{
    /// <summary>Of the front's own set.</summary>
    Plain,

    /// <summary>Of the front's own set, and the client's address is replaced by the node's.</summary>
    Masquerade,

    /// <summary>Of the cluster's set, although the front's own is this node's.</summary>
    Internal,
}

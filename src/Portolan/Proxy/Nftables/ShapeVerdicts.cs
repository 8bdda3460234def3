using Portolan.Core.Forwarding;
using Portolan.Linux.Nftables;

namespace Portolan.Proxy.Nftables;

/// <summary>What the verdict maps say.</summary>
internal static class ShapeVerdicts
{
    /// <summary>The elements that are always there.</summary>
    internal static Dictionary<(string Map, uint Number), NftVerdict> Constant()
    {
        var verdicts = new Dictionary<(string Map, uint Number), NftVerdict>();
        Picks(ShapeSets.Actions, 0, PickKind.Plain);
        Picks(ShapeSets.Actions, 0, PickKind.Masquerade);
        Picks(ShapeSets.FilteredActions, 16, PickKind.Plain);
        Picks(ShapeSets.FilteredActions, 16, PickKind.Masquerade);
        Picks(ShapeSets.ExternalActions, 8, PickKind.Plain);
        Picks(ShapeSets.InternalActions, 0, PickKind.Internal);

        // Each stage only where it can come: the kernel refuses verdicts that could lead in a circle.
        foreach (var (map, shift) in (ReadOnlySpan<(string, int)>)[(ShapeSets.Actions, 0), (ShapeSets.FilteredActions, 16)])
        {
            verdicts[(map, FrontAction.ExternalLocal << shift)] = Goto("external-local");
            verdicts[(map, FrontAction.ExternalLocalAffinity << shift)] = Goto("external-local-affinity");
            verdicts[(map, FrontAction.Affinity << shift)] = Goto("affinity");
            verdicts[(map, FrontAction.AffinityMasquerade << shift)] = Goto("affinity-masquerade");
        }

        verdicts[(ShapeSets.Actions, FrontAction.Filter)] = Goto("source-ranges");
        return verdicts;

        void Picks(string map, int shift, PickKind kind)
        {
            foreach (var modulus in Enumerable.Range(1, FrontAction.ExactCounts).Concat(FrontAction.Ladder))
                verdicts[(map, Number(FrontAction.Balance(modulus)))] = Goto(FrontAction.Chain(modulus, kind));
            foreach (var size in MaglevTable.Sizes)
                verdicts[(map, Number(FrontAction.Maglev(size)))] = Goto(FrontAction.MaglevChain(size, kind));
            verdicts[(map, FrontAction.Refuse << shift)] = Goto("refuse");
            verdicts[(map, FrontAction.Drop << shift)] = new NftVerdict(NftVerdictCode.Drop);

            uint Number(uint action) => (kind is PickKind.Masquerade ? FrontAction.Masqueraded(action) : action) << shift;
        }
    }

    /// <summary>The elements that a time of session affinity needs.</summary>
    internal static ((string Map, uint Number) Key, NftVerdict Verdict) OfAffinity(int seconds) =>
        ((ShapeSets.AffinityTimes, (uint)seconds), Goto(AffinityTime.Chain(seconds)));

    private static NftVerdict Goto(string chain) => new(NftVerdictCode.Goto, chain);
}

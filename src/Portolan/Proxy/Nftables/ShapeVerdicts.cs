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
        foreach (var (map, shift, cluster) in (ReadOnlySpan<(string, int, bool)>)
            [(ShapeSets.Actions, 0, false), (ShapeSets.FilteredActions, 16, false), (ShapeSets.ExternalActions, 8, false), (ShapeSets.InternalActions, 0, true)])
        {
            foreach (var modulus in Enumerable.Range(1, FrontAction.ExactCounts).Concat(FrontAction.Ladder))
                verdicts[(map, FrontAction.Balance(modulus) << shift)] = Goto(FrontAction.Chain(modulus, cluster));
            foreach (var size in MaglevTable.Sizes)
                verdicts[(map, FrontAction.Maglev(size) << shift)] = Goto(FrontAction.MaglevChain(size, cluster));
            verdicts[(map, FrontAction.Refuse << shift)] = Goto("refuse");
            verdicts[(map, FrontAction.Drop << shift)] = new NftVerdict(NftVerdictCode.Drop);
        }

        // Each stage only where it can come: the kernel refuses verdicts that could lead in a circle.
        foreach (var (map, shift) in (ReadOnlySpan<(string, int)>)[(ShapeSets.Actions, 0), (ShapeSets.FilteredActions, 16)])
        {
            verdicts[(map, FrontAction.ExternalLocal << shift)] = Goto("external-local");
            verdicts[(map, FrontAction.ExternalLocalAffinity << shift)] = Goto("external-local-affinity");
            verdicts[(map, FrontAction.Affinity << shift)] = Goto("affinity");
        }

        verdicts[(ShapeSets.Actions, FrontAction.Filter)] = Goto("source-ranges");
        foreach (var policy in Enum.GetValues<MasqueradePolicy>())
            verdicts[(ShapeSets.Sources, FrontValue.SourceOf(policy, 0))] = Goto(SourceChain(policy));
        return verdicts;
    }

    /// <summary>The elements that a time of session affinity needs.</summary>
    internal static IEnumerable<((string Map, uint Number) Key, NftVerdict Verdict)> OfAffinity(int seconds)
    {
        foreach (var policy in Enum.GetValues<MasqueradePolicy>())
        {
            var number = FrontValue.SourceOf(policy, seconds);
            yield return ((ShapeSets.Sources, number), Goto(AffinityTime.Chain(seconds, SourceChain(policy))));
            yield return ((ShapeSets.LocalAffinity, number), Goto(AffinityTime.Chain(seconds)));
        }
    }

    /// <summary>What becomes of the client's address.</summary>
    internal static string SourceChain(MasqueradePolicy policy) => policy switch
    {
        MasqueradePolicy.Never => "keep",
        MasqueradePolicy.Always => "masquerade",
        MasqueradePolicy.OffCluster => "masquerade-off-cluster",
        _ => "masquerade-node",
    };

    private static NftVerdict Goto(string chain) => new(NftVerdictCode.Goto, chain);
}

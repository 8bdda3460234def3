using Portolan.Linux.Nftables;

namespace Portolan.Proxy.Nftables;

/// <summary>What the verdict maps say.</summary>
internal static class ShapeVerdicts
{
    /// <summary>The elements that are always there: refusals, and the stages that come before a real server is chosen.</summary>
    /// <param name="leavesToIpvs">Connections are left to IPVS.</param>
    internal static Dictionary<(string Map, uint Number), NftVerdict> Constant(bool leavesToIpvs)
    {
        var verdicts = new Dictionary<(string Map, uint Number), NftVerdict>();
        foreach (var (map, shift, stages) in (ReadOnlySpan<(string, int, bool)>)
        [
            (ShapeSets.Actions, 0, true), (ShapeSets.FilteredActions, 16, true), (ShapeSets.ExternalActions, 8, false), (ShapeSets.InternalActions, 0, false),
            (ShapeSets.NodePortActions, 0, true), (ShapeSets.NodePortExternalActions, 8, false), (ShapeSets.NodePortInternalActions, 0, false),
        ])
        {
            verdicts[(map, FrontAction.Refuse << shift)] = Goto("refuse");
            verdicts[(map, FrontAction.Drop << shift)] = new NftVerdict(NftVerdictCode.Drop);
            if (leavesToIpvs)
            {
                verdicts[(map, FrontAction.Pass << shift)] = new NftVerdict(NftVerdictCode.Accept);
                verdicts[(map, FrontAction.PassMasquerade << shift)] = Goto(Shape.LeavingChain);
            }

            // Each stage only where it can come: the kernel refuses verdicts that could lead in a circle.
            if (!stages)
                continue;
            verdicts[(map, FrontAction.ExternalLocal << shift)] = Goto("external-local");

            // Where a front has affinity at once, its action carries the time.
            if (map != ShapeSets.FilteredActions)
                continue;
            verdicts[(map, FrontAction.ExternalLocalAffinity << shift)] = Goto("external-local-affinity");
            verdicts[(map, FrontAction.Affinity << shift)] = Goto("affinity");
            verdicts[(map, FrontAction.AffinityMasquerade << shift)] = Goto("affinity-hide");
        }

        verdicts[(ShapeSets.Actions, FrontAction.Filter)] = Goto("source-ranges");
        return verdicts;
    }

    internal static NftVerdict Goto(string chain) => new(NftVerdictCode.Goto, chain);
}

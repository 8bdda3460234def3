using Microsoft.Extensions.Logging;

namespace Portolan.Proxy.Cleanup;

/// <summary>What is said of kube-proxy's chains as they go, the same for both kinds of iptables.</summary>
internal static class LeftoverWarnings
{
    internal static void Kept(ILogger log, string family, string table, ChainRemoval removal)
    {
        foreach (var reference in removal.Kept.DistinctBy(reference => (reference.From, reference.To)))
            log.LogWarning("left kube-proxy's chain {Chain} of {Family} {Table} where it is: a rule in {From} leads to it", reference.To, family, table, reference.From);
    }

    internal static void Removed(ILogger log, string family, string table, ChainRemoval removal, bool dropsForwarded)
    {
        log.LogInformation("removed kube-proxy's {Chains} chains of {Family} {Table}", removal.Chains.Count, family, table);
        // A verdict of our table cannot overrule another table's drop: what kube-proxy accepted in iptables is then accepted by nobody.
        if (dropsForwarded && removal.TakesForwardAccept)
        {
            log.LogWarning(
                "the FORWARD chain of {Family} {Table} drops what no rule accepts, and kube-proxy's KUBE-FORWARD, which accepted traffic of Services, is gone: "
                + "accept it there, such as by iptables -A FORWARD -m conntrack --ctstate DNAT,RELATED,ESTABLISHED -j ACCEPT", family, table);
        }
    }
}

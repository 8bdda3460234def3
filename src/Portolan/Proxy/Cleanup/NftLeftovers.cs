using Microsoft.Extensions.Logging;
using Portolan.Linux.Netlink;
using Portolan.Linux.Nftables;

namespace Portolan.Proxy.Cleanup;

/// <summary>What kube-proxy left in nftables: its own tables, and its chains in the tables that the nftables variant of <c>iptables</c> keeps.</summary>
internal sealed class NftLeftovers(NftConnection nftables, ILogger log)
{
    private const string Table = "kube-proxy";
    private const int Attempts = 5;

    // The kernel stops for the length of a transaction: many small ones are kinder than one of a hundred thousand chains.
    private const int ChainsInTransaction = 500;

    /// <summary>Deletes the table that kube-proxy's nftables mode keeps.</summary>
    /// <exception cref="NetlinkException">The kernel refused.</exception>
    internal void RemoveTable(NftFamily family)
    {
        if (!nftables.HasTable(family, Table))
            return;
        var batch = new NftBatch(family, Table);
        batch.DeleteTable();
        nftables.Commit(batch, $"delete kube-proxy's nftables table of {family}");
        log.LogInformation("removed kube-proxy's nftables table of {Family}", family);
    }

    /// <summary>Deletes kube-proxy's chains from a table of iptables, and nothing else.</summary>
    /// <exception cref="NetlinkException">The kernel refused.</exception>
    internal void RemoveChains(NftFamily family, string table)
    {
        for (var attempt = 1; ; attempt++)
        {
            try
            {
                RemoveChainsOnce(family, table);
                return;
            }
            catch (NetlinkException e) when (e.Errno is Errors.Restart or Errors.NotFound or Errors.Busy && attempt < Attempts)
            {
                // Somebody else changed the ruleset meanwhile: look again.
            }
        }
    }

    private void RemoveChainsOnce(NftFamily family, string table)
    {
        var generation = nftables.Generation();
        var graph = NftChainGraph.Read(nftables, family, table);
        // The rules are many: they are read only where there is something to remove.
        if (!graph.Chains.Any(chain => KubeProxyChains.Contains(table, chain)))
            return;
        var references = NftChainGraph.Jumps(nftables, family, table).ConvertAll(jump => new ChainReference(jump.From, jump.To, jump.Handle));
        var removal = ChainRemoval.Of(table, graph.Chains, references);
        LeftoverWarnings.Kept(log, family.ToString(), table, removal);
        if (removal.IsEmpty)
            return;

        // First the ways in, at once; then nothing reaches the rest, and it can go piece by piece.
        var batch = new NftBatch(family, table);
        batch.Reset(generation);
        foreach (var entry in removal.Entries)
            batch.DeleteRule(entry.From, entry.Rule);
        nftables.Commit(batch, $"detach kube-proxy's chains from {table}");
        foreach (var some in removal.Chains.Chunk(ChainsInTransaction))
        {
            batch.Reset();
            foreach (var chain in some)
                batch.FlushChain(chain);
            nftables.Commit(batch, $"empty kube-proxy's chains of {table}");
        }

        foreach (var some in removal.Chains.Chunk(ChainsInTransaction))
        {
            batch.Reset();
            foreach (var chain in some)
                batch.DeleteChain(chain);
            nftables.Commit(batch, $"delete kube-proxy's chains of {table}");
        }

        LeftoverWarnings.Removed(log, family.ToString(), table, removal, graph.DroppingChains.Contains("FORWARD"));
    }
}

using System.Net.Sockets;
using Microsoft.Extensions.Logging;
using Portolan.Linux.Xtables;

namespace Portolan.Proxy.Cleanup;

/// <summary>What kube-proxy left in the legacy iptables.</summary>
internal sealed class XtLeftovers(XtConnection xtables, AddressFamily family, ILogger log)
{
    private const int Attempts = 5;

    // The programs of iptables keep each other out by this file; the kernel alone notices only a different number of rules.
    private const string LockFile = "/run/xtables.lock";

    /// <summary>Takes kube-proxy's chains, and the rules that lead into them, out of a table. The table is replaced in one step.</summary>
    /// <exception cref="SocketException">The kernel refused.</exception>
    internal void RemoveChains(string table)
    {
        if (!xtables.Tables.Contains(table))
            return;
        using var turn = TakeTurn();
        for (var attempt = 1; ; attempt++)
        {
            try
            {
                RemoveChainsOnce(table);
                return;
            }
            catch (SocketException e) when (e.SocketErrorCode is SocketError.WouldBlock or SocketError.TryAgain && attempt < Attempts)
            {
                // Somebody else changed the table meanwhile: look again.
            }
        }
    }

    private void RemoveChainsOnce(string table)
    {
        if (xtables.Read(table) is not { } found)
            throw new IOException($"the legacy iptables table {table} has a form that is not known here");
        var chains = found.Chains.ToList();
        if (!chains.Exists(chain => KubeProxyChains.Contains(table, chain)))
            return;
        var removal = ChainRemoval.Of(table, chains, [.. found.Jumps.Select(jump => new ChainReference(jump.From, jump.To, (ulong)jump.Entry))]);
        var name = family is AddressFamily.InterNetworkV6 ? "ip6tables-legacy" : "iptables-legacy";
        LeftoverWarnings.Kept(log, name, table, removal);
        if (removal.IsEmpty)
            return;
        xtables.Replace(table, found, found.Without(removal.Entries.Select(entry => (int)entry.Rule).ToHashSet(), removal.Chains.ToHashSet()));
        LeftoverWarnings.Removed(log, name, table, removal, found.Drops("FORWARD"));
    }

    // Where the file cannot be had, as in a container without it, what follows is short enough to go without.
    private static FileStream? TakeTurn()
    {
        for (var attempt = 1; attempt <= 50 && File.Exists(LockFile); attempt++)
        {
            try
            {
                return new FileStream(LockFile, FileMode.Open, FileAccess.ReadWrite, FileShare.None);
            }
            catch (IOException)
            {
                Thread.Sleep(100);
            }
            catch (UnauthorizedAccessException)
            {
                return null;
            }
        }

        return null;
    }
}

using Microsoft.Extensions.Logging.Abstractions;
using Portolan.Core.Addresses;
using Portolan.Hosting;
using Portolan.Linux.Netlink;
using Portolan.Linux.Nftables;
using Portolan.Proxy.Accounting;
using Portolan.Proxy.Nftables;

namespace Portolan.Proxy.Cleanup;

/// <summary>
/// <c>portolan proxy --cleanup</c>: takes our tables out of this node's kernel, and nothing of kube-proxy's, which may by then carry the
/// traffic. Connections that are established go on; the kernel remembers where they were sent.
/// </summary>
internal static class OwnTables
{
    /// <summary>Removes them from the network namespace of the calling thread.</summary>
    /// <param name="output">Told what was removed.</param>
    /// <param name="ipvsExcluded">Virtual servers of IPVS there are somebody else's.</param>
    /// <returns>The exit code.</returns>
    internal static int Remove(TextWriter output, IReadOnlyList<IpPrefix> ipvsExcluded)
    {
        var exitCode = ExitCode.Done;
        var forwardedByIpvs = false;
        foreach (var family in (NftFamily[])[NftFamily.Ip, NftFamily.Ip6])
        {
            try
            {
                using var nftables = NftConnection.Open();
                foreach (var table in (string[])[Shape.Table, AccountShape.Table])
                {
                    if (!nftables.HasTable(family, table))
                        continue;
                    forwardedByIpvs |= table == Shape.Table && nftables.Chains(family, table).Any(chain => chain.Name == Shape.LeavingChain);
                    var batch = new NftBatch(family, table);
                    batch.DeleteTable();
                    nftables.Commit(batch, $"delete table {table}");
                    output.WriteLine($"table {(family is NftFamily.Ip ? "ip" : "ip6")} {table} deleted");
                }
            }
            catch (NetlinkException refusal) when (!refusal.IsNotFound)
            {
                Console.Error.WriteLine($"portolan proxy --cleanup: {refusal.Message}" + (refusal.Errno == Errors.NotPermitted ? ". It needs root." : ""));
                exitCode = ExitCode.NotWell;
            }
        }

        return forwardedByIpvs && !RemoveVirtualServers(output, ipvsExcluded) ? ExitCode.NotWell : exitCode;
    }

    // What our table left to IPVS our virtual servers took, unless a kube-proxy in ipvs mode has taken them over.
    private static bool RemoveVirtualServers(TextWriter output, IReadOnlyList<IpPrefix> excluded)
    {
        try
        {
            using var ipvs = new IpvsLeftovers(excluded, NullLogger.Instance);
            if (ipvs.HasSets())
            {
                output.WriteLine($"virtual servers of IPVS and link {IpvsLeftovers.Link} stay: kube-proxy's ipsets are there, so they are its own by now");
                return true;
            }

            ipvs.RemoveServices();
            ipvs.RemoveLink();
            output.WriteLine($"virtual servers of IPVS and link {IpvsLeftovers.Link} deleted");
            return true;
        }
        catch (NetlinkException refusal)
        {
            Console.Error.WriteLine($"portolan proxy --cleanup: {refusal.Message}");
            return false;
        }
    }
}

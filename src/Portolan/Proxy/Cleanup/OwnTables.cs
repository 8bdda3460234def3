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
    /// <returns>The exit code.</returns>
    internal static int Remove(TextWriter output)
    {
        var exitCode = ExitCode.Done;
        foreach (var family in (NftFamily[])[NftFamily.Ip, NftFamily.Ip6])
        {
            try
            {
                using var nftables = NftConnection.Open();
                foreach (var table in (string[])[Shape.Table, AccountShape.Table])
                {
                    if (!nftables.HasTable(family, table))
                        continue;
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

        return exitCode;
    }
}

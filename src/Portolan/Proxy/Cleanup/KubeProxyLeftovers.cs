using Microsoft.Extensions.Logging;
using Portolan.Linux.Netlink;
using Portolan.Linux.Nftables;

namespace Portolan.Proxy.Cleanup;

/// <summary>
/// What a kube-proxy that ran here before left in the kernel, in whichever mode. It is removed once our own tables are in force, so that
/// there is no gap; what cannot be removed is named in a warning and stays. Everything is read and changed in the network namespace of the
/// thread that made this.
/// </summary>
internal sealed class KubeProxyLeftovers : IDisposable
{
    private readonly NftConnection _nftables = NftConnection.Open();
    private readonly ILogger _log;

    internal KubeProxyLeftovers(ILogger log) => _log = log;

    /// <summary>Removes what there is.</summary>
    /// <returns>Whether all of it is gone.</returns>
    internal bool Remove()
    {
        var isClean = true;
        var nft = new NftLeftovers(_nftables, _log);
        foreach (var family in (NftFamily[])[NftFamily.Ip, NftFamily.Ip6])
        {
            Step(() => nft.RemoveTable(family));
            foreach (var table in KubeProxyChains.Tables)
                Step(() => nft.RemoveChains(family, table));
        }

        return isClean;

        void Step(Action step)
        {
            try
            {
                step();
            }
            catch (Exception failure) when (failure is NetlinkException or IOException or UnauthorizedAccessException)
            {
                isClean = false;
                _log.LogWarning("left behind by kube-proxy, and not removed: {Failure}", failure.Message);
            }
        }
    }

    public void Dispose() => _nftables.Dispose();
}

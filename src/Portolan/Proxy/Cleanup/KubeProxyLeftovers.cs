using System.Net.Sockets;
using Microsoft.Extensions.Logging;
using Portolan.Core.Addresses;
using Portolan.Linux.Netlink;
using Portolan.Linux.Nftables;
using Portolan.Linux.Xtables;

namespace Portolan.Proxy.Cleanup;

/// <summary>
/// What a kube-proxy that ran here before left in the kernel, in whichever mode. It is removed once our own tables are in force, so that
/// there is no gap; what cannot be removed is named in a warning and stays. Everything is read and changed in the network namespace of the
/// thread that made this.
/// </summary>
internal sealed class KubeProxyLeftovers : IDisposable
{
    private readonly NftConnection _nftables = NftConnection.Open();
    private readonly List<(AddressFamily Family, XtConnection Tables)> _xtables = [];
    private readonly IpvsLeftovers _ipvs;
    private readonly ILogger _log;

    /// <param name="ipvsExcluded">Virtual servers of IPVS at these addresses are somebody else's (<c>ipvs.excludeCIDRs</c>).</param>
    /// <param name="log">What was removed, and what could not be.</param>
    internal KubeProxyLeftovers(IReadOnlyList<IpPrefix> ipvsExcluded, ILogger log)
    {
        _log = log;
        _ipvs = new IpvsLeftovers(ipvsExcluded, log);
        foreach (var family in (AddressFamily[])[AddressFamily.InterNetwork, AddressFamily.InterNetworkV6])
        {
            if (XtConnection.TryOpen(family) is { } tables)
                _xtables.Add((family, tables));
        }
    }

    /// <summary>Virtual servers of IPVS and the link with their addresses are ours now, and stay.</summary>
    internal bool KeepsIpvs { get; init; }

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

        foreach (var (family, tables) in _xtables)
        {
            var legacy = new XtLeftovers(tables, family, _log);
            foreach (var table in KubeProxyChains.Tables)
                Step(() => legacy.RemoveChains(table));
        }

        if (!KeepsIpvs)
        {
            Step(_ipvs.RemoveServices);
            Step(_ipvs.RemoveLink);
        }

        Step(_ipvs.RemoveSets); // the chains' rules use them
        return isClean;

        void Step(Action step)
        {
            try
            {
                step();
            }
            catch (Exception failure) when (failure is NetlinkException or SocketException or IOException or UnauthorizedAccessException)
            {
                isClean = false;
                _log.LogWarning("left behind by kube-proxy, and not removed: {Failure}", failure.Message);
            }
        }
    }

    public void Dispose()
    {
        _nftables.Dispose();
        _ipvs.Dispose();
        foreach (var (_, tables) in _xtables)
            tables.Dispose();
    }
}

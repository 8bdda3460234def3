using Microsoft.Extensions.Logging;
using Portolan.Core.Addresses;
using Portolan.Core.Forwarding;
using Portolan.Linux.Ipvs;
using Portolan.Linux.Links;
using Portolan.Linux.Netlink;
using Portolan.Proxy.Configuration;

namespace Portolan.Proxy.Ipvs;

/// <summary>
/// Forwards by IPVS: virtual servers, and a link that makes their addresses this machine's. What IPVS cannot decide the nftables tables do
/// (<see cref="Nftables.TableSettings.LeavesToIpvs"/>), so each change has an order: nothing is reachable that these do not yet know.
/// </summary>
internal sealed class IpvsForwarder : IDisposable
{
    private readonly IpvsTable _table;
    private readonly ServiceLink _link = new();
    private HashSet<IpAddress> _own = [];

    private IpvsForwarder(IpvsConnection connection, IpvsSettings settings, ILogger log) => _table = new IpvsTable(connection, settings, log);

    /// <summary>Opens what it needs, in the network namespace of the calling thread.</summary>
    /// <returns>Null where the kernel has no IPVS.</returns>
    /// <exception cref="NetlinkException">The kernel refused.</exception>
    internal static IpvsForwarder? TryOpen(IpvsSettings settings, ILogger log) =>
        IpvsConnection.TryLoad() is { } connection ? new IpvsForwarder(connection, settings, log) : null;

    /// <summary>Sets how long IPVS remembers connections, where that is asked for.</summary>
    /// <exception cref="NetlinkException">The kernel refused.</exception>
    internal void Set(IpvsOptions options) => _table.Set(new IpvsTimeouts((uint)options.TcpTimeout.TotalSeconds, (uint)options.TcpFinTimeout.TotalSeconds, (uint)options.UdpTimeout.TotalSeconds));

    /// <summary>Real servers that get no new connections and wait for the end of those they have.</summary>
    internal int Draining => _table.Draining;

    /// <summary>Addresses of Services that are this node's otherwise, too.</summary>
    internal IReadOnlySet<IpAddress> OwnAddresses => _own;

    /// <summary>Tells the node's addresses. They take effect with the next <see cref="Reconcile"/>.</summary>
    /// <param name="links">All links and their addresses.</param>
    /// <param name="isNodePortAddress">Whether node ports answer at an address.</param>
    internal void Set(LinkSnapshot links, Func<IpAddress, bool> isNodePortAddress)
    {
        var link = links.Find(ServiceLink.Name)?.Index;
        var own = links.Addresses.Where(there => there.Link != link).ToList();
        var addresses = own.Where(there => !there.Address.IsIPv6LinkLocal && !System.Net.IPAddress.IsLoopback(there.Address)).Select(there => IpAddress.From(there.Address)).Distinct().Order().ToList();
        IpAddress[] nodePorts = [.. addresses.Where(isNodePortAddress)];
        _own = [.. addresses];
        _table.Settings = _table.Settings with { NodePortAddresses = nodePorts };
    }

    /// <summary>Compares everything with the kernel and makes the difference.</summary>
    /// <param name="plans">Every plan in force.</param>
    /// <returns>The number of changes.</returns>
    /// <exception cref="NetlinkException">The kernel refused.</exception>
    internal int Reconcile(IReadOnlyCollection<ServicePortPlan> plans) => _table.Reconcile(plans) + _link.Reconcile(plans, _own);

    /// <summary>Brings the kernel from what it was last told to what is wanted now.</summary>
    /// <param name="changes">What is different.</param>
    /// <param name="between">Changes the nftables tables, when what goes is gone and before what comes is there.</param>
    /// <returns>The number of changes, without theirs.</returns>
    /// <exception cref="NetlinkException">The kernel refused: <see cref="Reconcile"/> is due.</exception>
    internal int Apply(IReadOnlyCollection<ServicePortChange> changes, Action between)
    {
        var (before, after) = (new IpvsRows(), new IpvsRows());
        foreach (var change in changes)
        {
            if (change.Old is { } old)
                before.Add(old, _table.Settings);
            if (change.New is { } now)
                after.Add(now, _table.Settings);
        }

        var (gone, added) = _link.Follow(changes, _own);
        var count = _link.Change(gone, []) + _table.Remove(before, after);
        between();
        return count + _table.Apply(before, after) + _link.Change([], added);
    }

    /// <summary>Deletes the real servers whose last connection has ended.</summary>
    /// <exception cref="NetlinkException">The kernel refused: <see cref="Reconcile"/> is due.</exception>
    internal void Drain() => _table.Drain();

    public void Dispose()
    {
        _table.Dispose();
        _link.Dispose();
    }
}

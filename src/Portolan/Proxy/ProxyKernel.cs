using System.Net.Sockets;
using Microsoft.Extensions.Logging;
using Portolan.Core.Addresses;
using Portolan.Core.Forwarding;
using Portolan.Linux.Conntrack;
using Portolan.Linux.Netlink;
using Portolan.Linux.Nftables;
using Portolan.Proxy.Nftables;

namespace Portolan.Proxy;

/// <summary>What the proxy does to the kernel, in the network namespace of the thread that made it: the two tables, and the flows of UDP.</summary>
internal sealed class ProxyKernel : IDisposable
{
    private readonly NftConnection _nftables;
    private readonly ConntrackConnection _conntrack;
    private readonly List<NftablesTable> _tables = [];
    private readonly ILogger _log;

    internal ProxyKernel(IReadOnlyList<IpPrefix> clusterCidrs, IReadOnlyList<IpPrefix> nodePortAddresses, ILogger log)
    {
        _log = log;
        _nftables = NftConnection.Open();
        _conntrack = ConntrackConnection.Open();
        ForeignChanges = NftNotifications.Open(Shape.Table, _nftables.PortId);
        _tables.Add(new NftablesTable(_nftables, IpFamily.IPv4, clusterCidrs, nodePortAddresses));
        if (Socket.OSSupportsIPv6)
            _tables.Add(new NftablesTable(_nftables, IpFamily.IPv6, clusterCidrs, nodePortAddresses));
    }

    /// <summary>What others do to our tables.</summary>
    internal NftNotifications ForeignChanges { get; }

    /// <summary>Compares everything with the kernel and writes the difference.</summary>
    /// <returns>The number of messages sent.</returns>
    /// <exception cref="NetlinkException">The kernel refused.</exception>
    internal int Reconcile(IReadOnlyList<ServicePortPlan> plans)
    {
        var messages = 0;
        foreach (var table in _tables)
            messages += table.Reconcile(plans);
        EndStaleFlows(plans);
        return messages;
    }

    /// <summary>Brings the kernel from what it was last told to what is wanted now.</summary>
    /// <returns>The number of elements that changed.</returns>
    /// <exception cref="NetlinkException">The kernel refused: <see cref="Reconcile"/> is due.</exception>
    internal int Apply(IReadOnlyList<ServicePortChange> changes)
    {
        var elements = 0;
        foreach (var table in _tables)
            elements += table.Apply(changes);
        EndStaleFlows(changes.Where(change => change.New is not null).Select(change => change.New!));
        return elements;
    }

    // After the new rules are in force, or a packet in between would start the same stale flow again. What fails here leaves flows to
    // time out by themselves; the rules are right in any case.
    private void EndStaleFlows(IEnumerable<ServicePortPlan> plans)
    {
        var stale = new StaleUdpFlows(plans);
        foreach (var family in stale.Families)
        {
            try
            {
                var ended = _conntrack.DeleteWhere(family is IpFamily.IPv4 ? AddressFamily.InterNetwork : AddressFamily.InterNetworkV6, stale.Includes);
                if (ended > 0)
                    _log.LogInformation("ended {Flows} UDP flows whose endpoints are gone", ended);
            }
            catch (NetlinkException failure)
            {
                _log.LogWarning("stale UDP flows are left to time out: {Failure}", failure.Message);
            }
        }
    }

    public void Dispose()
    {
        ForeignChanges.Dispose();
        _conntrack.Dispose();
        _nftables.Dispose();
    }
}

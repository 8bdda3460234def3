using System.Net.Sockets;
using Microsoft.Extensions.Logging;
using Portolan.Core.Addresses;
using Portolan.Core.Forwarding;
using Portolan.Linux.Netlink;
using Portolan.Linux.Nftables;

namespace Portolan.Proxy.Accounting;

/// <summary>
/// Packets and bytes of every real server (<c>--account</c>), in the network namespace of the thread that made it. What fails here is said and
/// put right with the next comparison: forwarding does not depend on it.
/// </summary>
internal sealed class TrafficAccounts : IDisposable
{
    private readonly NftConnection _nftables = NftConnection.Open();
    private readonly List<AccountTable> _tables = [];
    private readonly ILogger _log;
    private bool _isOpen;

    /// <param name="isOn">Otherwise the accounts of an earlier process are closed, and that is all.</param>
    /// <param name="log">For what fails.</param>
    internal TrafficAccounts(bool isOn, ILogger log)
    {
        _log = log;
        if (!isOn)
            return;
        _tables.Add(new AccountTable(_nftables, IpFamily.IPv4));
        if (Socket.OSSupportsIPv6)
            _tables.Add(new AccountTable(_nftables, IpFamily.IPv6));
    }

    internal void Reconcile(IReadOnlyList<ServicePortPlan> plans)
    {
        Attempt(() =>
        {
            foreach (var table in _tables)
                table.Reconcile(plans);
            if (_tables.Count == 0)
                Remove();
        });
    }

    internal void Apply(IReadOnlyList<ServicePortChange> changes)
    {
        if (_isOpen && _tables.Count > 0)
        {
            Attempt(() =>
            {
                foreach (var table in _tables)
                    table.Apply(changes);
            });
        }
    }

    private void Attempt(Action work)
    {
        try
        {
            work();
            _isOpen = true;
        }
        catch (NetlinkException refusal)
        {
            _isOpen = false;
            _log.LogWarning("packets and bytes are not counted until the next comparison: {Refusal}", refusal.Message);
        }
    }

    private void Remove()
    {
        if (_isOpen)
            return;
        foreach (var family in (NftFamily[])[NftFamily.Ip, NftFamily.Ip6])
        {
            if (!_nftables.HasTable(family, AccountShape.Table))
                continue;
            var batch = new NftBatch(family, AccountShape.Table);
            batch.Reset();
            batch.DeleteTable();
            _nftables.Commit(batch, "close the accounts");
        }
    }

    public void Dispose() => _nftables.Dispose();
}

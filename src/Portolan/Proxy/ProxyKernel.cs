using System.Diagnostics;
using System.Net.Sockets;
using Microsoft.Extensions.Logging;
using Portolan.Core.Addresses;
using Portolan.Core.Forwarding;
using Portolan.Linux.Links;
using Portolan.Linux.Netlink;
using Portolan.Linux.Nftables;
using Portolan.Proxy.Accounting;
using Portolan.Proxy.Cleanup;
using Portolan.Proxy.Ipvs;
using Portolan.Proxy.Nftables;

namespace Portolan.Proxy;

/// <summary>What the proxy does to the kernel, in the network namespace of the thread that made it: the two tables, and flows that no rule reaches.</summary>
internal sealed class ProxyKernel : IDisposable
{
    private readonly NftConnection _nftables;
    private readonly List<NftablesTable> _tables = [];
    private readonly ILogger _log;
    private readonly IpvsForwarder? _ipvs;
    private LinkSnapshot? _links;
    private KubeProxyLeftovers? _leftovers;
    private bool _isAffinityFull;
    private bool _isFirst = true;

    /// <param name="settings">What the tables depend on besides the Services.</param>
    /// <param name="log">Told of what is found and done.</param>
    /// <param name="ipvsExcluded">Virtual servers of IPVS there are somebody else's.</param>
    /// <param name="ipvs">Forwards by IPVS; null: nftables forwards.</param>
    internal ProxyKernel(TableSettings settings, ILogger log, IReadOnlyList<IpPrefix>? ipvsExcluded = null, IpvsForwarder? ipvs = null)
    {
        _log = log;
        _ipvs = ipvs;
        _links = ipvs is null ? null : LinkSnapshot.Read();
        settings = settings with { LeavesToIpvs = ipvs is not null };
        _nftables = NftConnection.Open();
        Flows = new StaleFlowCleaner(TimeProvider.System, log);
        _leftovers = new KubeProxyLeftovers(ipvsExcluded ?? [], log) { KeepsIpvs = ipvs is not null };
        ForeignChanges = NftNotifications.Open(Shape.Table, _nftables.PortId);
        _tables.Add(new NftablesTable(_nftables, IpFamily.IPv4, settings));
        if (Socket.OSSupportsIPv6)
            _tables.Add(new NftablesTable(_nftables, IpFamily.IPv6, settings));
    }

    /// <summary>Ends flows that no rule reaches any more.</summary>
    internal StaleFlowCleaner Flows { get; }

    /// <summary>Packets and bytes of the real servers, where they are counted.</summary>
    internal TrafficAccounts? Accounts { get; init; }

    /// <summary>What others do to our tables.</summary>
    internal NftNotifications ForeignChanges { get; }

    /// <summary>Bytes of all transactions so far.</summary>
    internal long TransactionBytes => _nftables.CommittedBytes;

    /// <summary>Whether something waits for its end that nobody tells: <see cref="Drain"/> looks.</summary>
    internal bool IsDraining => _ipvs is { Draining: > 0 };

    /// <summary>Hears of each table's transaction.</summary>
    internal event Action<TableSync>? Synced;

    /// <summary>What the tables depend on besides the Services. A change takes effect with the next <see cref="Reconcile"/>.</summary>
    internal TableSettings Settings
    {
        get => _tables[0].Settings;
        set
        {
            foreach (var table in _tables)
                table.Settings = value;
        }
    }

    /// <summary>Compares everything with the kernel and writes the difference.</summary>
    /// <returns>The number of messages sent.</returns>
    /// <exception cref="NetlinkException">The kernel refused.</exception>
    internal int Reconcile(IReadOnlyList<ServicePortPlan> plans)
    {
        // Where nftables forwarded until now it does so until IPVS can; otherwise nothing may come in before it is known what to do with it.
        LookAround();
        var messages = 0;
        var isSwitch = _isFirst && _ipvs is not null && _nftables.HasTable(NftFamily.Ip, Shape.Table);
        if (isSwitch)
            messages += _ipvs!.Reconcile(plans);
        foreach (var table in _tables)
            messages += Timed(table, true, () => table.Reconcile(plans));
        if (!isSwitch)
            messages += _ipvs?.Reconcile(plans) ?? 0;
        _isFirst = false;
        Accounts?.Reconcile(plans);
        RemoveLeftovers();
        Flows.End(StaleFlows.Under(plans));
        WarnOfFullAffinity();
        return messages;
    }

    /// <summary>Brings the kernel from what it was last told to what is wanted now.</summary>
    /// <returns>The number of elements that changed.</returns>
    /// <exception cref="NetlinkException">The kernel refused: <see cref="Reconcile"/> is due.</exception>
    internal int Apply(IReadOnlyList<ServicePortChange> changes)
    {
        var elements = 0;
        if (_ipvs is { } ipvs)
            elements += ipvs.Apply(changes, ApplyTables);
        else
            ApplyTables();
        Accounts?.Apply(changes);
        Flows.End(StaleFlows.Since(changes));
        return elements;

        void ApplyTables()
        {
            foreach (var table in _tables)
                elements += Timed(table, false, () => table.Apply(changes));
        }
    }

    /// <summary>Takes away what has come to its end.</summary>
    /// <exception cref="NetlinkException">The kernel refused: <see cref="Reconcile"/> is due.</exception>
    internal void Drain() => _ipvs?.Drain();

    /// <summary>Tells the node's addresses, which matter to IPVS only: they take effect with the next <see cref="Reconcile"/>.</summary>
    /// <returns>Whether that is due: pods that come and go change links, but no address of the node's.</returns>
    internal bool Set(LinkSnapshot links)
    {
        var isNews = _links is null || !Own(links).SetEquals(Own(_links));
        _links = links;
        return isNews;

        static HashSet<System.Net.IPAddress> Own(LinkSnapshot links) => [.. links.Addresses.Select(there => there.Address).Where(address => !address.IsIPv6LinkLocal)];
    }

    // By now: the addresses at which node ports answer may be others, too.
    private void LookAround()
    {
        if (_ipvs is null)
            return;
        _ipvs.Set(_links!, address => Settings.NodePortAddresses.Any(prefix => prefix.Contains(address)));
        Settings = Settings with { OwnAddresses = _ipvs.OwnAddresses };
    }

    // Once, and not before ours is in force: until then kube-proxy's rules carry the traffic.
    private void RemoveLeftovers()
    {
        _leftovers?.Remove();
        _leftovers?.Dispose();
        _leftovers = null;
    }

    // Once for as long as it lasts. Kernels before 6.16 do not tell.
    private void WarnOfFullAffinity()
    {
        var isFull = _tables.Exists(table => table.IsAffinityFull());
        if (isFull && !_isAffinityFull)
            _log.LogWarning("as many clients with session affinity are remembered as can be ({Clients}); further ones are balanced without", Settings.MaxAffinityClients);
        _isAffinityFull = isFull;
    }

    private int Timed(NftablesTable table, bool isWhole, Func<int> work)
    {
        var started = Stopwatch.GetTimestamp();
        int? changes = null;
        try
        {
            changes = work();
            return changes.Value;
        }
        finally
        {
            Synced?.Invoke(new TableSync(table.Family, isWhole, Stopwatch.GetElapsedTime(started), changes is not null, changes ?? 0));
        }
    }

    public void Dispose()
    {
        _leftovers?.Dispose();
        _ipvs?.Dispose();
        Accounts?.Dispose();
        ForeignChanges.Dispose();
        Flows.Dispose();
        _nftables.Dispose();
    }
}

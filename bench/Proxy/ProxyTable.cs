using Portolan.Core.Addresses;
using Portolan.Core.Cluster;
using Portolan.Core.Forwarding;
using Portolan.Linux.Nftables;
using Portolan.Proxy.Nftables;
using Portolan.Rig;

namespace Portolan.Bench.Proxy;

/// <summary>The proxy from its events on, over the kernel of a namespace: what it plans and what it programs, without the API.</summary>
internal sealed class ProxyTable : IDisposable
{
    private static readonly IpPrefix Everywhere = IpPrefix.Containing(IpAddress.V4(0), 0);
    private readonly ForwardingIndex _index = new(Fleet.Context);
    private readonly NftConnection _connection;
    private readonly NftablesTable _table;

    public ProxyTable(NetworkNamespace node)
    {
        _connection = node.Inside(NftConnection.Open);
        _table = new NftablesTable(_connection, IpFamily.IPv4, new TableSettings { NodePortAddresses = [Everywhere] });
    }

    /// <summary>Takes over what the kernel has and makes it what these Services want.</summary>
    /// <returns>The number of messages sent.</returns>
    public int Program(IReadOnlyList<ServiceFacts> services, IReadOnlyList<EndpointSliceFacts> slices)
    {
        foreach (var service in services)
            _index.Set(service);
        foreach (var slice in slices)
            _index.Set(slice);
        _index.TakeChanges();
        return _table.Reconcile([.. _index.Plans]);
    }

    /// <summary>What is in force.</summary>
    public IReadOnlyList<ServicePortPlan> Plans => [.. _index.Plans];

    /// <summary>One event, to the commit of what it changes.</summary>
    /// <returns>The number of elements that changed.</returns>
    public int Program(EndpointSliceFacts slice)
    {
        _index.Set(slice);
        return _table.Apply(_index.TakeChanges());
    }

    public void Dispose() => _connection.Dispose();
}

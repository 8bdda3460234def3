using Portolan.Core.Addresses;
using Portolan.Core.Cluster;
using Portolan.Linux.Links;
using Portolan.Linux.Nftables;

namespace Portolan.Proxy;

/// <summary>Something the proxy's loop must know of.</summary>
internal abstract record ProxyEvent
{
    /// <summary>A Service is new or different.</summary>
    internal sealed record ServiceSet(ServiceFacts Service) : ProxyEvent;

    /// <summary>A Service is gone.</summary>
    internal sealed record ServiceGone(ObjectKey Key) : ProxyEvent;

    /// <summary>An EndpointSlice is new or different.</summary>
    internal sealed record SliceSet(EndpointSliceFacts Slice) : ProxyEvent;

    /// <summary>An EndpointSlice is gone, or none of ours any more.</summary>
    internal sealed record SliceGone(ObjectKey Key) : ProxyEvent;

    /// <summary>Our own Node is new or different.</summary>
    internal sealed record NodeSet(NodeFacts Node) : ProxyEvent;

    /// <summary>There is no Node of our name any more.</summary>
    internal sealed record NodeGone : ProxyEvent;

    /// <summary>The ranges that Services get their ClusterIPs from, all of them.</summary>
    internal sealed record ServiceCidrsSet(IReadOnlyList<IpPrefix> Cidrs) : ProxyEvent;

    /// <summary>Somebody wants to know what is programmed.</summary>
    internal sealed record ReaderCame : ProxyEvent;

    /// <summary>Everything of a kind that existed at the start has been told.</summary>
    internal sealed record Synced(ProxySource Source) : ProxyEvent;

    /// <summary>It is time to compare everything with the kernel, whatever is thought to be there.</summary>
    internal sealed record ComparisonDue : ProxyEvent;

    /// <summary>The node's own links or addresses are others.</summary>
    internal sealed record LinksChanged(LinkSnapshot Links) : ProxyEvent;

    /// <summary>Somebody else changed our tables.</summary>
    internal sealed record KernelChanged(NftForeignChange Change) : ProxyEvent;
}

/// <summary>What the proxy reads from the API before it programs anything.</summary>
[Flags]
internal enum ProxySource
{
    None = 0,
    Services = 1,
    EndpointSlices = 2,
    Node = 4,
    All = Services | EndpointSlices | Node,
}

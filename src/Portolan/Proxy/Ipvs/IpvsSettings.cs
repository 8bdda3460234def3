using Portolan.Core.Addresses;

namespace Portolan.Proxy.Ipvs;

/// <summary>What the virtual servers of IPVS depend on besides the Services.</summary>
internal sealed record IpvsSettings
{
    /// <summary>The scheduler of Services that ask for none (<c>ipvs.scheduler</c>).</summary>
    internal string Scheduler { get; init; } = "rr";

    /// <summary>Virtual servers at these addresses are somebody else's (<c>ipvs.excludeCIDRs</c>).</summary>
    internal IReadOnlyList<IpPrefix> Excluded { get; init; } = [];

    /// <summary>The node's own addresses at which node ports answer.</summary>
    internal IReadOnlyList<IpAddress> NodePortAddresses { get; init; } = [];

    /// <summary>Schedulers that this kernel turned out not to have.</summary>
    internal IReadOnlySet<string> Missing { get; init; } = new HashSet<string>();
}

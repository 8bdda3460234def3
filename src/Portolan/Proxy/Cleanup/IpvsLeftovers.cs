using Microsoft.Extensions.Logging;
using Portolan.Core.Addresses;
using Portolan.Linux.Ipsets;
using Portolan.Linux.Ipvs;
using Portolan.Linux.Links;
using Portolan.Linux.Netlink;
using Portolan.Proxy.Ipvs;

namespace Portolan.Proxy.Cleanup;

/// <summary>
/// What kube-proxy's ipvs mode left besides its chains: virtual servers, the link that holds their addresses, and ipsets. The chains go
/// first, or the sets are in use.
/// </summary>
internal sealed class IpvsLeftovers(IReadOnlyList<IpPrefix> excluded, ILogger log) : IDisposable
{
    /// <summary>The link with every Service's address. Where it is, kube-proxy ran in ipvs mode and claimed every virtual server outside of <c>excludeCIDRs</c>.</summary>
    internal const string Link = ServiceLink.Name;

    private static readonly HashSet<string> _sets = [.. Names()];
    private readonly NamedLinks _links = new();
    private readonly IpvsConnection? _ipvs = IpvsConnection.TryOpen();
    private readonly IpsetConnection? _ipsets = IpsetConnection.TryOpen();

    /// <summary>The sets of both families (<c>pkg/proxy/ipvs/ipset.go</c>); no name is longer than the kernel's 31 characters.</summary>
    private static IEnumerable<string> Names()
    {
        string[] names =
        [
            "LOOP-BACK", "CLUSTER-IP", "EXTERNAL-IP", "EXTERNAL-IP-LOCAL", "LOAD-BALANCER", "LOAD-BALANCER-LOCAL", "LOAD-BALANCER-FW",
            "LOAD-BALANCER-SOURCE-IP", "LOAD-BALANCER-SOURCE-CIDR", "NODE-PORT-TCP", "NODE-PORT-LOCAL-TCP", "NODE-PORT-UDP", "NODE-PORT-LOCAL-UDP",
            "NODE-PORT-SCTP-HASH", "NODE-PORT-LOCAL-SCTP-HASH", "HEALTH-CHECK-NODE-PORT", "IPVS-IPS",
        ];
        foreach (var name in names)
        {
            yield return "KUBE-" + name;
            yield return ("KUBE-6-" + name) is { Length: > 31 } tooLong ? tooLong[..31] : "KUBE-6-" + name;
        }
    }

    /// <summary>The virtual servers that are kube-proxy's.</summary>
    internal static IEnumerable<IpvsService> Among(IEnumerable<IpvsService> services, IReadOnlyCollection<IpPrefix> excluded) =>
        services.Where(service => service.Key.FirewallMark == 0 && !excluded.Any(prefix => prefix.Contains(IpvsKeys.Address(service.Key.Family, service.Key.Address))));

    /// <summary>Deletes the virtual servers; without the link they are nobody's that is known here.</summary>
    /// <exception cref="NetlinkException">The kernel refused.</exception>
    internal void RemoveServices()
    {
        if (_ipvs is null || !_links.Exists(Link))
            return;
        var services = Among(_ipvs.Services(), excluded).ToList();
        var batch = _ipvs.NewBatch();
        foreach (var service in services)
            batch.Delete(service.Key);
        foreach (var refusal in _ipvs.Apply(batch))
        {
            if (refusal.Errno != Errors.NoSuchProcess) // gone by itself
                throw new NetlinkException(refusal.Operation, refusal.Errno);
        }

        if (services.Count > 0)
            log.LogInformation("removed kube-proxy's {Services} virtual servers of IPVS", services.Count);
    }

    /// <summary>Deletes the link, after the virtual servers that it proves to be kube-proxy's.</summary>
    /// <exception cref="NetlinkException">The kernel refused.</exception>
    internal void RemoveLink()
    {
        if (_links.Delete(Link))
            log.LogInformation("removed kube-proxy's link {Link}", Link);
    }

    /// <summary>Whether kube-proxy's sets are there: its ipvs mode runs, or did.</summary>
    /// <exception cref="NetlinkException">The kernel refused.</exception>
    internal bool HasSets() => _ipsets is not null && _ipsets.Names().Any(_sets.Contains);

    /// <summary>Destroys the sets.</summary>
    /// <exception cref="NetlinkException">The kernel refused; the other sets are gone all the same.</exception>
    internal void RemoveSets()
    {
        if (_ipsets is null)
            return;
        var removed = 0;
        NetlinkException? failure = null;
        foreach (var name in _ipsets.Names().Where(_sets.Contains))
        {
            try
            {
                _ipsets.DestroySet(name);
                removed++;
            }
            catch (NetlinkException refusal) when (!refusal.IsNotFound)
            {
                failure = refusal;
            }
        }

        if (removed > 0)
            log.LogInformation("removed kube-proxy's {Sets} ipsets", removed);
        if (failure is not null)
            throw failure;
    }

    public void Dispose()
    {
        _links.Dispose();
        _ipvs?.Dispose();
        _ipsets?.Dispose();
    }
}

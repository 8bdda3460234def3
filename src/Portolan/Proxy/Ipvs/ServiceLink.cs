using System.Net.Sockets;
using Portolan.Core.Addresses;
using Portolan.Core.Forwarding;
using Portolan.Linux.Links;
using Portolan.Linux.Netlink;
using Portolan.Proxy.Nftables;

namespace Portolan.Proxy.Ipvs;

/// <summary>
/// The link that holds the addresses of Services: IPVS sees only what is delivered to this machine. It has kube-proxy's name for it, because what runs beside
/// it (network plugins that look for the node's address, announcers) knows that name and passes over it. An address that another link has is not added.
/// </summary>
internal sealed class ServiceLink : IDisposable
{
    /// <summary>kube-proxy's name.</summary>
    internal const string Name = "kube-ipvs0";

    private readonly AddressLink _link = new(Name);
    private readonly CountedSet<IpAddress> _wanted = new();
    private int? _index;

    /// <summary>Makes the link hold what these plans want and nothing else.</summary>
    /// <param name="plans">Every plan in force.</param>
    /// <param name="own">Addresses of other links.</param>
    /// <returns>The number of changes.</returns>
    /// <exception cref="NetlinkException">The kernel refused.</exception>
    internal int Reconcile(IReadOnlyCollection<ServicePortPlan> plans, IReadOnlySet<IpAddress> own)
    {
        _wanted.BeginFilling(plans.Count);
        foreach (var plan in plans)
        {
            foreach (var address in Addresses(plan))
                _wanted.Add(address);
        }

        _wanted.EndFilling();
        var wanted = _wanted.Members.Where(address => !own.Contains(address)).ToHashSet();
        var index = _index = _link.Ensure();
        var gone = _link.Addresses().Where(there => there.Link == index).Select(there => IpAddress.From(there.Address)).Where(address => !wanted.Remove(address)).ToList();
        return Change(gone, wanted);
    }

    /// <summary>What plans that change let go and want anew; <see cref="Change"/> does it.</summary>
    /// <param name="changes">The changes.</param>
    /// <param name="own">Addresses of other links.</param>
    internal (IReadOnlyCollection<IpAddress> Gone, IReadOnlyCollection<IpAddress> Added) Follow(IReadOnlyCollection<ServicePortChange> changes, IReadOnlySet<IpAddress> own)
    {
        foreach (var change in changes)
        {
            foreach (var address in change.New is { } now ? Addresses(now) : [])
                _wanted.Add(address);
            foreach (var address in change.Old is { } old ? Addresses(old) : [])
                _wanted.Remove(address);
        }

        var (before, after) = (new HashSet<IpAddress>(), new HashSet<IpAddress>());
        _wanted.TakeChanges(before, after);
        return ([.. before.Where(address => !after.Contains(address))], [.. after.Where(address => !before.Contains(address) && !own.Contains(address))]);
    }

    /// <summary>Deletes and adds addresses.</summary>
    /// <returns>The number of changes.</returns>
    /// <exception cref="NetlinkException">The kernel refused.</exception>
    internal int Change(IReadOnlyCollection<IpAddress> gone, IReadOnlyCollection<IpAddress> added)
    {
        if (gone.Count + added.Count == 0)
            return 0;
        _link.Change(_index ?? _link.Ensure(), [.. gone.Select(Parts)], [.. added.Select(Parts)]);
        return gone.Count + added.Count;

        static (AddressFamily Family, UInt128 Address) Parts(IpAddress address) => (IpvsKeys.Family(address.Family), address.Value);
    }

    /// <summary>The addresses that a plan wants to be this machine's.</summary>
    internal static IEnumerable<IpAddress> Addresses(ServicePortPlan plan) => plan.VirtualServers.Where(server => !server.Front.IsNodePort).Select(server => server.Front.Address);

    public void Dispose() => _link.Dispose();
}

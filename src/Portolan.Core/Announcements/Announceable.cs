using Portolan.Core.Addresses;
using Portolan.Core.Cluster;

namespace Portolan.Core.Announcements;

/// <summary>Whether a Service may be announced at all, on whichever node: what its object, its endpoints and the configuration say.</summary>
/// <param name="Reason"><see cref="WithdrawalReason.None"/>, or why it may not.</param>
/// <param name="Advertisements">Those that advertise it.</param>
/// <param name="Policy">The policy for its addresses.</param>
internal readonly record struct Announceable(WithdrawalReason Reason, IReadOnlyList<Layer2Advertisement> Advertisements, AnnouncementPolicy Policy)
{
    /// <summary>Judges a Service.</summary>
    public static Announceable Of(ServiceFacts service, bool hasUsableEndpoints, AnnouncementContext context)
    {
        var reason = Locate(service, context.Pools, context.LoadBalancerClass, out var pool);
        if (pool is null)
            return Not(reason);

        var covering = context.Advertisements.Where(advertisement => advertisement.Covers(pool)).ToList();
        var advertisements = covering.FindAll(advertisement => advertisement.Selects(service));
        if (advertisements.Count == 0)
            return Not(WithdrawalReason.NoMatchingAdvertisement);

        // Sharers of an address must be announced by one node: an advertisement for some of them would tear them apart.
        if (ServiceAnnotations.Read(service, ServiceAnnotations.AllowSharedIP).Length > 0
            && covering.Exists(advertisement => advertisement.ServiceSelectors.Count > 0))
            return Not(WithdrawalReason.SharedIPWithServiceSelector);
        if (!hasUsableEndpoints)
            return Not(WithdrawalReason.NoEndpoints);
        return new Announceable(WithdrawalReason.None, advertisements, AnnouncementPolicy.For(pool, context.Policies));
    }

    /// <summary>Finds the pool that a Service's addresses are from.</summary>
    /// <param name="service">The Service.</param>
    /// <param name="pools">The pools in force.</param>
    /// <param name="loadBalancerClass">The class of Services that are ours; null: those without one.</param>
    /// <param name="pool">The pool; null exactly where there is a reason.</param>
    /// <returns><see cref="WithdrawalReason.None"/>, or why the Service is announced by no protocol.</returns>
    public static WithdrawalReason Locate(ServiceFacts service, PoolSet pools, string? loadBalancerClass, out AddressPool? pool)
    {
        pool = null;
        if (service.Type is not ServiceType.LoadBalancer || service.LoadBalancerClass != loadBalancerClass)
            return WithdrawalReason.NotLoadBalancer;
        if (service.Ingress.Count == 0)
            return WithdrawalReason.NoIPAllocated;

        // Whoever gave the address: what lies in a known pool is announced. Several addresses must be from one pool.
        var first = pools.Of(service.Ingress[0].Address);
        if (first is null || !service.Ingress.All(ingress => first.Contains(ingress.Address)))
            return WithdrawalReason.IPNotAllowed;
        pool = first;
        return WithdrawalReason.None;
    }

    private static Announceable Not(WithdrawalReason reason) => new(reason, [], AnnouncementPolicy.Default);
}

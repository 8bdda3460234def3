using Portolan.Core.Addresses;
using Portolan.Core.Cluster;
using Portolan.Core.Configuration;

namespace Portolan.Core.Announcements.Bgp;

/// <summary>A prefix that a Service wants announced to some peers. Which of them take its family is for their sessions to say.</summary>
/// <param name="Prefix">The address, or the block around it.</param>
/// <param name="Peers">Names of BGPPeers, in order, at least one.</param>
/// <param name="Attributes">What is said of it.</param>
public readonly record struct PlannedRoute(IpPrefix Prefix, IReadOnlyList<string> Peers, RouteAttributes Attributes)
{
    /// <summary>The peers as a number among <see cref="BgpTerms.Groups"/>.</summary>
    internal int Group { get; init; }

    /// <inheritdoc/>
    public bool Equals(PlannedRoute other) => Prefix == other.Prefix && Attributes.Equals(other.Attributes) && Peers.SequenceEqual(other.Peers);

    /// <inheritdoc/>
    public override int GetHashCode() => HashCode.Combine(Prefix, Attributes);
}

/// <summary>What this node announces for one Service, to whom, or why nothing.</summary>
/// <param name="Service">The Service.</param>
/// <param name="Reason"><see cref="WithdrawalReason.None"/>, or why nothing is announced.</param>
/// <param name="Routes">What is; no prefix twice for a peer.</param>
public sealed record BgpPlan(ObjectKey Service, WithdrawalReason Reason, IReadOnlyList<PlannedRoute> Routes)
{
    /// <summary>The Service's addresses that are in them.</summary>
    public IReadOnlyList<IpAddress> Addresses { get; init; } = [];

    /// <summary>What of the Service's annotations says nothing of use; it is treated as if it were not there.</summary>
    public IReadOnlyList<FieldError> Faults { get; init; } = [];

    /// <summary>The names of the peers that the Service is meant for, in order: what MetalLB says in ServiceBGPStatus, whether sessions are up or not.</summary>
    public IReadOnlyList<string> Peers => Routes.Count switch
    {
        0 => [],
        1 => Routes[0].Peers,
        _ => [.. Routes.SelectMany(route => route.Peers).Distinct(StringComparer.Ordinal).Order(StringComparer.Ordinal)],
    };

    /// <summary>Plans one Service: a pure function of the Service, its endpoints and the context.</summary>
    public static BgpPlan For(ServiceFacts service, IReadOnlyList<EndpointSliceFacts> slices, BgpContext context) => For(service, slices, BgpTerms.Of(context));

    /// <summary>The same, with a context that was worked out for many Services.</summary>
    internal static BgpPlan For(ServiceFacts service, IReadOnlyList<EndpointSliceFacts> slices, BgpTerms terms)
    {
        var reason = Announceable.Locate(service, terms.Pools, terms.LoadBalancerClass, out var pool);
        if (pool is null)
            return new BgpPlan(service.Key, reason, []);
        var advertisements = terms.For(pool).Where(advertisement => advertisement.Selects(service)).ToList();
        if (advertisements.Count == 0)
            return new BgpPlan(service.Key, WithdrawalReason.NoMatchingAdvertisement, []);

        var asked = AskedCommunities.Of(service, terms.Aliases);
        reason = terms.Verdict is WithdrawalReason.None ? LocalEndpoints.Judge(service, slices, terms.Node) : terms.Verdict;
        var routes = new List<PlannedRoute>();
        if (reason is WithdrawalReason.None)
            reason = AddRoutes(service, slices, terms, advertisements, asked.Communities, routes);
        return reason is WithdrawalReason.None
            ? new BgpPlan(service.Key, reason, routes) { Addresses = [.. service.Ingress.Select(ingress => ingress.Address).Where(address => routes.Exists(route => route.Prefix.Contains(address)))], Faults = asked.Faults }
            : new BgpPlan(service.Key, reason, []) { Faults = asked.Faults };
    }

    /// <inheritdoc/>
    public bool Equals(BgpPlan? other) =>
        other is not null && Service == other.Service && Reason == other.Reason && Routes.SequenceEqual(other.Routes) && Addresses.SequenceEqual(other.Addresses) && Faults.SequenceEqual(other.Faults);

    /// <inheritdoc/>
    public override int GetHashCode() => HashCode.Combine(Service, Reason, Routes.Count);

    private static WithdrawalReason AddRoutes(
        ServiceFacts service, IReadOnlyList<EndpointSliceFacts> slices, BgpTerms terms, List<BgpAdvertisement> advertisements, IReadOnlyList<BgpCommunity> asked, List<PlannedRoute> routes)
    {
        var isLocal = service.ExternalTrafficPolicy is TrafficPolicy.Local;
        for (var group = 0; group < terms.Groups.Count; group++)
        {
            var peers = terms.Groups[group];
            var first = routes.Count;
            foreach (var (address, _) in service.Ingress)
            {
                var bandwidth = isLocal && peers.BandwidthPerEndpoint is { } each ? each * LocalEndpoints.Count(slices, address.Family, terms.Node) : (float?)null;
                foreach (var advertisement in advertisements)
                {
                    if (!peers.Advertisements.Contains(advertisement.Name))
                        continue;
                    var prefix = IpPrefix.Containing(address, advertisement.AggregationLength(address.Family));
                    var attributes = new RouteAttributes
                    {
                        LocalPref = advertisement.LocalPref == 0 ? null : advertisement.LocalPref,
                        Med = peers.Med,
                        Prepend = peers.Prepend,
                        Communities = asked.Count == 0 ? advertisement.Communities : [.. advertisement.Communities, .. asked],
                        LinkBandwidth = bandwidth,
                    };
                    var known = routes.FindIndex(first, route => route.Prefix == prefix);
                    if (known < 0)
                        routes.Add(new PlannedRoute(prefix, peers.Peers, terms.Shared(attributes)) { Group = group });
                    else if (routes[known].Attributes.LocalPref != attributes.LocalPref)
                        return WithdrawalReason.ConflictingAdvertisements;
                    else
                        routes[known] = routes[known] with { Attributes = terms.Shared(routes[known].Attributes.Union(attributes)) };
                }
            }
        }

        return routes.Count == 0 ? WithdrawalReason.NoMatchingPeers : WithdrawalReason.None;
    }
}

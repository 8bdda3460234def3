using Portolan.Core.Addresses;
using Portolan.Core.Cluster;

namespace Portolan.Core.Announcements;

/// <summary>One of the nodes that answer for a Service's addresses.</summary>
/// <param name="Node">Its name.</param>
/// <param name="Interfaces">There only on these, by name; empty: on all that can carry announcements.</param>
public readonly record struct AnsweringNode(string Node, IReadOnlyList<string> Interfaces)
{
    /// <inheritdoc/>
    public bool Equals(AnsweringNode other) => Node == other.Node && Interfaces.SequenceEqual(other.Interfaces);

    /// <inheritdoc/>
    public override int GetHashCode() => HashCode.Combine(Node, Interfaces.Count);
}

/// <summary>What is announced for one Service, by whom, on which interfaces, or why nothing is.</summary>
/// <param name="Service">The Service.</param>
/// <param name="Addresses">Its addresses, as its status lists them; empty when nothing may be announced at all.</param>
/// <param name="Reason"><see cref="WithdrawalReason.None"/>, or why no node announces it.</param>
/// <param name="Election">Who announces it; <see cref="Election.Nobody"/> when no election was held.</param>
/// <param name="Interfaces">On the winner, only on these, by name; empty: on all that can carry announcements.</param>
public sealed record AnnouncementPlan(
    ObjectKey Service, IReadOnlyList<IpAddress> Addresses, WithdrawalReason Reason, Election Election, IReadOnlyList<string> Interfaces)
{
    /// <summary>The policy for its addresses.</summary>
    public AnnouncementPolicy Policy { get; init; } = AnnouncementPolicy.Default;

    /// <summary>
    /// The nodes that share the clients under <c>announceFrom: all</c>, by name: of those that may announce, all that are as well as the winner.
    /// Preferences do not count among them. Empty where the winner alone announces.
    /// </summary>
    public IReadOnlyList<AnsweringNode> Answering { get; init; } = [];

    /// <summary>Why this node does not announce the Service, or <see cref="WithdrawalReason.None"/> when it does.</summary>
    public WithdrawalReason On(string node) => Reason is not WithdrawalReason.None ? Reason : Answers(node) ? WithdrawalReason.None : Election.Of(node);

    /// <summary>On this node, when it announces the Service: only on these interfaces, by name; empty: on all that can carry announcements.</summary>
    public IReadOnlyList<string> InterfacesOn(string node)
    {
        foreach (var answering in Answering)
            if (answering.Node == node)
                return answering.Interfaces;
        return Interfaces;
    }

    /// <summary>Which of the nodes answers which client for an address, or null where the winner answers all.</summary>
    public ClientChoice? ChoiceFor(IpAddress address) => Answering.Count == 0 ? null : new ClientChoice(address, Answering.Select(answering => answering.Node));

    /// <summary>Plans one Service: a pure function of the Service, its endpoints, the context and who shares its address.</summary>
    /// <param name="service">The Service.</param>
    /// <param name="slices">Its endpoints.</param>
    /// <param name="context">What every plan depends on.</param>
    /// <param name="sharers">The other Services with the same first address; null: none.</param>
    public static AnnouncementPlan For(
        ServiceFacts service, IReadOnlyList<EndpointSliceFacts> slices, AnnouncementContext context, IReadOnlyCollection<ObjectKey>? sharers = null)
    {
        if (service.Type is not ServiceType.LoadBalancer || service.LoadBalancerClass != context.LoadBalancerClass)
            return Withdrawn(service, WithdrawalReason.NotLoadBalancer);
        if (service.Ingress.Count == 0)
            return Withdrawn(service, WithdrawalReason.NoIPAllocated);

        // Whoever gave the address: what lies in a known pool is announced. Several addresses must be from one pool.
        var pool = context.Pools.Of(service.Ingress[0].Address);
        if (pool is null || !service.Ingress.All(ingress => pool.Contains(ingress.Address)))
            return Withdrawn(service, WithdrawalReason.IPNotAllowed);

        var covering = context.Advertisements.Where(advertisement => advertisement.Covers(pool)).ToList();
        var advertisements = covering.FindAll(advertisement => advertisement.Selects(service));
        if (advertisements.Count == 0)
            return Withdrawn(service, WithdrawalReason.NoMatchingAdvertisement);

        // Sharers of an address must be announced by one node: an advertisement for some of them would tear them apart.
        if (ServiceAnnotations.Read(service, ServiceAnnotations.AllowSharedIP).Length > 0
            && covering.Exists(advertisement => advertisement.ServiceSelectors.Count > 0))
            return Withdrawn(service, WithdrawalReason.SharedIPWithServiceSelector);
        if (!slices.Any(slice => slice.Endpoints.Any(Election.IsUsable)))
            return Withdrawn(service, WithdrawalReason.NoEndpoints);

        var addresses = service.Ingress.Select(ingress => ingress.Address).ToList();
        var policy = AnnouncementPolicy.For(pool, context.Policies);
        var election = Election.Elect(service, slices, addresses[0], advertisements, policy, context, sharers ?? []);
        return new AnnouncementPlan(service.Key, addresses, WithdrawalReason.None, election, InterfacesOf(election.Winner, advertisements, context))
        {
            Policy = policy,
            Answering = policy.AnnounceFrom is AnnounceFrom.All ? AnsweringOf(election, advertisements, context) : [],
        };
    }

    /// <inheritdoc/>
    public bool Equals(AnnouncementPlan? other) =>
        other is not null && Service == other.Service && Reason == other.Reason && Election.Equals(other.Election) && Policy == other.Policy
        && Answering.SequenceEqual(other.Answering) && Addresses.SequenceEqual(other.Addresses) && Interfaces.SequenceEqual(other.Interfaces);

    /// <inheritdoc/>
    public override int GetHashCode() => HashCode.Combine(Service, Reason, Election);

    private static AnnouncementPlan Withdrawn(ServiceFacts service, WithdrawalReason reason) => new(service.Key, [], reason, Election.Nobody, []);

    private bool Answers(string node)
    {
        foreach (var answering in Answering)
            if (answering.Node == node)
                return true;
        return false;
    }

    private static List<AnsweringNode> AnsweringOf(Election election, List<Layer2Advertisement> advertisements, AnnouncementContext context)
    {
        var answering = new List<AnsweringNode>();
        var least = 0;
        foreach (var verdict in election.Verdicts)
        {
            // Those that may announce come first, and of them the winner.
            if (verdict.Reason is WithdrawalReason.None)
                least = verdict.Conditions.Severity();
            if (verdict.Reason is WithdrawalReason.None || verdict.Reason is WithdrawalReason.NotOwner && verdict.Conditions.Severity() == least)
                answering.Add(new AnsweringNode(verdict.Node, InterfacesOf(verdict.Node, advertisements, context)));
        }

        answering.Sort((a, b) => string.CompareOrdinal(a.Node, b.Node));
        return answering;
    }

    // The union over the advertisements that let the node announce; one that names no interface means all of them.
    private static List<string> InterfacesOf(string? name, List<Layer2Advertisement> advertisements, AnnouncementContext context)
    {
        var node = context.Nodes.FirstOrDefault(node => node.Name == name);
        if (node is null)
            return [];
        var selecting = advertisements.FindAll(advertisement => advertisement.Selects(node));
        return selecting.Exists(advertisement => advertisement.Interfaces.Count == 0)
            ? []
            : [.. selecting.SelectMany(advertisement => advertisement.Interfaces).Distinct().Order(StringComparer.Ordinal)];
    }
}

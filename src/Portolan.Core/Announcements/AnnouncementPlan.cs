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
/// <param name="Addresses">Its addresses, as its status lists them, but for those left to somebody else; empty when nothing may be announced at all.</param>
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

    /// <summary>
    /// Plans one Service: a pure function of the Service, its endpoints, the context and who shares its address. Only bounded placement needs to
    /// know all Services: <see cref="AnnouncementIndex"/> does it; here it is told by <paramref name="placed"/>.
    /// </summary>
    /// <param name="service">The Service.</param>
    /// <param name="slices">Its endpoints.</param>
    /// <param name="context">What every plan depends on.</param>
    /// <param name="sharers">The other Services with the same first address; null: none.</param>
    /// <param name="placed">The node that bounded placement gave the address to; null: its own hash decides.</param>
    public static AnnouncementPlan For(
        ServiceFacts service,
        IReadOnlyList<EndpointSliceFacts> slices,
        AnnouncementContext context,
        IReadOnlyCollection<ObjectKey>? sharers = null,
        string? placed = null)
    {
        var (reason, advertisements, policy) = Announceable.Of(service, Eligibility.HasUsable(slices), context);
        if (reason is not WithdrawalReason.None)
            return Withdrawn(service.Key, reason, policy);
        if (policy.RequireMajority && !Majority.IsHeld(context.Nodes, context.LivingSpeakers))
            return Withdrawn(service.Key, WithdrawalReason.NoMajority, policy);
        var addresses = Unclaimed([.. service.Ingress.Select(ingress => ingress.Address)], policy, ClaimedByOthers(context));
        if (addresses.Count == 0)
            return Withdrawn(service.Key, WithdrawalReason.AddressConflict, policy);

        var election = new Ballot(service, slices, service.Ingress[0].Address, advertisements, policy, context, sharers ?? [], placed).Count();
        return new AnnouncementPlan(service.Key, addresses, reason, election, InterfacesOf(election.Winner, advertisements, context))
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

    internal static AnnouncementPlan Withdrawn(ObjectKey service, WithdrawalReason reason, AnnouncementPolicy policy) =>
        new(service, [], reason, Election.Nobody, []) { Policy = policy };

    /// <summary>The addresses that living speakers saw others claim; what a dead one saw, its heir will see too.</summary>
    internal static HashSet<IpAddress> ClaimedByOthers(AnnouncementContext context)
    {
        var claimed = new HashSet<IpAddress>();
        foreach (var (node, report) in context.Reports)
            if (report.Yielded.Count > 0 && context.LivingSpeakers.Contains(node))
                claimed.UnionWith(report.Yielded);
        return claimed;
    }

    /// <summary>The addresses that are announced: under a policy that defends, all.</summary>
    internal static IReadOnlyList<IpAddress> Unclaimed(IReadOnlyList<IpAddress> addresses, AnnouncementPolicy policy, HashSet<IpAddress> claimed) =>
        claimed.Count == 0 || policy.OnConflict is ConflictPolicy.Defend ? addresses : [.. addresses.Where(address => !claimed.Contains(address))];

    /// <summary>The union over the advertisements that let a node announce; one that names no interface means all of them.</summary>
    internal static List<string> InterfacesOf(NodeFacts node, IReadOnlyList<Layer2Advertisement> advertisements)
    {
        var selecting = advertisements.Where(advertisement => advertisement.Selects(node)).ToList();
        return selecting.Exists(advertisement => advertisement.Interfaces.Count == 0)
            ? []
            : [.. selecting.SelectMany(advertisement => advertisement.Interfaces).Distinct().Order(StringComparer.Ordinal)];
    }

    private static List<string> InterfacesOf(string? name, IReadOnlyList<Layer2Advertisement> advertisements, AnnouncementContext context) =>
        context.Nodes.FirstOrDefault(node => node.Name == name) is { } node ? InterfacesOf(node, advertisements) : [];

    private bool Answers(string node)
    {
        foreach (var answering in Answering)
            if (answering.Node == node)
                return true;
        return false;
    }

    private static List<AnsweringNode> AnsweringOf(Election election, IReadOnlyList<Layer2Advertisement> advertisements, AnnouncementContext context)
    {
        var answering = new List<AnsweringNode>();
        var least = 0;
        foreach (var verdict in election.Verdicts)
        {
            // Those that may announce come first, and of them the winner.
            if (verdict.Reason is WithdrawalReason.None)
                least = verdict.Conditions.Severity();
            if (verdict.Reason is WithdrawalReason.None || (verdict.Reason is WithdrawalReason.NotOwner && verdict.Conditions.Severity() == least))
                answering.Add(new AnsweringNode(verdict.Node, InterfacesOf(verdict.Node, advertisements, context)));
        }

        answering.Sort((a, b) => string.CompareOrdinal(a.Node, b.Node));
        return answering;
    }
}

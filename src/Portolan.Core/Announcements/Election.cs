using System.Security.Cryptography;
using System.Text;
using Portolan.Core.Addresses;
using Portolan.Core.Cluster;

namespace Portolan.Core.Announcements;

/// <summary>What is thought of one node as the announcer of a Service.</summary>
/// <param name="Node">The node's name.</param>
/// <param name="Reason"><see cref="WithdrawalReason.None"/> for the winner, <see cref="WithdrawalReason.NotOwner"/> for those next in line.</param>
/// <param name="Conditions">What ranks it behind others; none for a node that may not announce at all.</param>
public readonly record struct NodeVerdict(string Node, WithdrawalReason Reason, NodeConditions Conditions = NodeConditions.None)
{
    /// <summary>The verdict in words: the reason's name, the conditions' names in brackets; empty for a winner that is well.</summary>
    public override string ToString() =>
        Conditions is NodeConditions.None ? Reason.Name() : Reason is WithdrawalReason.None ? $"({Conditions.Names()})" : $"{Reason.Name()} ({Conditions.Names()})";
}

/// <summary>Who announces a Service on layer 2, and what was thought of each node.</summary>
/// <param name="Winner">The announcing node, or null when there is none.</param>
/// <param name="Verdicts">The eligible nodes in the order in which they would take over, then the others by name.</param>
public sealed record Election(string? Winner, IReadOnlyList<NodeVerdict> Verdicts)
{
    /// <summary>The label that keeps a node out (KEP-1143).</summary>
    public const string ExcludeLabel = "node.kubernetes.io/exclude-from-external-load-balancers";

    /// <summary>Without any node.</summary>
    public static readonly Election Nobody = new(null, []);

    /// <summary>
    /// Elects the node that announces a Service. Every node that evaluates this with the same inputs gets the same answer: over the nodes that
    /// may announce it, those with the least grave conditions first (<see cref="NodeConditionsExtensions.Severity"/>), then the most preferred,
    /// then ascending SHA-256 of <c>node#address</c>. Where no node has a condition this is the order of MetalLB's speaker.
    /// Where even the best have one, the one that holds the address stays: <see cref="NodeReport.Standing"/> tells which it is.
    /// A dead speaker cannot announce, and is never elected.
    /// </summary>
    /// <param name="service">The Service.</param>
    /// <param name="slices">Its endpoints.</param>
    /// <param name="address">Its first address: the salt that spreads Services over the nodes, and on which all that share it agree.</param>
    /// <param name="advertisements">Those that advertise the Service.</param>
    /// <param name="policy">The policy for the address.</param>
    /// <param name="context">Nodes, living speakers and their reports.</param>
    /// <param name="sharers">The other Services with the same first address: all must be announced by one node.</param>
    public static Election Elect(
        ServiceFacts service,
        IReadOnlyList<EndpointSliceFacts> slices,
        IpAddress address,
        IReadOnlyList<Layer2Advertisement> advertisements,
        AnnouncementPolicy policy,
        AnnouncementContext context,
        IReadOnlyCollection<ObjectKey> sharers)
    {
        var salt = "#" + address;
        List<ulong> services = [ServiceDigest.Of(service.Key), .. sharers.Select(ServiceDigest.Of)];
        var eligible = new List<Candidate>();
        var others = new List<NodeVerdict>();
        foreach (var node in context.Nodes)
        {
            var reason = Judge(node, service, slices, advertisements, context);
            if (reason is not WithdrawalReason.None)
            {
                others.Add(new NodeVerdict(node.Name, reason));
                continue;
            }

            var report = context.Reports.GetValueOrDefault(node.Name) ?? NodeReport.Well;
            eligible.Add(new Candidate(
                node.Name,
                ConditionsOf(report, policy, services),
                report.Standing,
                policy.Preference(node) + advertisements.Sum(advertisement => advertisement.Preference(node)),
                SHA256.HashData(Encoding.UTF8.GetBytes(node.Name + salt))));
        }

        eligible.Sort();
        others.Sort((a, b) => string.CompareOrdinal(a.Node, b.Node));
        var verdicts = new List<NodeVerdict>(context.Nodes.Count);
        foreach (var candidate in eligible)
            verdicts.Add(new NodeVerdict(candidate.Node, verdicts.Count == 0 ? WithdrawalReason.None : WithdrawalReason.NotOwner, candidate.Conditions));
        verdicts.AddRange(others);
        return new Election(eligible.Count > 0 ? eligible[0].Node : null, verdicts);
    }

    /// <summary>Whether an endpoint can take traffic: ready, or still serving while it terminates.</summary>
    public static bool IsUsable(EndpointFacts endpoint) => endpoint.Ready || endpoint.Serving;

    /// <summary>The verdict on a node, or <see cref="WithdrawalReason.NoSpeaker"/> for one nobody has heard of.</summary>
    public WithdrawalReason Of(string node)
    {
        foreach (var verdict in Verdicts)
            if (verdict.Node == node)
                return verdict.Reason;
        return WithdrawalReason.NoSpeaker;
    }

    /// <inheritdoc/>
    public bool Equals(Election? other) => other is not null && Winner == other.Winner && Verdicts.SequenceEqual(other.Verdicts);

    /// <inheritdoc/>
    public override int GetHashCode() => HashCode.Combine(Winner, Verdicts.Count);

    private static WithdrawalReason Judge(
        NodeFacts node,
        ServiceFacts service,
        IReadOnlyList<EndpointSliceFacts> slices,
        IReadOnlyList<Layer2Advertisement> advertisements,
        AnnouncementContext context)
    {
        if (!context.LivingSpeakers.Contains(node.Name))
            return WithdrawalReason.NoSpeaker;
        if (node.NetworkUnavailable)
            return WithdrawalReason.NodeNetworkUnavailable;
        if (!context.IgnoreExcludeLabel && node.Labels.ContainsKey(ExcludeLabel))
            return WithdrawalReason.NodeLabeledExcludeBalancers;
        if (!advertisements.Any(advertisement => advertisement.Selects(node)))
            return WithdrawalReason.NoMatchingAdvertisement;
        if (service.ExternalTrafficPolicy is TrafficPolicy.Local && !HasEndpoint(slices, node.Name))
            return WithdrawalReason.NoLocalEndpoints;
        return WithdrawalReason.None;
    }

    private static NodeConditions ConditionsOf(NodeReport report, AnnouncementPolicy policy, List<ulong> services)
    {
        var conditions = report.Conditions & ~NodeConditions.HeldBack;
        if (services.Exists(report.Unprogrammed.Contains))
            conditions |= NodeConditions.NotProgrammed;
        if (report.HeldBack.Contains(policy.Name))
            conditions |= NodeConditions.HeldBack;
        return conditions;
    }

    private static bool HasEndpoint(IReadOnlyList<EndpointSliceFacts> slices, string node)
    {
        foreach (var slice in slices)
            foreach (var endpoint in slice.Endpoints)
                if (endpoint.NodeName == node && IsUsable(endpoint))
                    return true;
        return false;
    }

    // A node that may announce, and all that ranks it.
    private sealed record Candidate(string Node, NodeConditions Conditions, long Standing, int Preference, byte[] Digest) : IComparable<Candidate>
    {
        public int CompareTo(Candidate? other)
        {
            if (other is null)
                return 1;
            var order = Conditions.Severity().CompareTo(other.Conditions.Severity());
            if (order == 0 && Conditions is not NodeConditions.None)
                order = other.Standing.CompareTo(Standing);
            if (order == 0)
                order = other.Preference.CompareTo(Preference);
            return order != 0 ? order : Digest.AsSpan().SequenceCompareTo(other.Digest);
        }
    }
}

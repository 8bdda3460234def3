using Portolan.Core.Addresses;
using Portolan.Core.Cluster;

namespace Portolan.Core.Announcements;

/// <summary>All that decides who announces one Service, and what follows from it for each node: plainly, for those who ask why.</summary>
/// <param name="Service">The Service.</param>
/// <param name="Slices">Its endpoints.</param>
/// <param name="Address">Its first address.</param>
/// <param name="Advertisements">Those that advertise it.</param>
/// <param name="Policy">The policy for the address.</param>
/// <param name="Context">Nodes, living speakers and their reports.</param>
/// <param name="Sharers">The other Services with the same first address.</param>
/// <param name="Placed">The node that bounded placement gave the address to, or null.</param>
internal sealed record Ballot(
    ServiceFacts Service,
    IReadOnlyList<EndpointSliceFacts> Slices,
    IpAddress Address,
    IReadOnlyList<Layer2Advertisement> Advertisements,
    AnnouncementPolicy Policy,
    AnnouncementContext Context,
    IReadOnlyCollection<ObjectKey> Sharers,
    string? Placed = null)
{
    /// <summary>Whether a node may announce the Service.</summary>
    /// <returns><see cref="WithdrawalReason.None"/>, or why it may not.</returns>
    public WithdrawalReason Judge(string node)
    {
        foreach (var facts in Context.Nodes)
            if (facts.Name == node)
                return Judge(facts);
        return WithdrawalReason.NoSpeaker;
    }

    /// <summary>Elects, and says what it thinks of each node.</summary>
    /// <returns>The best first, those that may not announce last, by name.</returns>
    public Election Count()
    {
        var salt = "#" + Address;
        List<ulong> services = [ServiceDigest.Of(Service.Key), .. Sharers.Select(ServiceDigest.Of)];
        var candidates = new List<(NodeRank Rank, ulong Digest, NodeVerdict Verdict)>();
        var others = new List<NodeVerdict>();
        foreach (var node in Context.Nodes)
        {
            var reason = Judge(node);
            if (reason is not WithdrawalReason.None)
            {
                others.Add(new NodeVerdict(node.Name, reason));
                continue;
            }

            var report = Context.Reports.GetValueOrDefault(node.Name) ?? NodeReport.Well;
            var conditions = Eligibility.Conditions(report, Policy);
            if (services.Exists(report.Unprogrammed.Contains))
                conditions |= NodeConditions.NotProgrammed;
            var rank = NodeRank.Of(conditions, report.Standing, Eligibility.Preference(node, Advertisements, Policy));
            candidates.Add((rank, NodeOrder.Of(node.Name, salt), new NodeVerdict(node.Name, WithdrawalReason.NotOwner, conditions)));
        }

        candidates.Sort((a, b) =>
            a.Rank != b.Rank ? a.Rank.CompareTo(b.Rank)
            : a.Digest != b.Digest ? a.Digest.CompareTo(b.Digest)
            : NodeOrder.Compare(a.Verdict.Node, b.Verdict.Node, salt));
        if (candidates.FindIndex(candidate => candidate.Verdict.Node == Placed) is > 0 and var placed)
        {
            candidates.Insert(0, candidates[placed]);
            candidates.RemoveAt(placed + 1);
        }

        var verdicts = new List<NodeVerdict>(Context.Nodes.Count);
        foreach (var (_, _, verdict) in candidates)
            verdicts.Add(verdicts.Count == 0 ? verdict with { Reason = WithdrawalReason.None } : verdict);
        others.Sort((a, b) => string.CompareOrdinal(a.Node, b.Node));
        verdicts.AddRange(others);
        return new Election(candidates.Count > 0 ? candidates[0].Verdict.Node : null, verdicts);
    }

    private WithdrawalReason Judge(NodeFacts node)
    {
        var reason = Eligibility.Judge(node, Advertisements, Context);
        return reason is WithdrawalReason.None && Service.ExternalTrafficPolicy is TrafficPolicy.Local && !HasEndpoint(node.Name)
            ? WithdrawalReason.NoLocalEndpoints
            : reason;
    }

    private bool HasEndpoint(string node)
    {
        foreach (var slice in Slices)
            foreach (var endpoint in slice.Endpoints)
                if (endpoint.NodeName == node && Eligibility.IsUsable(endpoint))
                    return true;
        return false;
    }
}

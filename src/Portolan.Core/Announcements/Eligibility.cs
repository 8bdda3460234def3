using Portolan.Core.Cluster;

namespace Portolan.Core.Announcements;

/// <summary>What keeps a node out of an election for good, and what only ranks it down.</summary>
internal static class Eligibility
{
    /// <summary>Whether a node would be a candidate if it were up: configuration alone keeps it out.</summary>
    public static bool IsConfigured(NodeFacts node, IReadOnlyList<Layer2Advertisement> advertisements, AnnouncementContext context)
    {
        if (!context.IgnoreExcludeLabel && node.Labels.ContainsKey(Election.ExcludeLabel))
            return false;
        foreach (var advertisement in advertisements)
            if (advertisement.Selects(node))
                return true;
        return false;
    }

    /// <summary>Whether a node may announce what these advertisements advertise, endpoints aside: the contract's hard exclusions.</summary>
    /// <returns><see cref="WithdrawalReason.None"/>, or why it may not.</returns>
    public static WithdrawalReason Judge(NodeFacts node, IReadOnlyList<Layer2Advertisement> advertisements, AnnouncementContext context)
    {
        if (!context.LivingSpeakers.Contains(node.Name))
            return WithdrawalReason.NoSpeaker;
        if (node.NetworkUnavailable)
            return WithdrawalReason.NodeNetworkUnavailable;
        if (!context.IgnoreExcludeLabel && node.Labels.ContainsKey(Election.ExcludeLabel))
            return WithdrawalReason.NodeLabeledExcludeBalancers;
        foreach (var advertisement in advertisements)
            if (advertisement.Selects(node))
                return WithdrawalReason.None;
        return WithdrawalReason.NoMatchingAdvertisement;
    }

    /// <summary>What a node's report says against it under a policy, single Services aside.</summary>
    public static NodeConditions Conditions(NodeReport report, AnnouncementPolicy policy)
    {
        var conditions = report.Conditions & ~NodeConditions.HeldBack;
        return report.HeldBack.Count > 0 && report.HeldBack.Contains(policy.Name) ? conditions | NodeConditions.HeldBack : conditions;
    }

    /// <summary>The weights of all preferences that a node meets, the advertisements' and the policy's, added up.</summary>
    public static int Preference(NodeFacts node, IReadOnlyList<Layer2Advertisement> advertisements, AnnouncementPolicy policy)
    {
        var sum = policy.Preference(node);
        foreach (var advertisement in advertisements)
            sum += advertisement.Preference(node);
        return sum;
    }

    /// <summary>Whether an endpoint can take traffic: ready, or still serving while it terminates.</summary>
    public static bool IsUsable(EndpointFacts endpoint) => endpoint.Ready || endpoint.Serving;

    /// <summary>Whether any endpoint can take traffic.</summary>
    public static bool HasUsable(IEnumerable<EndpointSliceFacts> slices)
    {
        foreach (var slice in slices)
            foreach (var endpoint in slice.Endpoints)
                if (IsUsable(endpoint))
                    return true;
        return false;
    }
}

using System.Security.Cryptography;
using System.Text;
using Portolan.Core.Addresses;
using Portolan.Core.Cluster;

namespace Portolan.Core.Announcements;

/// <summary>Whether one node may announce a Service, and why not.</summary>
/// <param name="Node">The node's name.</param>
/// <param name="Reason"><see cref="WithdrawalReason.None"/> for the winner, <see cref="WithdrawalReason.NotOwner"/> for those next in line.</param>
public readonly record struct NodeVerdict(string Node, WithdrawalReason Reason);

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
    /// Elects the node that announces a Service. Every node that evaluates this with the same inputs gets the same answer, and so does
    /// MetalLB's speaker: over the nodes that are eligible, the most preferred first, then ascending SHA-256 of <c>node#address</c>.
    /// </summary>
    /// <param name="service">The Service.</param>
    /// <param name="slices">Its endpoints.</param>
    /// <param name="address">Its first address: the salt that spreads Services over the nodes, and on which all that share it agree.</param>
    /// <param name="advertisements">Those that advertise the Service.</param>
    /// <param name="context">Nodes and living speakers.</param>
    public static Election Elect(
        ServiceFacts service,
        IReadOnlyList<EndpointSliceFacts> slices,
        IpAddress address,
        IReadOnlyList<Layer2Advertisement> advertisements,
        AnnouncementContext context)
    {
        var salt = "#" + address;
        var eligible = new List<(string Node, int Preference, byte[] Digest)>();
        var others = new List<NodeVerdict>();
        foreach (var node in context.Nodes)
        {
            var reason = Judge(node, service, slices, advertisements, context);
            if (reason is WithdrawalReason.None)
                eligible.Add((node.Name, advertisements.Sum(advertisement => advertisement.Preference(node)), SHA256.HashData(Encoding.UTF8.GetBytes(node.Name + salt))));
            else
                others.Add(new NodeVerdict(node.Name, reason));
        }

        eligible.Sort((a, b) => a.Preference == b.Preference ? a.Digest.AsSpan().SequenceCompareTo(b.Digest) : b.Preference.CompareTo(a.Preference));
        others.Sort((a, b) => string.CompareOrdinal(a.Node, b.Node));
        var verdicts = new List<NodeVerdict>(context.Nodes.Count);
        foreach (var (node, _, _) in eligible)
            verdicts.Add(new NodeVerdict(node, verdicts.Count == 0 ? WithdrawalReason.None : WithdrawalReason.NotOwner));
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

    private static bool HasEndpoint(IReadOnlyList<EndpointSliceFacts> slices, string node)
    {
        foreach (var slice in slices)
            foreach (var endpoint in slice.Endpoints)
                if (endpoint.NodeName == node && IsUsable(endpoint))
                    return true;
        return false;
    }
}

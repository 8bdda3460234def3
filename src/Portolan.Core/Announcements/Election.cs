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

/// <summary>
/// Who announces a Service on layer 2. Every node that evaluates this with the same inputs gets the same answer: of the nodes that may announce it,
/// those with the least grave conditions come first (<see cref="NodeConditionsExtensions.Severity"/>), then the most preferred, then ascending
/// SHA-256 of <c>node#address</c>. Where no node has a condition this is the order of MetalLB's speaker. Where even the best have one, the node that
/// holds the address stays: <see cref="NodeReport.Standing"/> tells which it is. A dead speaker cannot announce, and is never elected.
/// </summary>
public sealed class Election : IEquatable<Election>
{
    /// <summary>The label that keeps a node out (KEP-1143).</summary>
    public const string ExcludeLabel = "node.kubernetes.io/exclude-from-external-load-balancers";

    /// <summary>Without any node.</summary>
    public static readonly Election Nobody = new(null, []);

    private readonly Func<Ballot>? _ballot;
    private readonly IReadOnlyList<NodeVerdict>? _verdicts;

    /// <summary>An election whose outcome is known.</summary>
    /// <param name="winner">The winner, or null.</param>
    /// <param name="verdicts">On every node.</param>
    public Election(string? winner, IReadOnlyList<NodeVerdict> verdicts) => (Winner, _verdicts) = (winner, verdicts);

    internal Election(string? winner, Func<Ballot> ballot) => (Winner, _ballot) = (winner, ballot);

    /// <summary>The announcing node, or null when there is none.</summary>
    public string? Winner { get; }

    /// <summary>
    /// What is thought of each node: those that may announce in the order in which they would take over, then the others by name.
    /// Those of an <see cref="AnnouncementIndex"/> are worked out when they are asked for, from what it knows then: ask where its changes are made.
    /// </summary>
    public IReadOnlyList<NodeVerdict> Verdicts => _verdicts ?? _ballot!().Count().Verdicts;

    /// <summary>The verdict on a node, or <see cref="WithdrawalReason.NoSpeaker"/> for one nobody has heard of.</summary>
    public WithdrawalReason Of(string node)
    {
        if (node == Winner)
            return WithdrawalReason.None;
        if (_ballot is not null)
            return _ballot().Judge(node) is var reason and not WithdrawalReason.None ? reason : WithdrawalReason.NotOwner;
        foreach (var verdict in Verdicts)
            if (verdict.Node == node)
                return verdict.Reason;
        return WithdrawalReason.NoSpeaker;
    }

    /// <summary>Elections are equal when the same node wins.</summary>
    public bool Equals(Election? other) => other is not null && Winner == other.Winner;

    /// <inheritdoc/>
    public override bool Equals(object? obj) => Equals(obj as Election);

    /// <inheritdoc/>
    public override int GetHashCode() => Winner is null ? 0 : string.GetHashCode(Winner, StringComparison.Ordinal);
}

using Portolan.Core.Addresses;
using Portolan.Core.Announcements;
using Portolan.Core.Cluster;

namespace Portolan.Speaker.Moves;

/// <summary>What is known of a node that an address may have come from.</summary>
/// <param name="node">The node's name.</param>
/// <param name="family">The address's family.</param>
/// <returns>The node's address of that family, reached without a router; null when there is none, or when the node does not forward any more.</returns>
internal delegate IpAddress? FormerHolder(string node, IpFamily family);

/// <summary>
/// Which addresses came to this node by a planned move, that is from a node that still forwards, and until when connections that it knows are left
/// to it. An address that came because its node died is not among them: nobody knows its connections any more. Pure: time is passed in, as microseconds.
/// </summary>
/// <param name="self">The node this speaker runs on.</param>
internal sealed class PlannedMoves(string self)
{
    /// <summary>How long connections are left to the former holder, at the most.</summary>
    internal static readonly TimeSpan Longest = TimeSpan.FromSeconds(60);

    private readonly Dictionary<ObjectKey, Held> _held = [];
    private readonly Dictionary<IpAddress, Handover> _moves = [];

    /// <summary>Who announced a Service by the last plan, and what; under <c>announceFrom: all</c> these nodes did.</summary>
    private readonly record struct Held(string Node, IReadOnlyList<AnsweringNode> Answering, IReadOnlyList<IpAddress> Addresses);

    /// <summary>What is handed over.</summary>
    public IReadOnlyCollection<Handover> All => _moves.Values;

    /// <summary>When <see cref="Expire"/> has something to do, or null.</summary>
    public long? Deadline { get; private set; }

    /// <summary>Takes the new plan of a Service.</summary>
    /// <param name="service">The Service.</param>
    /// <param name="plan">Its plan; null: it is gone.</param>
    /// <param name="isStarting">
    /// This node has only now begun to announce, and knows no earlier plan: it was the next in line that stood in for it.
    /// </param>
    /// <param name="formerHolder">Tells of the nodes.</param>
    /// <param name="now">The present.</param>
    /// <param name="added">Gets the addresses that came by a planned move, and those that came so again.</param>
    public void On(ObjectKey service, AnnouncementPlan? plan, bool isStarting, FormerHolder formerHolder, long now, List<Handover> added)
    {
        var before = _held.TryGetValue(service, out var held) ? held : (Held?)null;
        if (plan?.Election.Winner is not { } winner)
        {
            _held.Remove(service);
            return;
        }

        _held[service] = new Held(winner, plan.Answering, plan.Addresses);
        if (plan.On(self) is not WithdrawalReason.None)
            return;
        foreach (var address in plan.Addresses)
        {
            var node = before is { } known && known.Addresses.Contains(address) ? Former(known, plan, address, formerHolder)
                : !isStarting ? null
                : plan.Answering.Count == 0 ? NextInLine(plan, address, formerHolder)
                : NextSharer(plan, [self], address, formerHolder);
            if (node is null || node == self || formerHolder(node, address.Family) is not { } holder)
                continue;
            var move = new Handover(address, node, holder, now + (long)Longest.TotalMicroseconds);
            if (_moves.TryGetValue(address, out var same) && same == move)
                continue; // another Service that shares the address said it already
            _moves[address] = move;
            added.Add(move);
            Deadline ??= move.Until; // what was there before ends no later
        }
    }

    /// <summary>Lets time pass.</summary>
    /// <returns>Whether anything ended. The kernel ends it by itself.</returns>
    public bool Expire(long now) => Drop(move => move.Until <= now);

    /// <summary>Something was heard of other nodes: what came from one that does not forward any more is handed over no longer.</summary>
    /// <returns>Whether anything ended.</returns>
    public bool Keep(FormerHolder formerHolder) => Drop(move => formerHolder(move.Node, move.Address.Family) != move.Holder);

    // Of nodes that share an address, one that leaves is followed.
    private string? Former(Held before, AnnouncementPlan plan, IpAddress address, FormerHolder formerHolder)
    {
        if (plan.Answering.Count == 0)
            return before.Node;
        List<string> had = before.Answering.Count == 0 ? [before.Node] : [.. before.Answering.Select(answering => answering.Node)];
        List<string> have = [.. plan.Answering.Select(answering => answering.Node)];
        return had.Except(have).FirstOrDefault(node => formerHolder(node, address.Family) is not null)
            ?? NextSharer(plan, [.. have.Except(had)], address, formerHolder);
    }

    // Where a node joins, its clients come from all the others: what belongs to no connection of one of them goes on to the next, in the order of their
    // names. The steps that a packet takes are limited (HandoverShape), so with more nodes than that some connections are not found.
    private string? NextSharer(AnnouncementPlan plan, List<string> joined, IpAddress address, FormerHolder formerHolder)
    {
        if (joined.Count == 0)
            return null;
        var isJoining = joined.Contains(self);
        foreach (var (node, _) in plan.Answering)
            if (!joined.Contains(node) && (isJoining || string.CompareOrdinal(node, self) > 0) && formerHolder(node, address.Family) is not null)
                return node;
        return null;
    }

    private static string? NextInLine(AnnouncementPlan plan, IpAddress address, FormerHolder formerHolder)
    {
        foreach (var verdict in plan.Election.Verdicts)
            if (verdict.Reason is WithdrawalReason.NotOwner && formerHolder(verdict.Node, address.Family) is not null)
                return verdict.Node;
        return null;
    }

    private bool Drop(Predicate<Handover> ends)
    {
        var ended = _moves.Values.Where(move => ends(move)).ToList();
        foreach (var move in ended)
            _moves.Remove(move.Address);
        Deadline = _moves.Count == 0 ? null : _moves.Values.Min(move => move.Until);
        return ended.Count > 0;
    }
}

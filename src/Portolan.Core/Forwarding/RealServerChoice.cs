using System.Collections.Immutable;
using System.Runtime.InteropServices;

namespace Portolan.Core.Forwarding;

/// <summary>Which rule chose the real servers.</summary>
public enum ChoiceReason : byte
{
    /// <summary>Every endpoint that is ready.</summary>
    Ready,

    /// <summary>The ready endpoints hinted at this node (<c>hints.forNodes</c>).</summary>
    SameNode,

    /// <summary>The ready endpoints hinted at this node's zone (<c>hints.forZones</c>).</summary>
    SameZone,

    /// <summary>No endpoint is ready; those still serve while they terminate.</summary>
    ServingTerminating,

    /// <summary>No endpoint is usable.</summary>
    None,
}

/// <summary>The real servers of a policy, in their order, and why these.</summary>
public sealed class RealServerChoice : IEquatable<RealServerChoice>
{
    private const EndpointTraits Draining = EndpointTraits.Serving | EndpointTraits.Terminating;

    private readonly SlotList? _slots; // null: one for each real server

    /// <summary>No real server.</summary>
    public static RealServerChoice None { get; } = new([], ChoiceReason.None);

    /// <summary>A choice where every real server gets the same.</summary>
    /// <param name="servers">Without duplicates, sorted.</param>
    /// <param name="reason">The rule that chose them.</param>
    public RealServerChoice(ImmutableArray<RealServer> servers, ChoiceReason reason) => (Servers, Reason) = (servers, reason);

    /// <summary>A choice with slots of its own.</summary>
    /// <param name="servers">Without duplicates, sorted.</param>
    /// <param name="reason">The rule that chose them.</param>
    /// <param name="scheduler">How a connection gets its slot.</param>
    /// <param name="slots">The index of each slot's real server; null for one slot each.</param>
    internal RealServerChoice(ImmutableArray<RealServer> servers, ChoiceReason reason, Scheduler scheduler, ushort[]? slots)
    {
        (Servers, Reason, Scheduler) = (servers, reason, scheduler);
        _slots = slots is null ? null : new SlotList(servers, slots);
    }

    /// <summary>The real servers, sorted, without duplicates.</summary>
    public ImmutableArray<RealServer> Servers { get; }

    /// <summary>The rule that chose them.</summary>
    public ChoiceReason Reason { get; }

    /// <summary>How a connection gets its slot.</summary>
    public Scheduler Scheduler { get; }

    /// <summary>
    /// What connections are spread over evenly. Unless the Service asks for more these are the real servers; with weights some have several
    /// slots; with maglev they share all slots of a table, and the order matters.
    /// </summary>
    public IReadOnlyList<RealServer> Slots => _slots ?? (IReadOnlyList<RealServer>)ImmutableCollectionsMarshal.AsArray(Servers)!;

    /// <inheritdoc/>
    public bool Equals(RealServerChoice? other) => ReferenceEquals(this, other) || (other is not null && Reason == other.Reason && Scheduler == other.Scheduler
        && Servers.AsSpan().SequenceEqual(other.Servers.AsSpan()) && HasSameSlots(other));

    // Of the same real servers.
    private bool HasSameSlots(RealServerChoice other) =>
        _slots is null || other._slots is null ? _slots is null && other._slots is null : _slots.Indexes.AsSpan().SequenceEqual(other._slots.Indexes);

    /// <inheritdoc/>
    public override bool Equals(object? obj) => Equals(obj as RealServerChoice);

    /// <inheritdoc/>
    public override int GetHashCode() => HashCode.Combine(Reason, Servers.Length);

    /// <summary>
    /// What the policy Cluster chooses: the ready endpoints, narrowed to this node or this zone where every one of them carries such a
    /// hint and one names ours; where none is ready, those that still serve while they terminate, wherever they are.
    /// </summary>
    /// <param name="candidates">Sorted.</param>
    /// <param name="balance">How connections are spread.</param>
    /// <param name="before">What was chosen before: the same again is not made anew.</param>
    internal static RealServerChoice Cluster(ReadOnlySpan<Candidate> candidates, Balance balance, RealServerChoice before)
    {
        var ready = Count(candidates, EndpointTraits.Ready);
        if (ready == 0)
            return Spread(candidates, Draining, ChoiceReason.ServingTerminating, balance, before, None);
        var (traits, reason) = (EndpointTraits.Ready, ChoiceReason.Ready);
        if (Count(candidates, EndpointTraits.Ready | EndpointTraits.NodeHints) == ready && Count(candidates, EndpointTraits.Ready | EndpointTraits.HintsHere) > 0)
            (traits, reason) = (EndpointTraits.Ready | EndpointTraits.HintsHere, ChoiceReason.SameNode);
        else if (Count(candidates, EndpointTraits.Ready | EndpointTraits.ZoneHints) == ready && Count(candidates, EndpointTraits.Ready | EndpointTraits.HintsZone) > 0)
            (traits, reason) = (EndpointTraits.Ready | EndpointTraits.HintsZone, ChoiceReason.SameZone);
        return Spread(candidates, traits, reason, balance, before, None);
    }

    /// <summary>What the policy Local chooses: this node's ready endpoints; where none is ready, this node's that still serve while they terminate.</summary>
    /// <param name="candidates">Sorted.</param>
    /// <param name="balance">How connections are spread.</param>
    /// <param name="before">What was chosen before.</param>
    /// <param name="cluster">What the policy Cluster chooses: where it is the same, it is kept once.</param>
    internal static RealServerChoice Local(ReadOnlySpan<Candidate> candidates, Balance balance, RealServerChoice before, RealServerChoice cluster) =>
        Count(candidates, EndpointTraits.Here | EndpointTraits.Ready) > 0
            ? Spread(candidates, EndpointTraits.Here | EndpointTraits.Ready, ChoiceReason.Ready, balance, before, cluster)
            : Spread(candidates, EndpointTraits.Here | Draining, ChoiceReason.ServingTerminating, balance, before, cluster);

    private static RealServerChoice Spread(
        ReadOnlySpan<Candidate> candidates, EndpointTraits traits, ChoiceReason reason, Balance balance, RealServerChoice before, RealServerChoice cluster)
    {
        if (Count(candidates, traits) == 0)
            return None;
        if (!balance.IsPlain)
            return balance.Spread(candidates, traits, reason);
        var servers = Pick(candidates, traits, before.Servers, cluster.Servers);
        return before.Is(servers, reason) ? before : cluster.Is(servers, reason) ? cluster : new RealServerChoice(servers, reason);
    }

    private bool Is(ImmutableArray<RealServer> servers, ChoiceReason reason) =>
        Servers == servers && Reason == reason && _slots is null && Scheduler is Scheduler.Random;

    /// <summary>The real servers of the candidates that have all these traits.</summary>
    /// <param name="candidates">Sorted.</param>
    /// <param name="traits">All of them.</param>
    /// <param name="like">Returned where it is the same.</param>
    /// <param name="orLike">Likewise.</param>
    internal static ImmutableArray<RealServer> Pick(
        ReadOnlySpan<Candidate> candidates, EndpointTraits traits, ImmutableArray<RealServer> like, ImmutableArray<RealServer> orLike)
    {
        var count = Count(candidates, traits);
        if (count == 0)
            return [];
        if (count == like.Length && Are(candidates, traits, like.AsSpan()))
            return like;
        if (count == orLike.Length && Are(candidates, traits, orLike.AsSpan()))
            return orLike;
        var servers = new RealServer[count];
        var next = 0;
        foreach (ref readonly var candidate in candidates)
        {
            if (candidate.Has(traits))
                servers[next++] = candidate.Server;
        }

        return ImmutableCollectionsMarshal.AsImmutableArray(servers);
    }

    private static bool Are(ReadOnlySpan<Candidate> candidates, EndpointTraits traits, ReadOnlySpan<RealServer> servers)
    {
        var next = 0;
        foreach (ref readonly var candidate in candidates)
        {
            if (candidate.Has(traits) && candidate.Server != servers[next++])
                return false;
        }

        return true;
    }

    private static int Count(ReadOnlySpan<Candidate> candidates, EndpointTraits traits)
    {
        var count = 0;
        foreach (ref readonly var candidate in candidates)
            count += candidate.Has(traits) ? 1 : 0;
        return count;
    }
}

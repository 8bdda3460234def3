using Portolan.Core.Cluster;

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
    /// <summary>No real server.</summary>
    public static RealServerChoice None { get; } = new([], ChoiceReason.None);

    /// <summary>A choice where every real server gets the same.</summary>
    /// <param name="servers">Without duplicates, sorted.</param>
    /// <param name="reason">The rule that chose them.</param>
    public RealServerChoice(IReadOnlyList<RealServer> servers, ChoiceReason reason) => (Servers, Reason, Slots) = (servers, reason, servers);

    /// <summary>A choice with slots of its own.</summary>
    /// <param name="servers">Without duplicates, sorted.</param>
    /// <param name="reason">The rule that chose them.</param>
    /// <param name="scheduler">How a connection gets its slot.</param>
    /// <param name="slots">The index of each slot's real server; null for one slot each.</param>
    internal RealServerChoice(IReadOnlyList<RealServer> servers, ChoiceReason reason, Scheduler scheduler, ushort[]? slots)
    {
        (Servers, Reason, Scheduler) = (servers, reason, scheduler);
        Slots = slots is null ? servers : new SlotList(servers, slots);
    }

    /// <summary>The real servers, sorted, without duplicates.</summary>
    public IReadOnlyList<RealServer> Servers { get; }

    /// <summary>The rule that chose them.</summary>
    public ChoiceReason Reason { get; }

    /// <summary>How a connection gets its slot.</summary>
    public Scheduler Scheduler { get; }

    /// <summary>
    /// What connections are spread over evenly. Unless the Service asks for more these are the real servers; with weights some have several
    /// slots; with maglev they share all slots of a table, and the order matters.
    /// </summary>
    public IReadOnlyList<RealServer> Slots { get; }

    /// <inheritdoc/>
    public bool Equals(RealServerChoice? other) => other is not null && Reason == other.Reason && Scheduler == other.Scheduler
        && Servers.SequenceEqual(other.Servers) && HasSameSlots(other);

    // Of the same real servers.
    private bool HasSameSlots(RealServerChoice other) => (Slots as SlotList)?.Indexes.SequenceEqual((other.Slots as SlotList)?.Indexes ?? []) ?? other.Slots is not SlotList;

    /// <inheritdoc/>
    public override bool Equals(object? obj) => Equals(obj as RealServerChoice);

    /// <inheritdoc/>
    public override int GetHashCode() => HashCode.Combine(Reason, Servers.Count);

    /// <summary>
    /// What the policy Cluster chooses: the ready endpoints, narrowed to this node or this zone where every one of them carries such a
    /// hint and one names ours; where none is ready, those that still serve while they terminate, wherever they are.
    /// </summary>
    internal static RealServerChoice Cluster(IReadOnlyCollection<Candidate> candidates, ForwardingContext context, Balance balance)
    {
        var ready = candidates.Where(candidate => candidate.Endpoint.Ready).ToList();
        if (ready.Count == 0)
            return Terminating(candidates, balance);
        var (narrowed, reason) = (ready, ChoiceReason.Ready);
        if (ready.TrueForAll(candidate => candidate.Endpoint.NodeHints.Count > 0)
            && ready.FindAll(candidate => candidate.Endpoint.NodeHints.Contains(context.NodeName)) is { Count: > 0 } sameNode)
            (narrowed, reason) = (sameNode, ChoiceReason.SameNode);
        else if (context.Zone is { Length: > 0 } zone && ready.TrueForAll(candidate => candidate.Endpoint.ZoneHints.Count > 0)
            && ready.FindAll(candidate => candidate.Endpoint.ZoneHints.Contains(zone)) is { Count: > 0 } sameZone)
            (narrowed, reason) = (sameZone, ChoiceReason.SameZone);
        return Spread(narrowed, reason, balance);
    }

    /// <summary>What the policy Local chooses: this node's ready endpoints; where none is ready, this node's that still serve while they terminate.</summary>
    internal static RealServerChoice Local(IEnumerable<Candidate> candidates, ForwardingContext context, Balance balance)
    {
        var local = candidates.Where(candidate => candidate.Endpoint.NodeName.Length > 0 && candidate.Endpoint.NodeName == context.NodeName).ToList();
        var ready = local.FindAll(candidate => candidate.Endpoint.Ready);
        return ready.Count > 0 ? Spread(ready, ChoiceReason.Ready, balance) : Terminating(local, balance);
    }

    /// <summary>Whose flows may go on (<see cref="ServicePortPlan.Present"/>).</summary>
    internal static RealServer[] Present(Protocol protocol, IReadOnlyCollection<Candidate> candidates, ForwardingContext context) => protocol switch
    {
        Protocol.Udp => Sorted([.. candidates.Where(candidate => candidate.Endpoint.Ready || candidate.Endpoint.Serving)]),
        Protocol.Tcp when context.EndsTcpFlows => Sorted([.. candidates]),
        _ => [],
    };

    private static RealServerChoice Terminating(IEnumerable<Candidate> candidates, Balance balance)
    {
        var serving = candidates.Where(candidate => candidate.Endpoint is { Serving: true, Terminating: true }).ToList();
        return serving.Count > 0 ? Spread(serving, ChoiceReason.ServingTerminating, balance) : None;
    }

    private static RealServerChoice Spread(List<Candidate> candidates, ChoiceReason reason, Balance balance) =>
        balance.IsPlain ? new RealServerChoice(Sorted(candidates), reason) : balance.Spread(candidates, reason);

    /// <summary>Their real servers in order.</summary>
    internal static RealServer[] Sorted(List<Candidate> candidates)
    {
        var servers = new RealServer[candidates.Count];
        for (var i = 0; i < servers.Length; i++)
            servers[i] = candidates[i].Server;
        Array.Sort(servers);
        return servers;
    }

    /// <summary>An endpoint that has the port.</summary>
    internal readonly record struct Candidate(RealServer Server, EndpointFacts Endpoint);
}

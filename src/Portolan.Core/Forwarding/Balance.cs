using Portolan.Core.Addresses;

namespace Portolan.Core.Forwarding;

/// <summary>How the connections of a Service are spread: what it asks for, and which endpoints are new.</summary>
/// <param name="Scheduling">What the Service asks for.</param>
/// <param name="Ages">How long those have been ready that are new.</param>
internal readonly record struct Balance(Scheduling Scheduling, IReadOnlyDictionary<IpAddress, TimeSpan>? Ages)
{
    private const int MaxServers = 1 << 16; // an index fits 16 bits

    /// <summary>Every real server gets the same, at random.</summary>
    internal bool IsPlain => Scheduling.Scheduler is Scheduler.Random && !Scheduling.HasWeights && Ages is not { Count: > 0 };

    /// <summary>
    /// The choice with its slots. A real server of weight 0 is not chosen; but where all have weight 0 the weights say nothing about who
    /// should serve, and they are as good as equal.
    /// </summary>
    internal RealServerChoice Spread(List<RealServerChoice.Candidate> candidates, ChoiceReason reason)
    {
        if (candidates.Count > MaxServers)
            return new RealServerChoice(RealServerChoice.Sorted(candidates), reason);
        var scheduling = Scheduling;
        if (candidates.Exists(candidate => scheduling.Weight(candidate.Endpoint) > 0))
            candidates = candidates.FindAll(candidate => scheduling.Weight(candidate.Endpoint) > 0);
        candidates.Sort((left, right) => left.Server.CompareTo(right.Server));
        var servers = new RealServer[candidates.Count];
        var weights = new int[candidates.Count];
        for (var i = 0; i < servers.Length; i++)
        {
            servers[i] = candidates[i].Server;
            weights[i] = Math.Max(1, scheduling.Weight(candidates[i].Endpoint)) * Tenths(candidates[i].Endpoint.Address);
        }

        var slots = scheduling.Scheduler is Scheduler.Maglev
            ? MaglevTable.Build(servers, weights, MaglevTable.SizeFor(scheduling.TableSize, servers.Length))
            : WeightedSlots.Of(weights);
        return new RealServerChoice(servers, reason, scheduling.Scheduler, slots);
    }

    private int Tenths(IpAddress address) =>
        Ages is not null && Ages.TryGetValue(address, out var age) ? SlowStart.Tenths(age, Scheduling.SlowStart) : SlowStart.Full;
}

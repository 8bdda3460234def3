using System.Runtime.InteropServices;
using Portolan.Core.Addresses;

namespace Portolan.Core.Forwarding;

/// <summary>How the connections of a Service are spread: what it asks for, and which endpoints are new.</summary>
/// <param name="Scheduling">What the Service asks for.</param>
/// <param name="Ages">How long those have been ready that are new.</param>
/// <param name="IsIpvs">IPVS schedules: only weights matter.</param>
internal readonly record struct Balance(Scheduling Scheduling, IReadOnlyDictionary<IpAddress, TimeSpan>? Ages, bool IsIpvs = false)
{
    private const int MaxServers = 1 << 16; // an index fits 16 bits

    private Scheduler Scheduler => IsIpvs ? Scheduler.Random : Scheduling.Scheduler;

    /// <summary>Every real server gets the same, at random.</summary>
    internal bool IsPlain => Scheduler is Scheduler.Random && !Scheduling.HasWeights && Ages is not { Count: > 0 };

    /// <summary>
    /// The choice with its slots. A real server of weight 0 is not chosen; but where all have weight 0 the weights say nothing about who
    /// should serve, and they are as good as equal.
    /// </summary>
    /// <param name="candidates">Sorted.</param>
    /// <param name="traits">What those have that are chosen from; one does.</param>
    /// <param name="reason">The rule that chose them.</param>
    internal RealServerChoice Spread(ReadOnlySpan<Candidate> candidates, EndpointTraits traits, ChoiceReason reason)
    {
        var scheduling = Scheduling;
        var usable = new List<Candidate>(candidates.Length);
        foreach (var candidate in candidates)
        {
            if (candidate.Has(traits))
                usable.Add(candidate);
        }

        if (usable.Count > MaxServers)
            return new RealServerChoice([.. usable.Select(candidate => candidate.Server)], reason);
        if (usable.Exists(candidate => scheduling.Weight(candidate.Endpoint) > 0))
            usable.RemoveAll(candidate => scheduling.Weight(candidate.Endpoint) == 0);
        var servers = new RealServer[usable.Count];
        var weights = new int[usable.Count];
        for (var i = 0; i < servers.Length; i++)
        {
            servers[i] = usable[i].Server;
            weights[i] = Math.Max(1, scheduling.Weight(usable[i].Endpoint)) * Tenths(usable[i].Endpoint.Address);
        }

        var slots = Scheduler is Scheduler.Maglev
            ? MaglevTable.Build(servers, weights, MaglevTable.SizeFor(scheduling.TableSize, servers.Length))
            : WeightedSlots.Of(weights);
        return new RealServerChoice(ImmutableCollectionsMarshal.AsImmutableArray(servers), reason, Scheduler, slots);
    }

    private int Tenths(IpAddress address) =>
        Ages is not null && Ages.TryGetValue(address, out var age) ? SlowStart.Tenths(age, Scheduling.SlowStart) : SlowStart.Full;
}

using System.Runtime.InteropServices;
using Portolan.Core.Cluster;

namespace Portolan.Core.Forwarding;

/// <summary>What matters of an endpoint on this node.</summary>
[Flags]
internal enum EndpointTraits : ushort
{
    None = 0,
    Ready = 1,
    Serving = 2,
    Terminating = 4,

    /// <summary>It is on this node.</summary>
    Here = 8,

    /// <summary>It carries hints of nodes, whichever.</summary>
    NodeHints = 16,

    /// <summary>One of them names this node.</summary>
    HintsHere = 32,

    /// <summary>It carries hints of zones, whichever.</summary>
    ZoneHints = 64,

    /// <summary>One of them names this node's zone.</summary>
    HintsZone = 128,

    /// <summary>Ready or serving.</summary>
    Usable = 256,
}

/// <summary>An endpoint that has a Service port.</summary>
internal readonly record struct Candidate(RealServer Server, EndpointFacts Endpoint, EndpointTraits Traits) : IComparable<Candidate>
{
    internal bool Has(EndpointTraits traits) => (Traits & traits) == traits;

    /// <summary>By real server; of one that is there twice the one that counts comes first.</summary>
    public int CompareTo(Candidate other) => Server.CompareTo(other.Server) is not 0 and var order ? order : Rank(other).CompareTo(Rank(this)) is not 0 and var rank ? rank
        : string.CompareOrdinal(Endpoint.NodeName, other.Endpoint.NodeName);

    // With the node's name it is total: the order of the slices does not matter.
    private static int Rank(in Candidate candidate) =>
        (candidate.Has(EndpointTraits.Terminating) ? 0 : 4) + (candidate.Has(EndpointTraits.Ready) ? 2 : 0) + (candidate.Has(EndpointTraits.Serving) ? 1 : 0);
}

/// <summary>The endpoints that have a Service port, sorted, each real server once. One after the other in the same memory: events come often.</summary>
internal sealed class Candidates
{
    private readonly List<Candidate> _all = [];

    /// <summary>Those of a Service port.</summary>
    /// <returns>Valid until the next call.</returns>
    internal ReadOnlySpan<Candidate> Of(in ServicePortKey port, IReadOnlyList<EndpointSliceFacts> slices, ForwardingContext context)
    {
        _all.Clear();
        for (var i = 0; i < slices.Count; i++)
        {
            var slice = slices[i];
            if (slice.Family != port.Family)
                continue;
            for (var n = 0; n < slice.Ports.Count; n++)
            {
                var offered = slice.Ports[n];
                if (offered.Protocol == port.Protocol && offered.Port != 0 && offered.Name == port.PortName)
                    Add(slice.Endpoints, offered.Port, context);
            }
        }

        var all = CollectionsMarshal.AsSpan(_all);
        if (IsSorted(all))
            return all;
        all.Sort();
        return Distinct(all);
    }

    private void Add(IReadOnlyList<EndpointFacts> endpoints, ushort port, ForwardingContext context)
    {
        for (var i = 0; i < endpoints.Count; i++)
        {
            var endpoint = endpoints[i];
            _all.Add(new Candidate(new RealServer(endpoint.Address, port), endpoint, Traits(endpoint, context)));
        }
    }

    private static EndpointTraits Traits(EndpointFacts endpoint, ForwardingContext context)
    {
        var traits = (endpoint.Ready ? EndpointTraits.Ready : 0) | (endpoint.Serving ? EndpointTraits.Serving : 0) | (endpoint.Terminating ? EndpointTraits.Terminating : 0);
        if (endpoint.Ready || endpoint.Serving)
            traits |= EndpointTraits.Usable;
        if (endpoint.NodeName.Length > 0 && endpoint.NodeName == context.NodeName)
            traits |= EndpointTraits.Here;
        if (endpoint.NodeHints.Count > 0)
            traits |= EndpointTraits.NodeHints | (endpoint.NodeHints.Contains(context.NodeName) ? EndpointTraits.HintsHere : 0);
        if (endpoint.ZoneHints.Count > 0)
            traits |= EndpointTraits.ZoneHints | (context.Zone.Length > 0 && endpoint.ZoneHints.Contains(context.Zone) ? EndpointTraits.HintsZone : 0);
        return traits;
    }

    private static bool IsSorted(ReadOnlySpan<Candidate> candidates)
    {
        for (var i = 1; i < candidates.Length; i++)
        {
            if (candidates[i - 1].Server.CompareTo(candidates[i].Server) >= 0)
                return false;
        }

        return true;
    }

    // The same address and port may be in two slices for a moment, when an endpoint moves or an address is used again:
    // the one that is not on its way out counts.
    private static ReadOnlySpan<Candidate> Distinct(Span<Candidate> sorted)
    {
        var count = 1;
        for (var i = 1; i < sorted.Length; i++)
        {
            if (sorted[i].Server != sorted[count - 1].Server)
                sorted[count++] = sorted[i];
        }

        return sorted[..count];
    }
}

using Portolan.Core.Addresses;

namespace Portolan.Proxy.Configuration;

/// <summary>The addresses of this node that node ports answer at.</summary>
internal sealed record NodePortReach
{
    private const int MostInLog = 10;

    /// <summary>Blocks of addresses, loopback ones left out.</summary>
    internal IReadOnlyList<IpPrefix> Prefixes { get; init; } = [];

    /// <summary>Also at 127.0.0.0/8.</summary>
    internal bool LoopbackIPv4 { get; init; }

    /// <summary>Also at ::1.</summary>
    internal bool LoopbackIPv6 { get; init; }

    /// <summary>The node's own address in each family whose node ports answer at loopback. Without one they do not: something has to be sent from.</summary>
    internal IReadOnlyList<IpAddress> LoopbackSources { get; init; } = [];

    /// <summary>The same addresses in the same order.</summary>
    public bool Equals(NodePortReach? other) =>
        other is not null && LoopbackIPv4 == other.LoopbackIPv4 && LoopbackIPv6 == other.LoopbackIPv6 && Prefixes.SequenceEqual(other.Prefixes)
        && LoopbackSources.SequenceEqual(other.LoopbackSources);

    /// <summary>The addresses, for the log: a whole family but loopback is more blocks than anybody reads.</summary>
    public override string ToString()
    {
        var parts = Prefixes.Take(MostInLog).Select(prefix => prefix.ToString()).ToList();
        if (Prefixes.Count > MostInLog)
            parts.Add($"{Prefixes.Count - MostInLog} more blocks");
        parts.AddRange(LoopbackSources.Select(source => source.IsIPv4 ? "127.0.0.1" : "::1"));
        return parts.Count == 0 ? "no address" : string.Join(", ", parts);
    }

    public override int GetHashCode() => HashCode.Combine(Prefixes.Count, LoopbackIPv4, LoopbackIPv6);
}

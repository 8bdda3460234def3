using Portolan.Core.Addresses;

namespace Portolan.Proxy.Configuration;

/// <summary>The addresses of this node that node ports answer at.</summary>
internal sealed record NodePortReach
{
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

    /// <summary>Node ports answer nowhere.</summary>
    internal bool IsNowhere => Prefixes.Count == 0 && LoopbackSources.Count == 0;

    /// <summary>The addresses, for the log: a whole family but loopback is more blocks than anybody reads.</summary>
    public override string ToString() => IsNowhere
        ? "no address"
        : string.Join(", ", [.. Described(IpFamily.IPv4), .. Described(IpFamily.IPv6), .. LoopbackSources.Select(source => source.IsIPv4 ? "127.0.0.1" : "::1")]);

    private IEnumerable<string> Described(IpFamily family)
    {
        var prefixes = Prefixes.Where(prefix => prefix.Address.Family == family).ToList();
        return prefixes.SequenceEqual(NodePortAddresses.ButLoopback(IpPrefix.Containing(IpAddress.Of(family, 0), 0)))
            ? [$"every {family} address but loopback"]
            : prefixes.Select(prefix => prefix.ToString());
    }

    public override int GetHashCode() => HashCode.Combine(Prefixes.Count, LoopbackIPv4, LoopbackIPv6);
}

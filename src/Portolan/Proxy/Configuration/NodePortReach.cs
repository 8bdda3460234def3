using Portolan.Core.Addresses;

namespace Portolan.Proxy.Configuration;

/// <summary>The addresses of this node that node ports answer at.</summary>
internal sealed record NodePortReach
{
    /// <summary>Blocks of addresses, loopback ones left out.</summary>
    internal IReadOnlyList<IpPrefix> Prefixes { get; init; } = [];

    /// <summary>Also at 127.0.0.1.</summary>
    internal bool LoopbackIPv4 { get; init; }

    /// <summary>Also at ::1.</summary>
    internal bool LoopbackIPv6 { get; init; }

    /// <summary>The same addresses in the same order.</summary>
    public bool Equals(NodePortReach? other) =>
        other is not null && LoopbackIPv4 == other.LoopbackIPv4 && LoopbackIPv6 == other.LoopbackIPv6 && Prefixes.SequenceEqual(other.Prefixes);

    public override int GetHashCode() => HashCode.Combine(Prefixes.Count, LoopbackIPv4, LoopbackIPv6);
}

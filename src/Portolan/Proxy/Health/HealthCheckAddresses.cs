using System.Net;
using Portolan.Core.Addresses;

namespace Portolan.Proxy.Health;

/// <summary>Where health check ports listen: where node ports answer.</summary>
internal static class HealthCheckAddresses
{
    /// <summary>Every address of both families, also those the node gets later.</summary>
    internal static readonly IReadOnlyList<IPAddress> All = [IPAddress.IPv6Any];

    /// <summary>The addresses to listen at.</summary>
    /// <param name="nodePortAddresses">Blocks of addresses that node ports answer at. Where nothing but loopback is missing, all are meant.</param>
    /// <param name="own">The node's addresses.</param>
    internal static IReadOnlyList<IPAddress> Of(IReadOnlyCollection<IpPrefix> nodePortAddresses, IEnumerable<IPAddress> own)
    {
        if (IsWhole(nodePortAddresses, IpFamily.IPv4) && IsWhole(nodePortAddresses, IpFamily.IPv6))
            return All;
        var chosen = new List<IPAddress>();
        foreach (var address in own)
        {
            var candidate = IpAddress.From(address);
            if (!address.IsIPv6LinkLocal && !chosen.Contains(address) && nodePortAddresses.Any(prefix => prefix.Contains(candidate)))
                chosen.Add(address);
        }

        return chosen;
    }

    private static bool IsWhole(IReadOnlyCollection<IpPrefix> prefixes, IpFamily family)
    {
        // Blocks that overlap contain each other, so those that no other contains add up.
        var outermost = prefixes.Distinct().Where(prefix => prefix.Address.Family == family).ToList();
        outermost.RemoveAll(inner => outermost.Exists(outer => outer.Length < inner.Length && outer.Contains(inner.Address)));
        if (outermost.Exists(prefix => prefix.Length == 0))
            return true;
        UInt128 count = 0;
        foreach (var prefix in outermost)
            count += UInt128.One << (prefix.Address.Bits - prefix.Length);
        return count == (family is IpFamily.IPv4 ? (UInt128.One << 32) - (UInt128.One << 24) : UInt128.MaxValue);
    }
}

namespace Portolan.Core.Addresses;

/// <summary>The counters of a pool, as IPAddressPool's status shows them. An address that several Services share counts once.</summary>
/// <param name="Pool">The pool's name.</param>
/// <param name="AssignedIPv4">IPv4 addresses in use.</param>
/// <param name="AssignedIPv6">IPv6 addresses in use.</param>
/// <param name="AvailableIPv4">IPv4 addresses left.</param>
/// <param name="AvailableIPv6">IPv6 addresses left; the largest int64 when there are more.</param>
public readonly record struct PoolUse(string Pool, long AssignedIPv4, long AssignedIPv6, long AvailableIPv4, long AvailableIPv6)
{
    /// <summary>Services that have an address of the pool; those that share one count each.</summary>
    public long Services { get; init; }
}

using Portolan.Core.Addresses.Policies;
using Portolan.Core.Cluster;

namespace Portolan.Core.Addresses;

/// <summary>Something about who holds an address has changed: it is free, or shared by others or on other terms.</summary>
internal readonly record struct Touched(IpAddress Address, string Key, string Backend);

/// <summary>
/// One walk through those who wait, the older first, that visits only those for whom something may have changed. What changes on the way
/// counts for those who come after.
/// </summary>
internal sealed class ServingRound(WaitingServices waiting, AddressLedger ledger, PolicyIndex policies)
{
    private readonly HashSet<(string Pool, IpFamily Family)> _pools = [];
    private readonly HashSet<(string Key, string Backend)> _groups = [];
    private readonly SortedSet<Waiter> _addressed = [];
    private Waiter? _last;

    public void Add(Touched touched)
    {
        if (ledger.Pools.Of(touched.Address) is { } pool)
        {
            _pools.Add((pool.Name, touched.Address.Family));

            // A namespace that has one less may have one more, wherever its quota counts.
            foreach (var together in policies.Together(pool.Name))
            {
                _pools.Add((together, IpFamily.IPv4));
                _pools.Add((together, IpFamily.IPv6));
            }
        }

        if (touched.Key.Length > 0 && waiting.AnyInGroup(touched.Key, touched.Backend))
            _groups.Add((touched.Key, touched.Backend));
        _addressed.UnionWith(waiting.OfAddress(touched.Address));
    }

    /// <summary>The next to look at.</summary>
    public bool TryNext(out ObjectKey service)
    {
        Waiter? next = null;
        foreach (var (pool, family) in _pools)
            if (ledger.HasFree(pool, family) || policies.Together(pool).Count > 0)
                next = Earlier(next, waiting.NextInPool(pool, family, _last));
        foreach (var (key, backend) in _groups)
            next = Earlier(next, waiting.NextInGroup(key, backend, _last));
        while (_addressed.Count > 0 && _addressed.Min.CompareTo(_last ?? default) <= 0 && _last is not null)
            _addressed.Remove(_addressed.Min);
        if (_addressed.Count > 0)
            next = Earlier(next, _addressed.Min);
        service = next?.Service ?? default;
        _last = next ?? _last;
        return next is not null;
    }

    private static Waiter? Earlier(Waiter? one, Waiter? other) => one is null || other?.CompareTo(one.Value) < 0 ? other : one;
}

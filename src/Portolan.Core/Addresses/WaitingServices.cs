using Portolan.Core.Cluster;

namespace Portolan.Core.Addresses;

/// <summary>A Service that waits, in the order of service: the older first.</summary>
internal readonly record struct Waiter(long CreatedAt, ObjectKey Service) : IComparable<Waiter>
{
    public int CompareTo(Waiter other) => CreatedAt != other.CreatedAt ? CreatedAt.CompareTo(other.CreatedAt) : Service.CompareTo(other.Service);
}

/// <summary>
/// What a Service waits for in pools. Of Services with equal wishes the first in line is served first, and where it cannot be served
/// none of the others can.
/// </summary>
/// <param name="Pools">Any of these.</param>
/// <param name="IPv4">An IPv4 address, alone or with the other.</param>
/// <param name="IPv6">An IPv6 address, alone or with the other.</param>
/// <param name="EitherWillDo">Where both are wanted: one is enough.</param>
/// <param name="Terms">The sharing terms of a Service that shares.</param>
/// <param name="Of">The one Service whose wish it is, when more than the pools decides whether it can be fulfilled.</param>
/// <param name="Namespace">The namespace, where it may have so many addresses only.</param>
internal sealed record PoolWish(IReadOnlyList<AddressPool> Pools, bool IPv4, bool IPv6, bool EitherWillDo, SharingTerms? Terms, ObjectKey? Of = null, string? Namespace = null)
{
    public bool Equals(PoolWish? other) =>
        other is not null && (IPv4, IPv6, EitherWillDo) == (other.IPv4, other.IPv6, other.EitherWillDo) && Equals(Terms, other.Terms) && Of == other.Of && Namespace == other.Namespace
        && (ReferenceEquals(Pools, other.Pools) || Pools.SequenceEqual(other.Pools));

    public override int GetHashCode() => HashCode.Combine(Pools.Count, Pools.Count > 0 ? Pools[0] : null, IPv4, IPv6, EitherWillDo, Terms, Of, Namespace);
}

/// <summary>
/// Who waits for an address, filed under what could bring one, so that an address that becomes free costs no more than the Services that
/// it serves, however many wait.
/// </summary>
internal sealed class WaitingServices
{
    private readonly Dictionary<ObjectKey, Place> _places = [];
    private readonly Dictionary<PoolWish, Queue> _queues = [];
    private readonly Dictionary<(string Pool, IpFamily Family), SortedSet<Filed>> _byPool = [];
    private readonly Dictionary<(string Key, string Backend), SortedSet<Filed>> _byGroup = [];
    private readonly Dictionary<IpAddress, SortedSet<Waiter>> _byAddress = [];
    private long _made;

    /// <summary>Everyone who waits, also those for whom nothing in the pools can change.</summary>
    public IEnumerable<ObjectKey> All => _places.Values.Select(place => place.Waiter).Order().Select(waiter => waiter.Service);

    /// <summary>Files a Service, or files it anew.</summary>
    /// <param name="waiter">The Service.</param>
    /// <param name="wish">What it waits for in pools, or null.</param>
    /// <param name="other">What else would help it, or null.</param>
    /// <param name="addresses">The single addresses it waits for.</param>
    public void Set(Waiter waiter, PoolWish? wish, PoolWish? other, IReadOnlyList<IpAddress> addresses)
    {
        if (_places.TryGetValue(waiter.Service, out var place))
        {
            if (place.Waiter == waiter && Equals(place.Queue?.Wish, wish) && Equals(place.Other?.Wish, other) && place.Addresses.SequenceEqual(addresses))
                return;
            Remove(waiter.Service);
        }

        foreach (var address in addresses)
            (_byAddress.TryGetValue(address, out var waiters) ? waiters : _byAddress[address] = []).Add(waiter);
        _places[waiter.Service] = new Place(waiter, Join(wish, waiter), Join(other, waiter), addresses);
    }

    /// <summary>The Service waits no more.</summary>
    public void Remove(ObjectKey service)
    {
        if (!_places.Remove(service, out var place))
            return;
        Leave(place.Queue, place.Waiter);
        Leave(place.Other, place.Waiter);
        foreach (var address in place.Addresses)
            if (_byAddress[address] is var waiters && waiters.Remove(place.Waiter) && waiters.Count == 0)
                _byAddress.Remove(address);
    }

    private Queue? Join(PoolWish? wish, Waiter waiter)
    {
        if (wish is null)
            return null;
        if (!_queues.TryGetValue(wish, out var queue))
            _queues[wish] = queue = new Queue(wish, ++_made);
        Change(queue, waiter, joins: true);
        return queue;
    }

    private void Leave(Queue? queue, Waiter waiter)
    {
        if (queue is null)
            return;
        Change(queue, waiter, joins: false);
        if (queue.Members.Count == 0)
            _queues.Remove(queue.Wish);
    }

    /// <summary>The first in line after another among those who wait for an address of this family from this pool.</summary>
    public Waiter? NextInPool(string pool, IpFamily family, Waiter? after) => Next(_byPool.GetValueOrDefault((pool, family)), after);

    /// <summary>The first in line after another among those who wait and share on these terms.</summary>
    public Waiter? NextInGroup(string key, string backend, Waiter? after) => Next(_byGroup.GetValueOrDefault((key, backend)), after);

    public bool AnyInGroup(string key, string backend) => _byGroup.ContainsKey((key, backend));

    public IReadOnlyCollection<Waiter> OfAddress(IpAddress address) => _byAddress.TryGetValue(address, out var waiters) ? waiters : [];

    private static Waiter? Next(SortedSet<Filed>? queues, Waiter? after)
    {
        if (queues is null)
            return null;
        if (after is not { } last)
            return queues.Min.Head;
        if (queues.Max.Head.CompareTo(last) <= 0)
            return null;
        foreach (var filed in queues.GetViewBetween(new Filed(last, null), queues.Max))
            if (filed.Head != last)
                return filed.Head;
        return null;
    }

    // The queues are sorted by their heads: a queue whose head changes is taken out and put in again.
    private void Change(Queue queue, Waiter waiter, bool joins)
    {
        var moves = queue.Members.Count == 0 || waiter.CompareTo(queue.Members.Min) <= 0;
        if (moves)
            File(queue, false);
        if (joins)
            queue.Members.Add(waiter);
        else
            queue.Members.Remove(waiter);
        if (moves)
            File(queue, true);
    }

    private void File(Queue queue, bool into)
    {
        if (queue.Members.Count == 0)
            return;
        var (wish, filed) = (queue.Wish, new Filed(queue.Members.Min, queue));
        foreach (var pool in wish.Pools)
        {
            if (wish.IPv4)
                File(_byPool, (pool.Name, IpFamily.IPv4), filed, into);
            if (wish.IPv6)
                File(_byPool, (pool.Name, IpFamily.IPv6), filed, into);
        }

        if (wish.Terms is { } terms)
            File(_byGroup, (terms.Key, terms.Backend), filed, into);
    }

    private static void File<TKey>(Dictionary<TKey, SortedSet<Filed>> index, TKey key, Filed filed, bool into)
        where TKey : notnull
    {
        if (into)
            (index.TryGetValue(key, out var queues) ? queues : index[key] = []).Add(filed);
        else if (index[key] is var queues && queues.Remove(filed) && queues.Count == 0)
            index.Remove(key);
    }

    private sealed record Place(Waiter Waiter, Queue? Queue, Queue? Other, IReadOnlyList<IpAddress> Addresses);

    // Services with one wish, in line.
    private sealed class Queue(PoolWish wish, long number)
    {
        public long Number { get; } = number;

        public PoolWish Wish { get; } = wish;

        public SortedSet<Waiter> Members { get; } = [];
    }

    // The same Service may be at the head of two queues.
    private readonly record struct Filed(Waiter Head, Queue? Queue) : IComparable<Filed>
    {
        public int CompareTo(Filed other) => Head.CompareTo(other.Head) is not 0 and var order ? order : (Queue?.Number ?? 0).CompareTo(other.Queue?.Number ?? 0);
    }
}

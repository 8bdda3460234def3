using System.Diagnostics.CodeAnalysis;
using Portolan.Core.Cluster;
using Portolan.Core.Configuration;

namespace Portolan.Core.Addresses;

/// <summary>What is wrong with one IPAddressPool.</summary>
/// <param name="Pool">The pool's name.</param>
/// <param name="Error">The field and the rule.</param>
/// <param name="PreviousInForce">An earlier version of the pool is used instead.</param>
public readonly record struct PoolProblem(string Pool, FieldError Error, bool PreviousInForce);

/// <summary>
/// The pools in force, no two of which overlap. A wrong pool takes nothing else down: its last good version stays, and where there is none
/// (a controller that has just started) the set is not <see cref="IsComplete"/>, and nobody loses an address over it.
/// </summary>
public sealed class PoolSet
{
    /// <summary>No pools.</summary>
    public static readonly PoolSet Empty = new([], [], true);

    private readonly Dictionary<string, AddressPool> _byName;

    // No two overlap, so that at most one can contain an address: the last that does not start above it.
    private readonly List<(IpRange Range, AddressPool Pool, int Index)> _ascending = [];

    private PoolSet(IReadOnlyList<AddressPool> pools, IReadOnlyList<PoolProblem> problems, bool complete)
    {
        Pools = [.. pools.OrderBy(pool => pool.Rank).ThenBy(pool => pool.Name, StringComparer.Ordinal)];
        Problems = problems;
        IsComplete = complete;
        _byName = Pools.ToDictionary(pool => pool.Name, StringComparer.Ordinal);
        foreach (var pool in Pools)
            for (var i = 0; i < pool.Ranges.Count; i++)
                _ascending.Add((pool.Ranges[i], pool, i));
        _ascending.Sort((a, b) => a.Range.First.CompareTo(b.Range.First));
    }

    /// <summary>By rank, then by name: the order in which they are tried.</summary>
    public IReadOnlyList<AddressPool> Pools { get; }

    /// <summary>What is wrong with the pools as written; empty when all of them are in force.</summary>
    public IReadOnlyList<PoolProblem> Problems { get; }

    /// <summary>False when some pool is in force in no version at all, or may be missing for the moment only.</summary>
    public bool IsComplete { get; }

    /// <summary>The same pools, and perhaps more soon: nobody loses an address because its pool is not among them.</summary>
    public PoolSet AwaitingMore() => new(Pools, Problems, complete: false);

    /// <summary>The pool of this name, or null.</summary>
    public AddressPool? Find(string name) => _byName.GetValueOrDefault(name);

    /// <summary>The pool that contains an address, or null.</summary>
    public AddressPool? Of(IpAddress address) => TryLocate(address, out var pool, out _) ? pool : null;

    /// <summary>Finds the pool that contains an address, and which of its ranges does, in logarithmic time.</summary>
    internal bool TryLocate(IpAddress address, [NotNullWhen(true)] out AddressPool? pool, out int index)
    {
        var (low, high) = (0, _ascending.Count);
        while (low < high)
        {
            var middle = (low + high) / 2;
            if (_ascending[middle].Range.First <= address)
                low = middle + 1;
            else
                high = middle;
        }

        (pool, index) = (null, -1);
        if (low == 0 || !_ascending[low - 1].Range.Contains(address))
            return false;
        (_, pool, index) = _ascending[low - 1];
        return !(pool.AvoidBuggyIPs && AddressPool.IsBuggy(address));
    }

    /// <summary>Checks the pools as they are written now, and falls back on this set's versions of those that are wrong.</summary>
    public PoolSet Update(IReadOnlyList<AddressPoolSpec> specs)
    {
        var candidates = new List<Candidate<AddressPool>>(specs.Count);
        foreach (var spec in specs.OrderBy(spec => spec.CreatedAt).ThenBy(spec => spec.Name, StringComparer.Ordinal))
        {
            var errors = new List<FieldError>();
            candidates.Add(new Candidate<AddressPool>(spec.Name, AddressPool.Parse(spec, errors), errors));
        }

        var settled = LastGood.Settle(candidates, _byName, (pool, other) => pool.Clash(other), (pool, old) => pool.Ranges.SequenceEqual(old.Ranges));
        var problems = settled.SelectMany(pool => pool.Errors.Select(error => new PoolProblem(pool.Name, error, pool.InForce is not null)));
        return new PoolSet(
            [.. settled.Select(pool => pool.InForce).OfType<AddressPool>()],
            [.. problems.OrderBy(problem => problem.Pool, StringComparer.Ordinal)],
            settled.All(pool => pool.InForce is not null));
    }
}

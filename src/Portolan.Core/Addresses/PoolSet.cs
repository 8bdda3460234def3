using Portolan.Core.Cluster;

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

    private PoolSet(IReadOnlyList<AddressPool> pools, IReadOnlyList<PoolProblem> problems, bool complete)
    {
        Pools = [.. pools.OrderBy(pool => pool.Rank).ThenBy(pool => pool.Name, StringComparer.Ordinal)];
        Problems = problems;
        IsComplete = complete;
        _byName = Pools.ToDictionary(pool => pool.Name, StringComparer.Ordinal);
    }

    /// <summary>By rank, then by name: the order in which they are tried.</summary>
    public IReadOnlyList<AddressPool> Pools { get; }

    /// <summary>What is wrong with the pools as written; empty when all of them are in force.</summary>
    public IReadOnlyList<PoolProblem> Problems { get; }

    /// <summary>False when some pool is in force in no version at all.</summary>
    public bool IsComplete { get; }

    /// <summary>The pool of this name, or null.</summary>
    public AddressPool? Find(string name) => _byName.GetValueOrDefault(name);

    /// <summary>The pool that contains an address, or null.</summary>
    public AddressPool? Of(IpAddress address)
    {
        foreach (var pool in Pools)
            if (pool.Contains(address))
                return pool;
        return null;
    }

    /// <summary>Checks the pools as they are written now, and falls back on this set's versions of those that are wrong.</summary>
    public PoolSet Update(IReadOnlyList<AddressPoolSpec> specs)
    {
        var parsed = new List<(AddressPoolSpec Spec, AddressPool? Pool, List<FieldError> Errors)>();
        foreach (var spec in specs.OrderBy(spec => spec.CreatedAt).ThenBy(spec => spec.Name, StringComparer.Ordinal))
        {
            var errors = new List<FieldError>();
            parsed.Add((spec, AddressPool.Parse(spec, errors), errors));
        }

        // The pools as written may be fine together although each of them overlaps the other's old version.
        if (parsed.TrueForAll(entry => entry.Pool is not null) && parsed.TrueForAll(entry => Clash(entry.Pool!, parsed.Select(other => other.Pool!)) is null))
            return new PoolSet([.. parsed.Select(entry => entry.Pool!)], [], true);

        var inForce = new List<AddressPool>();
        var problems = new List<PoolProblem>();
        var complete = true;

        // Whoever keeps its addresses comes before whoever changes them, and both before newcomers, the older first.
        foreach (var (spec, pool, errors) in parsed.OrderBy(entry => Find(entry.Spec.Name) is not { } old ? 2 : entry.Pool is null || entry.Pool.Ranges.SequenceEqual(old.Ranges) ? 0 : 1))
        {
            var old = Find(spec.Name);
            if (pool is not null && Clash(pool, inForce) is not { } clash)
            {
                inForce.Add(pool);
                continue;
            }
            else if (pool is not null)
            {
                errors.Add(Clash(pool, inForce)!.Value);
            }

            var fallBack = old is not null && Clash(old, inForce) is null;
            if (fallBack)
                inForce.Add(old!);
            complete &= fallBack;
            problems.AddRange(errors.Select(error => new PoolProblem(spec.Name, error, fallBack)));
        }

        problems.Sort((a, b) => string.CompareOrdinal(a.Pool, b.Pool));
        return new PoolSet(inForce, problems, complete);
    }

    private static FieldError? Clash(AddressPool pool, IEnumerable<AddressPool> others)
    {
        foreach (var other in others)
            if (!ReferenceEquals(other, pool) && pool.Clash(other) is { } clash)
                return clash;
        return null;
    }
}

using Portolan.Core.Cluster;

namespace Portolan.Core.Addresses;

/// <summary>
/// Which pools assign addresses to a Service by themselves, in the order they are tried. For a namespace most of the answer is the same for
/// all its Services, and is kept until the pools or the namespaces change.
/// </summary>
internal sealed class PoolCandidates
{
    public static readonly Of None = new([], 0);

    private readonly Dictionary<string, (Of Candidates, bool SelectsServices)> _ofNamespaces = new(StringComparer.Ordinal);

    public void Clear() => _ofNamespaces.Clear();

    public void Forget(string ns) => _ofNamespaces.Remove(ns);

    public Of For(PoolSet pools, ServiceFacts service, IReadOnlyDictionary<string, string>? namespaceLabels, IReadOnlyDictionary<string, FieldError> refused)
    {
        if (!_ofNamespaces.TryGetValue(service.Key.Namespace, out var known))
        {
            var admitting = pools.Pools.Where(pool => pool.AutoAssign && !refused.ContainsKey(pool.Name) && pool.AdmitsNamespace(service.Key.Namespace, namespaceLabels));
            _ofNamespaces[service.Key.Namespace] = known = (Ordered(admitting), false);
            _ofNamespaces[service.Key.Namespace] = known = known with { SelectsServices = known.Candidates.Pools.Any(pool => pool.SelectsServices) };
        }

        return known.SelectsServices ? Ordered(known.Candidates.Pools.Where(pool => pool.AdmitsLabels(service.Labels))) : known.Candidates;
    }

    // The pools come by rank; those that are for certain Services go before those for everyone.
    private static Of Ordered(IEnumerable<AddressPool> pools)
    {
        List<AddressPool> ordered = [.. pools.OrderByDescending(pool => pool.IsPinned)];
        return new Of(ordered, ordered.Count(pool => pool.IsPinned));
    }

    /// <param name="Pools">The pinned ones first.</param>
    /// <param name="Pinned">How many of them are pinned.</param>
    internal readonly record struct Of(IReadOnlyList<AddressPool> Pools, int Pinned);
}

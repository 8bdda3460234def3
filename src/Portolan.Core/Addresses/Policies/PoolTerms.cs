using Portolan.Core.Cluster;

namespace Portolan.Core.Addresses.Policies;

/// <summary>A quota where it applies: the limit counts over all the pools.</summary>
internal sealed record PoolQuota(string Policy, NamespaceQuota Quota, IReadOnlyList<AddressPool> Pools)
{
    public override string ToString() => $"of IPAddressPool{(Pools.Count == 1 ? "" : "s")} {string.Join(", ", Pools.Select(pool => pool.Name))} (AddressPoolPolicy {Policy})";
}

/// <summary>What the policies say about one pool.</summary>
internal sealed record PoolTerms
{
    public static readonly PoolTerms None = new();

    /// <summary>Seconds that an address waits for its Service.</summary>
    public long RetainFor { get; init; }

    /// <summary>Seconds that a freed address rests.</summary>
    public long CoolDown { get; init; }

    public IReadOnlyList<PoolQuota> Quotas { get; init; } = [];

    /// <summary>The pools of the other family that a dual-stack Service may have its second address from.</summary>
    public IReadOnlyList<AddressPool> Partners { get; init; } = [];

    /// <summary>The policies that guard it.</summary>
    public IReadOnlyList<AddressPoolPolicy> Guards { get; init; } = [];

    /// <summary>It must be known who had an address also after he has gone.</summary>
    public bool Remembers => RetainFor + CoolDown > 0;
}

/// <summary>The policies applied to the pools in force.</summary>
internal sealed class PolicyIndex
{
    public static readonly PolicyIndex Empty = new(PolicySet.Empty, PoolSet.Empty);

    private readonly Dictionary<string, PoolTerms> _terms = new(StringComparer.Ordinal);
    private readonly Dictionary<string, HashSet<string>> _together = new(StringComparer.Ordinal);
    private readonly List<PolicyProblem> _problems = [];

    public PolicyIndex(PolicySet set, PoolSet pools)
    {
        Set = set;
        var sources = new Dictionary<(string Pool, string Field), AddressPoolPolicy>();
        foreach (var policy in set.Policies)
        {
            var selected = pools.Pools.Where(policy.Selects).ToList();
            for (var i = 0; i < policy.PoolNames.Count; i++)
                if (pools.Find(policy.PoolNames[i]) is null)
                    Report(policy, $"spec.ipAddressPools[{i}]", policy.PoolNames[i], "there is no such IPAddressPool in force");
            var partner = Partner(policy, selected, pools);
            foreach (var pool in selected)
            {
                var terms = _terms.GetValueOrDefault(pool.Name, PoolTerms.None);
                terms = terms with
                {
                    RetainFor = First(policy, pool, "spec.retainFor", terms.RetainFor, policy.RetainFor, sources),
                    CoolDown = First(policy, pool, "spec.coolDown", terms.CoolDown, policy.CoolDown, sources),
                    Quotas = [.. terms.Quotas, .. policy.Quotas.Select(quota => new PoolQuota(policy.Name, quota, selected))],
                    Guards = policy.Guard is null ? terms.Guards : [.. terms.Guards, policy],
                };
                _terms[pool.Name] = terms;
                if (policy.Quotas.Count > 0)
                    (_together.TryGetValue(pool.Name, out var others) ? others : _together[pool.Name] = new(StringComparer.Ordinal)).UnionWith(selected.Select(other => other.Name));
                if (partner is not null && pool != partner)
                {
                    Join(pool, partner);
                    Join(partner, pool);
                }
            }
        }

        HasQuotas = _together.Count > 0;
        HasGuards = _terms.Values.Any(terms => terms.Guards.Count > 0);
        Remembers = _terms.Values.Any(terms => terms.Remembers);
    }

    public PolicySet Set { get; }

    public bool HasQuotas { get; }

    public bool HasGuards { get; }

    public bool Remembers { get; }

    /// <summary>What is wrong with the policies, by themselves and together with the pools.</summary>
    public IReadOnlyList<PolicyProblem> Problems => [.. Set.Problems, .. _problems];

    public PoolTerms Of(AddressPool? pool) => pool is null ? PoolTerms.None : _terms.GetValueOrDefault(pool.Name, PoolTerms.None);

    /// <summary>The pools over which quotas count together with this one; none where no quota is about it.</summary>
    public IReadOnlyCollection<string> Together(string pool) => _together.TryGetValue(pool, out var pools) ? pools : [];

    private AddressPool? Partner(AddressPoolPolicy policy, List<AddressPool> selected, PoolSet pools)
    {
        if (policy.PairWith.Length == 0)
            return null;
        if (pools.Find(policy.PairWith) is not { } partner)
        {
            Report(policy, "spec.pairWith", policy.PairWith, "there is no such IPAddressPool in force");
            return null;
        }

        foreach (var pool in selected)
            if (pool != partner && (Family(pool) is not { } family || Family(partner) is not { } other || family == other))
            {
                Report(policy, "spec.pairWith", policy.PairWith, $"one of IPAddressPools {pool.Name} and {partner.Name} must have IPv4 addresses only, and the other IPv6 addresses only");
                return null;
            }

        return partner;
    }

    private static IpFamily? Family(AddressPool pool) => pool.Ranges.All(range => range.Family == pool.Ranges[0].Family) ? pool.Ranges[0].Family : null;

    private void Join(AddressPool pool, AddressPool partner)
    {
        var terms = _terms.GetValueOrDefault(pool.Name, PoolTerms.None);
        if (!terms.Partners.Contains(partner))
            _terms[pool.Name] = terms with { Partners = [.. terms.Partners, partner] };
    }

    // The older policy counts; a younger one that says something else is told so.
    private long First(AddressPoolPolicy policy, AddressPool pool, string field, long known, long wanted, Dictionary<(string Pool, string Field), AddressPoolPolicy> sources)
    {
        if (wanted == 0)
            return known;
        if (sources.TryAdd((pool.Name, field), policy))
            return wanted;
        if (known != wanted)
            Report(policy, field, $"{wanted}s", $"AddressPoolPolicy {sources[(pool.Name, field)].Name} is older and says {known}s for IPAddressPool {pool.Name}");
        return known;
    }

    private void Report(AddressPoolPolicy policy, string path, string value, string rule) => _problems.Add(new PolicyProblem(policy.Name, new FieldError(path, value, rule), false));
}

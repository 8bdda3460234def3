using Portolan.Core.Cluster;
using Portolan.Core.Configuration;

namespace Portolan.Core.Addresses.Policies;

/// <summary>One entry of <c>spec.quotas</c>: each of these namespaces may have so many addresses.</summary>
/// <param name="Namespaces">By name; together with the selectors: either suffices, and both empty means every namespace.</param>
/// <param name="NamespaceSelectors">By label.</param>
/// <param name="Addresses">At most so many, counted over all pools of the policy.</param>
public sealed record NamespaceQuota(IReadOnlyList<string> Namespaces, IReadOnlyList<LabelSelector> NamespaceSelectors, long Addresses)
{
    /// <summary>Whether it limits this namespace. One whose labels are not known is limited by name only.</summary>
    public bool Limits(string name, IReadOnlyDictionary<string, string>? labels) =>
        Namespaces.Count + NamespaceSelectors.Count == 0
        || Namespaces.Contains(name)
        || (labels is not null && NamespaceSelectors.Any(selector => selector.Matches(labels)));
}

/// <summary><c>spec.guard</c>: what the pools must not cover.</summary>
/// <param name="Nodes">Addresses of Nodes.</param>
/// <param name="Pods">The pod ranges of the Nodes.</param>
/// <param name="Services">Cluster IPs of Services.</param>
/// <param name="Cidrs">Ranges given by hand.</param>
public sealed record GuardSpec(bool Nodes, bool Pods, bool Services, IReadOnlyList<string> Cidrs);

/// <summary>An AddressPoolPolicy (portolan.dev/v1alpha1) as it is written, not yet checked: what MetalLB's pools cannot say.</summary>
public sealed record AddressPoolPolicySpec
{
    private const long LongestSeconds = 366 * 24 * 3600L;

    /// <summary><c>metadata.name</c>.</summary>
    public required string Name { get; init; }

    /// <summary><c>metadata.creationTimestamp</c>, seconds since 1970; 0 when unknown.</summary>
    public long CreatedAt { get; init; }

    /// <summary><c>spec.ipAddressPools</c>; together with the selectors: either suffices, and both empty means every pool.</summary>
    public IReadOnlyList<string> IPAddressPools { get; init; } = [];

    /// <summary><c>spec.ipAddressPoolSelectors</c>.</summary>
    public IReadOnlyList<LabelSelector> IPAddressPoolSelectors { get; init; } = [];

    /// <summary><c>spec.retainFor</c>: so long an address waits for its Service to come back.</summary>
    public string? RetainFor { get; init; }

    /// <summary><c>spec.coolDown</c>: so long a freed address is given to nobody.</summary>
    public string? CoolDown { get; init; }

    /// <summary><c>spec.quotas</c>.</summary>
    public IReadOnlyList<NamespaceQuota> Quotas { get; init; } = [];

    /// <summary><c>spec.pairWith</c>: a dual-stack Service may have its other address from this pool; or empty.</summary>
    public string PairWith { get; init; } = "";

    /// <summary><c>spec.guard</c>, or null.</summary>
    public GuardSpec? Guard { get; init; }

    /// <summary>What was already wrong when the object was read.</summary>
    public IReadOnlyList<FieldError> ReadErrors { get; init; } = [];

    /// <summary>Checks the policy by itself.</summary>
    /// <param name="errors">Where what is wrong is added.</param>
    /// <returns>The policy, or null when an error was added.</returns>
    public AddressPoolPolicy? Parse(ICollection<FieldError> errors)
    {
        var before = errors.Count;
        foreach (var error in ReadErrors)
            errors.Add(error);
        FieldRules.Unique("spec.ipAddressPools", IPAddressPools, errors);
        FieldRules.Unique("spec.ipAddressPoolSelectors", IPAddressPoolSelectors, errors);
        var (retainFor, coolDown) = (Seconds("spec.retainFor", RetainFor, errors), Seconds("spec.coolDown", CoolDown, errors));
        for (var i = 0; i < Quotas.Count; i++)
        {
            FieldRules.Unique($"spec.quotas[{i}].namespaces", Quotas[i].Namespaces, errors);
            FieldRules.Unique($"spec.quotas[{i}].namespaceSelectors", Quotas[i].NamespaceSelectors, errors);
            FieldRules.Range($"spec.quotas[{i}].addresses", Quotas[i].Addresses, 0, int.MaxValue, errors);
        }

        if (PairWith.Length > 0 && IPAddressPools.Contains(PairWith))
            errors.Add(new FieldError("spec.pairWith", PairWith, "a pool cannot be paired with itself"));
        var guarded = new List<IpRange>();
        for (var i = 0; i < (Guard?.Cidrs.Count ?? 0); i++)
        {
            var text = Guard!.Cidrs[i];
            if (IpPrefix.TryParse(text, out var prefix))
                guarded.Add(new IpRange(prefix));
            else
                errors.Add(new FieldError($"spec.guard.cidrs[{i}]", text, "must be a CIDR block"));
        }

        return errors.Count == before ? new AddressPoolPolicy(this, retainFor, coolDown, guarded) : null;
    }

    private static long Seconds(string path, string? text, ICollection<FieldError> errors)
    {
        if (string.IsNullOrEmpty(text))
            return 0;
        if (!GoDuration.TryParse(text, out var duration))
            errors.Add(new FieldError(path, text, "must be a duration, e.g. 90s, 10m or 24h"));
        else if (duration < TimeSpan.Zero || duration.TotalSeconds > LongestSeconds)
            errors.Add(new FieldError(path, text, "must be 0s..8784h"));
        else
            return (long)Math.Ceiling(duration.TotalSeconds);
        return 0;
    }
}

/// <summary>A checked AddressPoolPolicy.</summary>
public sealed class AddressPoolPolicy
{
    private readonly AddressPoolPolicySpec _spec;

    internal AddressPoolPolicy(AddressPoolPolicySpec spec, long retainFor, long coolDown, IReadOnlyList<IpRange> guardedRanges) =>
        (_spec, RetainFor, CoolDown, GuardedRanges) = (spec, retainFor, coolDown, guardedRanges);

    /// <summary>The policy's name.</summary>
    public string Name => _spec.Name;

    /// <summary>The pools it names.</summary>
    public IReadOnlyList<string> PoolNames => _spec.IPAddressPools;

    /// <summary>Seconds; 0 for not at all.</summary>
    public long RetainFor { get; }

    /// <summary>Seconds; 0 for not at all.</summary>
    public long CoolDown { get; }

    /// <summary>Limits of namespaces.</summary>
    public IReadOnlyList<NamespaceQuota> Quotas => _spec.Quotas;

    /// <summary>The partner of the pools, or empty.</summary>
    public string PairWith => _spec.PairWith;

    /// <summary>What the pools must not cover, or null.</summary>
    public GuardSpec? Guard => _spec.Guard;

    /// <summary><c>spec.guard.cidrs</c>.</summary>
    public IReadOnlyList<IpRange> GuardedRanges { get; }

    /// <summary>Whether it is about this pool.</summary>
    public bool Selects(AddressPool pool) =>
        _spec.IPAddressPools.Count + _spec.IPAddressPoolSelectors.Count == 0
        || _spec.IPAddressPools.Contains(pool.Name)
        || _spec.IPAddressPoolSelectors.Any(selector => selector.Matches(pool.Labels));
}

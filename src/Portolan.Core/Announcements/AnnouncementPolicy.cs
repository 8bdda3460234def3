using System.Globalization;
using Portolan.Core.Addresses;
using Portolan.Core.Cluster;
using Portolan.Core.Configuration;

namespace Portolan.Core.Announcements;

/// <summary>How the announcers of a pool's addresses are chosen (<c>spec.placement</c>).</summary>
public enum Placement
{
    /// <summary>Each address by its own hash, as MetalLB does.</summary>
    Hash,

    /// <summary>The same, but no node carries more than its share plus one.</summary>
    Bounded,
}

/// <summary>How many nodes answer for an address (<c>spec.announceFrom</c>).</summary>
public enum AnnounceFrom
{
    /// <summary>One.</summary>
    One,

    /// <summary>All candidates: each client is answered by the one that the hash of the client gives.</summary>
    All,
}

/// <summary>What is done when somebody else claims an announced address (<c>spec.onConflict</c>).</summary>
public enum ConflictPolicy
{
    /// <summary>Announce and defend.</summary>
    Defend,

    /// <summary>Defend once; should the other claim it again, nobody announces it until he is gone.</summary>
    Yield,

    /// <summary>An address that is in use when it is probed is not announced at all; later conflicts are defended.</summary>
    Refuse,
}

/// <summary>An AnnouncementPolicy (portolan.dev/v1alpha1): what Portolan's layer 2 does beyond MetalLB's, for the addresses of some pools. Of several that select a pool the first by name counts.</summary>
public sealed record AnnouncementPolicy : ConfigurationSpec
{
    /// <summary>A hold-down unless <c>spec.failback.maxHoldDown</c> says more or less: 10 minutes.</summary>
    public static readonly TimeSpan DefaultMaxHoldDown = TimeSpan.FromMinutes(10);

    /// <summary>No hold-down is longer than a day.</summary>
    public static readonly TimeSpan LongestHoldDown = TimeSpan.FromDays(1);

    /// <summary>What holds without any policy: as MetalLB.</summary>
    public static readonly AnnouncementPolicy Default = new() { Name = "" };

    /// <inheritdoc/>
    public override ConfigurationKind Kind => ConfigurationKind.AnnouncementPolicy;

    /// <summary><c>spec.ipAddressPools</c>; together with the selectors: either suffices; none of both: every pool.</summary>
    public IReadOnlyList<string> IPAddressPools { get; init; } = [];

    /// <summary><c>spec.ipAddressPoolSelectors</c>.</summary>
    public IReadOnlyList<LabelSelector> IPAddressPoolSelectors { get; init; } = [];

    /// <summary><c>spec.placement</c>.</summary>
    public Placement Placement { get; init; }

    /// <summary><c>spec.announceFrom</c>.</summary>
    public AnnounceFrom AnnounceFrom { get; init; }

    /// <summary><c>spec.preferredNodeSelectors</c>: added to those of the advertisements.</summary>
    public IReadOnlyList<NodePreference> PreferredNodeSelectors { get; init; } = [];

    /// <summary><c>spec.failback.holdDown</c>: how long a node that came back is ranked behind others; zero: not at all.</summary>
    public TimeSpan HoldDown { get; init; }

    /// <summary><c>spec.failback.maxHoldDown</c>: the hold-down doubles with each time the node went away within the hour, up to this.</summary>
    public TimeSpan MaxHoldDown { get; init; } = DefaultMaxHoldDown;

    /// <summary><c>spec.onConflict</c>.</summary>
    public ConflictPolicy OnConflict { get; init; }

    /// <summary><c>spec.requireMajority</c>: nodes cut off from the majority of the last known ones announce nothing.</summary>
    public bool RequireMajority { get; init; }

    /// <summary>The policy for the addresses of a pool: of those that cover it the first by name, or <see cref="Default"/>.</summary>
    public static AnnouncementPolicy For(AddressPool pool, IReadOnlyList<AnnouncementPolicy> policies)
    {
        AnnouncementPolicy? first = null;
        foreach (var policy in policies)
            if ((first is null || string.CompareOrdinal(policy.Name, first.Name) < 0) && policy.Covers(pool))
                first = policy;
        return first ?? Default;
    }

    /// <summary>The weights of all preferences that the node meets, added up.</summary>
    public int Preference(NodeFacts node)
    {
        var sum = 0;
        foreach (var (weight, selector) in PreferredNodeSelectors)
            if (selector.Matches(node.Labels))
                sum += weight;
        return sum;
    }

    /// <summary>Whether it is meant for the addresses of this pool.</summary>
    public bool Covers(AddressPool pool) =>
        IPAddressPools.Count + IPAddressPoolSelectors.Count == 0
        || IPAddressPools.Contains(pool.Name)
        || IPAddressPoolSelectors.Any(selector => selector.Matches(pool.Labels));

    /// <summary>Checks the policy by itself.</summary>
    /// <param name="errors">Where what is wrong is added.</param>
    /// <returns>The policy, or null when an error was added.</returns>
    public AnnouncementPolicy? Parse(ICollection<FieldError> errors)
    {
        var before = errors.Count;
        if (!AddReadErrors(errors))
            return null;
        FieldRules.Unique("spec.ipAddressPools", IPAddressPools, errors);
        FieldRules.Unique("spec.ipAddressPoolSelectors", IPAddressPoolSelectors, errors);
        FieldRules.Unique("spec.preferredNodeSelectors", [.. PreferredNodeSelectors.Select(preference => preference.Selector)], errors);
        for (var i = 0; i < PreferredNodeSelectors.Count; i++)
            FieldRules.Range($"spec.preferredNodeSelectors[{i}].weight", PreferredNodeSelectors[i].Weight, 1, 100, errors);
        if (AnnounceFrom is AnnounceFrom.All && Placement is Placement.Bounded)
            errors.Add(new FieldError("spec.placement", "bounded", "is of no use with announceFrom: all, which places clients instead of addresses"));
        if (HoldDown < TimeSpan.Zero || HoldDown > LongestHoldDown)
            errors.Add(new FieldError("spec.failback.holdDown", Seconds(HoldDown), "must be 0s..24h"));
        else if (MaxHoldDown < TimeSpan.Zero || MaxHoldDown > LongestHoldDown)
            errors.Add(new FieldError("spec.failback.maxHoldDown", Seconds(MaxHoldDown), "must be 0s..24h"));
        else if (MaxHoldDown < HoldDown)
            errors.Add(new FieldError("spec.failback.maxHoldDown", Seconds(MaxHoldDown), "must not be shorter than holdDown"));
        return errors.Count == before ? this : null;
    }

    private static string Seconds(TimeSpan time) => time.TotalSeconds.ToString(CultureInfo.InvariantCulture) + "s";
}

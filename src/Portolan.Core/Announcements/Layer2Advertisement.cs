using Portolan.Core.Addresses;
using Portolan.Core.Cluster;
using Portolan.Core.Configuration;

namespace Portolan.Core.Announcements;

/// <summary>One entry of <c>spec.preferredNodeSelectors</c>: nodes of this kind are worth so much more.</summary>
/// <param name="Weight">1..100.</param>
/// <param name="Selector"><c>preference</c>.</param>
public readonly record struct NodePreference(int Weight, LabelSelector Selector);

/// <summary>An L2Advertisement (metallb.io/v1beta1), its selectors read. Each list, when empty, restricts nothing.</summary>
public sealed record Layer2Advertisement : ConfigurationSpec
{
    /// <inheritdoc/>
    public override ConfigurationKind Kind => ConfigurationKind.L2Advertisement;

    /// <summary><c>spec.ipAddressPools</c>; together with the pool selectors: either suffices.</summary>
    public IReadOnlyList<string> IPAddressPools { get; init; } = [];

    /// <summary><c>spec.ipAddressPoolSelectors</c>.</summary>
    public IReadOnlyList<LabelSelector> IPAddressPoolSelectors { get; init; } = [];

    /// <summary><c>spec.nodeSelectors</c>; one suffices.</summary>
    public IReadOnlyList<LabelSelector> NodeSelectors { get; init; } = [];

    /// <summary><c>spec.preferredNodeSelectors</c>: they order the eligible nodes, and make none eligible.</summary>
    public IReadOnlyList<NodePreference> PreferredNodeSelectors { get; init; } = [];

    /// <summary><c>spec.serviceSelectors</c>; one suffices.</summary>
    public IReadOnlyList<LabelSelector> ServiceSelectors { get; init; } = [];

    /// <summary><c>spec.interfaces</c>: exact names. They do not influence the election.</summary>
    public IReadOnlyList<string> Interfaces { get; init; } = [];

    /// <summary>Whether it advertises addresses of this pool.</summary>
    public bool Covers(AddressPool pool) =>
        IPAddressPools.Count + IPAddressPoolSelectors.Count == 0
        || IPAddressPools.Contains(pool.Name)
        || Any(IPAddressPoolSelectors, pool.Labels);

    /// <summary>Whether it advertises this Service.</summary>
    public bool Selects(ServiceFacts service) => ServiceSelectors.Count == 0 || Any(ServiceSelectors, service.Labels);

    /// <summary>Whether it lets this node announce.</summary>
    public bool Selects(NodeFacts node) => NodeSelectors.Count == 0 || Any(NodeSelectors, node.Labels);

    /// <summary>The weights of all preferences that the node meets, added up.</summary>
    public int Preference(NodeFacts node)
    {
        var sum = 0;
        foreach (var (weight, selector) in PreferredNodeSelectors)
            if (selector.Matches(node.Labels))
                sum += weight;
        return sum;
    }

    /// <summary>Checks the advertisement by itself.</summary>
    /// <param name="errors">Where what is wrong is added.</param>
    /// <returns>The advertisement, or null when an error was added.</returns>
    public Layer2Advertisement? Parse(ICollection<FieldError> errors)
    {
        var before = errors.Count;
        if (!AddReadErrors(errors))
            return null;
        FieldRules.Unique("spec.ipAddressPools", IPAddressPools, errors);
        FieldRules.Unique("spec.interfaces", Interfaces, errors);
        FieldRules.Unique("spec.ipAddressPoolSelectors", IPAddressPoolSelectors, errors);
        FieldRules.Unique("spec.nodeSelectors", NodeSelectors, errors);
        FieldRules.Unique("spec.serviceSelectors", ServiceSelectors, errors);
        FieldRules.Unique("spec.preferredNodeSelectors", [.. PreferredNodeSelectors.Select(preference => preference.Selector)], errors);
        for (var i = 0; i < PreferredNodeSelectors.Count; i++)
            FieldRules.Range($"spec.preferredNodeSelectors[{i}].weight", PreferredNodeSelectors[i].Weight, 1, 100, errors);
        return errors.Count == before ? this : null;
    }

    private static bool Any(IReadOnlyList<LabelSelector> selectors, IReadOnlyDictionary<string, string> labels)
    {
        foreach (var selector in selectors)
            if (selector.Matches(labels))
                return true;
        return false;
    }
}

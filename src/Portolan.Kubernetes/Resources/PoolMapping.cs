using Portolan.Core.Addresses;
using Portolan.Core.Cluster;

namespace Portolan.Kubernetes.Resources;

/// <summary>From IPAddressPools and selectors to what the plans read. What is wrong is kept beside it, for the report.</summary>
public static class PoolMapping
{
    /// <summary>The pool as written.</summary>
    public static AddressPoolSpec ToSpec(this IPAddressPool pool)
    {
        var errors = ConfigurationMapping.Errors(pool.Spec);
        var allocation = pool.Spec?.ServiceAllocation;
        return new AddressPoolSpec
        {
            Name = pool.Metadata.Name ?? "",
            Namespace = pool.Metadata.Namespace ?? "",
            CreatedAt = ConfigurationMapping.CreatedAt(pool),
            Labels = pool.Metadata.Labels ?? [],
            Addresses = ConfigurationMapping.Texts(pool.Spec?.Addresses),
            AutoAssign = pool.Spec?.AutoAssign ?? true,
            AvoidBuggyIPs = pool.Spec?.AvoidBuggyIPs ?? false,
            Priority = allocation?.Priority ?? 0,
            Namespaces = ConfigurationMapping.Texts(allocation?.Namespaces),
            NamespaceSelectors = ToSelectors(allocation?.NamespaceSelectors, "spec.serviceAllocation.namespaceSelectors", errors),
            ServiceSelectors = ToSelectors(allocation?.ServiceSelectors, "spec.serviceAllocation.serviceSelectors", errors),
            ReadErrors = errors,
            IsReadable = pool.Spec?.Unreadable is null,
        };
    }

    /// <summary>A list of selectors, without those that an error was added for.</summary>
    /// <param name="specs">As written, or null.</param>
    /// <param name="path">The list's field path.</param>
    /// <param name="errors">Where what is wrong is added.</param>
    public static IReadOnlyList<LabelSelector> ToSelectors(IReadOnlyList<LabelSelectorSpec>? specs, string path, ICollection<FieldError> errors)
    {
        var selectors = new List<LabelSelector>();
        for (var i = 0; i < (specs?.Count ?? 0); i++)
            if ((specs![i] ?? new LabelSelectorSpec()).ToSelector($"{path}[{i}]", errors) is { } selector)
                selectors.Add(selector);
        return selectors;
    }

    /// <summary>The selector, or null where an error was added.</summary>
    public static LabelSelector? ToSelector(this LabelSelectorSpec spec, string path, ICollection<FieldError> errors) =>
        LabelSelector.Parse(path, spec.MatchLabels, spec.MatchExpressions?.ConvertAll(e => (e?.Key, e?.Operator, (IReadOnlyList<string>?)e?.Values)), errors);
}

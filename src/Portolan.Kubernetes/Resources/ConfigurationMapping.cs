using Portolan.Core.Addresses;
using Portolan.Core.Announcements;
using Portolan.Core.Cluster;

namespace Portolan.Kubernetes.Resources;

/// <summary>From metallb.io objects to what the plans read. What is wrong with an object is collected with the path of the field.</summary>
public static class ConfigurationMapping
{
    private static readonly Dictionary<string, string> _none = [];

    /// <summary>An IPAddressPool as written; what its selectors got wrong is in <see cref="AddressPoolSpec.ReadErrors"/>.</summary>
    public static AddressPoolSpec ToSpec(this IPAddressPool pool)
    {
        var errors = new List<FieldError>();
        var spec = pool.Spec ?? new IPAddressPoolSpec();
        var allocation = spec.ServiceAllocation ?? new ServiceAllocation();
        return new AddressPoolSpec
        {
            Name = pool.Metadata.Name ?? "",
            CreatedAt = pool.Metadata.CreationTimestamp?.ToUnixTimeSeconds() ?? 0,
            Labels = pool.Metadata.Labels ?? _none,
            Addresses = spec.Addresses ?? [],
            AutoAssign = spec.AutoAssign ?? true,
            AvoidBuggyIPs = spec.AvoidBuggyIPs ?? false,
            Priority = allocation.Priority ?? 0,
            Namespaces = allocation.Namespaces ?? [],
            NamespaceSelectors = Selectors("spec.serviceAllocation.namespaceSelectors", allocation.NamespaceSelectors, errors),
            ServiceSelectors = Selectors("spec.serviceAllocation.serviceSelectors", allocation.ServiceSelectors, errors),
            ReadErrors = errors,
        };
    }

    /// <summary>An L2Advertisement, checked.</summary>
    /// <param name="advertisement">The object.</param>
    /// <param name="errors">Where what is wrong is added.</param>
    /// <returns>The advertisement, or null when an error was added.</returns>
    public static Layer2Advertisement? ToAdvertisement(this L2Advertisement advertisement, ICollection<FieldError> errors)
    {
        var before = errors.Count;
        var spec = advertisement.Spec ?? new L2AdvertisementSpec();
        var read = new Layer2Advertisement
        {
            Name = advertisement.Metadata.Name ?? "",
            IPAddressPools = Unique("spec.ipAddressPools", spec.IPAddressPools, errors),
            IPAddressPoolSelectors = Selectors("spec.ipAddressPoolSelectors", spec.IPAddressPoolSelectors, errors),
            NodeSelectors = Selectors("spec.nodeSelectors", spec.NodeSelectors, errors),
            ServiceSelectors = Selectors("spec.serviceSelectors", spec.ServiceSelectors, errors),
            Interfaces = Unique("spec.interfaces", spec.Interfaces, errors),
        };
        foreach (var (path, selectors) in new[]
        {
            ("spec.ipAddressPoolSelectors", read.IPAddressPoolSelectors), ("spec.nodeSelectors", read.NodeSelectors), ("spec.serviceSelectors", read.ServiceSelectors),
        })
            Unique(path, [.. selectors.Select(selector => selector.ToString())], errors);
        return errors.Count == before ? read : null;
    }

    private static List<string> Unique(string path, List<string>? values, ICollection<FieldError> errors)
    {
        for (var i = 0; i < values?.Count; i++)
            if (values.IndexOf(values[i]) < i)
                errors.Add(new FieldError($"{path}[{i}]", values[i], "is listed twice"));
        return values ?? [];
    }

    private static List<LabelSelector> Selectors(string path, List<LabelSelectorSpec>? specs, ICollection<FieldError> errors)
    {
        var selectors = new List<LabelSelector>();
        for (var i = 0; i < specs?.Count; i++)
            if (LabelSelector.Parse(
                $"{path}[{i}]",
                specs[i].MatchLabels,
                specs[i].MatchExpressions?.ConvertAll(expression => (expression.Key, expression.Operator, (IReadOnlyList<string>?)expression.Values)),
                errors) is { } selector)
                selectors.Add(selector);
        return selectors;
    }
}

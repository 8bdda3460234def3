using Portolan.Core.Announcements;
using Portolan.Core.Cluster;

namespace Portolan.Kubernetes.Resources;

/// <summary>From L2Advertisements to what the plans read. What is wrong is collected with the path of the field.</summary>
public static class AdvertisementMapping
{
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
            Namespace = advertisement.Metadata.Namespace ?? "",
            CreatedAt = advertisement.Metadata.CreationTimestamp?.ToUnixTimeSeconds() ?? 0,
            IPAddressPools = Unique("spec.ipAddressPools", spec.IPAddressPools, errors),
            IPAddressPoolSelectors = PoolMapping.ToSelectors(spec.IPAddressPoolSelectors, "spec.ipAddressPoolSelectors", errors),
            NodeSelectors = PoolMapping.ToSelectors(spec.NodeSelectors, "spec.nodeSelectors", errors),
            PreferredNodeSelectors = Preferences(spec.PreferredNodeSelectors, errors),
            ServiceSelectors = PoolMapping.ToSelectors(spec.ServiceSelectors, "spec.serviceSelectors", errors),
            Interfaces = Unique("spec.interfaces", spec.Interfaces, errors),
        };
        foreach (var (path, selectors) in new[]
        {
            ("spec.ipAddressPoolSelectors", read.IPAddressPoolSelectors), ("spec.nodeSelectors", read.NodeSelectors), ("spec.serviceSelectors", read.ServiceSelectors),
            ("spec.preferredNodeSelectors", [.. read.PreferredNodeSelectors.Select(preference => preference.Selector)]),
        })
            Unique(path, [.. selectors.Select(selector => selector.ToString())], errors);
        return errors.Count == before ? read : null;
    }

    private static List<NodePreference> Preferences(List<PreferredNodeSelector>? specs, ICollection<FieldError> errors)
    {
        const string path = "spec.preferredNodeSelectors";
        var preferences = new List<NodePreference>();
        for (var i = 0; i < specs?.Count; i++)
        {
            if (specs[i].Weight is < 1 or > 100)
                errors.Add(new FieldError($"{path}[{i}].weight", $"{specs[i].Weight}", "must be 1..100"));
            if ((specs[i].Preference ?? new LabelSelectorSpec()).ToSelector($"{path}[{i}].preference", errors) is { } selector)
                preferences.Add(new NodePreference(specs[i].Weight, selector));
        }

        return preferences;
    }

    private static List<string> Unique(string path, List<string>? values, ICollection<FieldError> errors)
    {
        for (var i = 0; i < values?.Count; i++)
            if (values.IndexOf(values[i]) < i)
                errors.Add(new FieldError($"{path}[{i}]", values[i], "is listed twice"));
        return values ?? [];
    }
}

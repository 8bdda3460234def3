using Portolan.Core.Cluster;

namespace Portolan.Core.Addresses;

/// <summary>A checked pool of addresses for Services (IPAddressPool, metallb.io/v1beta1).</summary>
public sealed class AddressPool
{
    private readonly AddressPoolSpec _spec;

    private AddressPool(AddressPoolSpec spec, IReadOnlyList<IpRange> ranges) => (_spec, Ranges) = (spec, ranges);

    /// <summary>The pool's name.</summary>
    public string Name => _spec.Name;

    /// <summary>The pool object's labels.</summary>
    public IReadOnlyDictionary<string, string> Labels => _spec.Labels;

    /// <summary>The addresses in the order they are given out: the ranges as listed, each from its lowest on.</summary>
    public IReadOnlyList<IpRange> Ranges { get; }

    /// <summary>False: given out only on explicit request.</summary>
    public bool AutoAssign => _spec.AutoAssign;

    /// <summary>IPv4 addresses that end in .0 or .255 are not given out.</summary>
    public bool AvoidBuggyIPs => _spec.AvoidBuggyIPs;

    /// <summary>The rank among pools that could serve a Service: lower first; no priority (0) ranks last.</summary>
    public int Rank => _spec.Priority == 0 ? int.MaxValue : _spec.Priority;

    /// <summary>The pool is for certain namespaces or Services, and these try it before pools that are for everyone.</summary>
    public bool IsPinned => _spec.Namespaces.Count + _spec.NamespaceSelectors.Count + _spec.ServiceSelectors.Count > 0;

    /// <summary>Whom the pool is for depends on the labels of Namespaces.</summary>
    public bool SelectsNamespaces => _spec.NamespaceSelectors.Count > 0;

    /// <summary>Whether the pool may give this address out.</summary>
    public bool Contains(IpAddress address)
    {
        if (AvoidBuggyIPs && IsBuggy(address))
            return false;
        foreach (var range in Ranges)
            if (range.Contains(address))
                return true;
        return false;
    }

    /// <summary>
    /// Whether the pool is for this Service. Where it names namespaces or selects them, the Service's must be among them: a selector
    /// that matches no namespace at all admits nobody.
    /// </summary>
    /// <param name="service">The Service.</param>
    /// <param name="namespaceLabels">The labels of its Namespace, or null while that is unknown.</param>
    public bool Admits(ServiceFacts service, IReadOnlyDictionary<string, string>? namespaceLabels) =>
        AdmitsNamespace(service.Key.Namespace, namespaceLabels) && AdmitsLabels(service.Labels);

    internal bool SelectsServices => _spec.ServiceSelectors.Count > 0;

    internal bool AdmitsNamespace(string name, IReadOnlyDictionary<string, string>? labels) =>
        _spec.Namespaces.Count + _spec.NamespaceSelectors.Count == 0
        || _spec.Namespaces.Contains(name)
        || (labels is not null && _spec.NamespaceSelectors.Any(selector => selector.Matches(labels)));

    internal bool AdmitsLabels(IReadOnlyDictionary<string, string> labels) =>
        _spec.ServiceSelectors.Count == 0 || _spec.ServiceSelectors.Any(selector => selector.Matches(labels));

    /// <summary>Where the pool lists addresses that the other one has too, or null.</summary>
    public FieldError? Clash(AddressPool other)
    {
        foreach (var range in other.Ranges)
            for (var i = 0; i < Ranges.Count; i++)
                if (Ranges[i].Overlaps(range))
                    return new FieldError($"spec.addresses[{i}]", Ranges[i].ToString(), $"overlaps {range} of IPAddressPool {other.Name}");
        return null;
    }

    /// <summary>Some routers and access points drop traffic to addresses that look like a network's or a broadcast address.</summary>
    public static bool IsBuggy(IpAddress address) => address.IsIPv4 && ((byte)address.Value is 0 or 255);

    /// <summary>Checks one pool by itself; that it overlaps no other is <see cref="PoolSet"/>'s to check.</summary>
    /// <param name="spec">As written.</param>
    /// <param name="errors">Where what is wrong is added.</param>
    /// <returns>The pool, or null when an error was added.</returns>
    public static AddressPool? Parse(AddressPoolSpec spec, ICollection<FieldError> errors)
    {
        var before = errors.Count;
        if (!spec.AddReadErrors(errors))
            return null;
        var ranges = new List<IpRange>(spec.Addresses.Count);
        if (spec.Addresses.Count == 0)
            errors.Add(new FieldError("spec.addresses", "", "at least one CIDR block or range is required"));
        for (var i = 0; i < spec.Addresses.Count; i++)
        {
            var path = $"spec.addresses[{i}]";
            if (IpRange.Parse(spec.Addresses[i], out var range) is { } rule)
                errors.Add(new FieldError(path, spec.Addresses[i], rule));
            else if (ranges.FindIndex(range.Overlaps) is var other and >= 0)
                errors.Add(new FieldError(path, spec.Addresses[i], $"overlaps {ranges[other]} of the same pool"));
            else
                ranges.Add(range);
        }

        if (spec.Priority < 0)
            errors.Add(new FieldError("spec.serviceAllocation.priority", $"{spec.Priority}", "must not be negative"));
        AddRepeated("spec.serviceAllocation.namespaces", spec.Namespaces, errors);
        AddRepeated("spec.serviceAllocation.namespaceSelectors", [.. spec.NamespaceSelectors.Select(selector => selector.ToString())], errors);
        AddRepeated("spec.serviceAllocation.serviceSelectors", [.. spec.ServiceSelectors.Select(selector => selector.ToString())], errors);
        return errors.Count == before ? new AddressPool(spec, ranges) : null;
    }

    /// <inheritdoc/>
    public override string ToString() => $"{Name} ({string.Join(", ", Ranges)})";

    private static void AddRepeated(string path, IReadOnlyList<string> values, ICollection<FieldError> errors)
    {
        for (var i = 0; i < values.Count; i++)
            if (values.Take(i).Contains(values[i], StringComparer.Ordinal))
                errors.Add(new FieldError($"{path}[{i}]", values[i], "is listed twice"));
    }
}

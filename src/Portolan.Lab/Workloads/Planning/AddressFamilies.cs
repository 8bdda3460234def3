using Portolan.Kubernetes.Resources;

namespace Portolan.Lab.Workloads.Planning;

/// <summary>As <c>spec.ipFamilies</c> of a Service and <c>addressType</c> of an EndpointSlice name them.</summary>
internal enum AddressFamily
{
    IPv4,
    IPv6,
}

/// <summary>Which addresses belong to which family.</summary>
internal static class AddressFamilies
{
    public static AddressFamily Of(string address) => address.Contains(':', StringComparison.Ordinal) ? AddressFamily.IPv6 : AddressFamily.IPv4;

    /// <summary>The families of a Service, the primary one first.</summary>
    public static IReadOnlyList<AddressFamily> OfService(UntypedObject service)
    {
        var families = service.Json.Texts("spec", "ipFamilies").Select(f => f == "IPv6" ? AddressFamily.IPv6 : AddressFamily.IPv4).Distinct().ToList();
        if (families.Count > 0)
            return families;
        return [service.Json.Text("spec", "clusterIP") is { Length: > 0 } address and not "None" ? Of(address) : AddressFamily.IPv4];
    }

    /// <summary>The pod's address of that family, or null.</summary>
    public static string? AddressOf(UntypedObject pod, AddressFamily family)
    {
        foreach (var entry in pod.Json.Objects("status", "podIPs"))
            if (entry.Text("ip") is { Length: > 0 } address && Of(address) == family)
                return address;
        return pod.Json.Text("status", "podIP") is { Length: > 0 } only && Of(only) == family ? only : null;
    }
}

using Portolan.Core.Cluster;

namespace Portolan.Core.Addresses;

/// <summary>What a Service asks for, read from its fields and annotations.</summary>
internal sealed record AddressRequest
{
    private static readonly IpFamily[] _onlyV4 = [IpFamily.IPv4];
    private static readonly IpFamily[] _onlyV6 = [IpFamily.IPv6];
    private static readonly IpFamily[] _v4First = [IpFamily.IPv4, IpFamily.IPv6];
    private static readonly IpFamily[] _v6First = [IpFamily.IPv6, IpFamily.IPv4];

    /// <summary>The wanted addresses; empty when any will do.</summary>
    public IReadOnlyList<IpAddress> Addresses { get; private init; } = [];

    /// <summary>The wanted pool, or empty.</summary>
    public string Pool { get; private init; } = "";

    /// <summary>Why the wanted addresses cannot be meant, or null.</summary>
    public string? Error { get; private init; }

    /// <summary>Why the cluster addresses tell no family, or null.</summary>
    public string? FamilyError { get; private init; }

    /// <summary>The families of the cluster addresses, the Service's first family first.</summary>
    public IReadOnlyList<IpFamily> Families { get; private init; } = [];

    /// <summary>One family will do where both are not to be had.</summary>
    public bool PrefersDualStack { get; private init; }

    /// <summary>One family will not do.</summary>
    public bool RequiresDualStack { get; private init; }

    public SharingTerms Terms { get; private init; } = SharingTerms.None;

    public bool IsDualStack => Families.Count == 2;

    public static AddressRequest Of(ServiceFacts service)
    {
        var (addresses, error) = Wanted(service);
        return new AddressRequest
        {
            Addresses = addresses,
            Error = error,
            Pool = ServiceAnnotations.Read(service, ServiceAnnotations.AddressPool),
            Families = FamiliesOf(service),
            FamilyError = service.ClusterIPs.Count > 2 || (service.ClusterIPs is [var one, var two] && one.Family == two.Family)
                ? $"spec.clusterIPs: {string.Join(", ", service.ClusterIPs)}: must be one address, or one of each family"
                : null,
            RequiresDualStack = service.IpFamilyPolicy is IpFamilyPolicy.RequireDualStack,
            PrefersDualStack = service.IpFamilyPolicy is IpFamilyPolicy.PreferDualStack,
            Terms = SharingTerms.Of(service),
        };
    }

    private static (IReadOnlyList<IpAddress> Addresses, string? Error) Wanted(ServiceFacts service)
    {
        const string annotation = ServiceAnnotations.Prefix + ServiceAnnotations.LoadBalancerIPs;
        var listed = ServiceAnnotations.Read(service, ServiceAnnotations.LoadBalancerIPs);
        var single = service.LoadBalancerIP ?? "";
        if (listed.Length == 0 && single.Length == 0)
            return ([], null);
        if (listed.Length > 0 && single.Length > 0)
            return ([], $"{annotation} and spec.loadBalancerIP cannot both be set");
        if (single.Length > 0)
            return IpAddress.TryParse(single, out var one) ? ([one], null) : ([], $"spec.loadBalancerIP: {single}: not an IP address");

        var addresses = new List<IpAddress>();
        foreach (var part in listed.Split(',', StringSplitOptions.TrimEntries))
        {
            if (!IpAddress.TryParse(part, out var address))
                return ([], $"{annotation}: {part}: not an IP address");
            addresses.Add(address);
        }

        return addresses switch
        {
            { Count: > 2 } => ([], $"{annotation}: more than two addresses"),
            [var a, var b] when a.Family == b.Family => ([], $"{annotation}: {a} and {b} are of the same family"),
            _ => (addresses, null),
        };
    }

    private static IpFamily[] FamiliesOf(ServiceFacts service)
    {
        var (v4, v6) = (false, false);
        foreach (var address in service.ClusterIPs)
            _ = address.IsIPv4 ? v4 = true : v6 = true;
        if (!v4 || !v6)
            return v4 ? _onlyV4 : v6 ? _onlyV6 : [];
        var first = service.IpFamilies is [var named, ..] ? named : service.ClusterIPs[0].Family;
        return first is IpFamily.IPv4 ? _v4First : _v6First;
    }
}

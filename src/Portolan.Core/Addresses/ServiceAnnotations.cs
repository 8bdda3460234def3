using Portolan.Core.Cluster;

namespace Portolan.Core.Addresses;

/// <summary>The annotations through which a Service talks about its address: MetalLB's, under its current and its former prefix.</summary>
public static class ServiceAnnotations
{
    /// <summary>The current prefix; it wins over the former one.</summary>
    public const string Prefix = "metallb.io/";

    /// <summary>The former prefix, still honoured.</summary>
    public const string FormerPrefix = "metallb.universe.tf/";

    /// <summary>The wanted pool's name.</summary>
    public const string AddressPool = "address-pool";

    /// <summary>The wanted addresses, separated by commas.</summary>
    public const string LoadBalancerIPs = "loadBalancerIPs";

    /// <summary>The sharing key.</summary>
    public const string AllowSharedIP = "allow-shared-ip";

    /// <summary>Written by the controller, under the current prefix only: the pool the address is from.</summary>
    public const string AllocatedFromPool = Prefix + "ip-allocated-from-pool";

    /// <summary>
    /// Written by the controller beside the addresses of a Service that has a sharing key: the <see cref="SharingTerms.Record"/> of the terms on which it holds them. Terms that
    /// are other ones at a start were changed while nobody watched.
    /// </summary>
    public const string SharedAs = "portolan.dev/shared-as";

    /// <summary>What MetalLB wrote before 0.14.9; it goes when the current one is written.</summary>
    public const string FormerAllocatedFromPool = FormerPrefix + "ip-allocated-from-pool";

    /// <summary>Whether the Service was given an address by us, or by MetalLB.</summary>
    public static bool IsAllocated(ServiceFacts service) =>
        service.Annotations.ContainsKey(AllocatedFromPool) || service.Annotations.ContainsKey(FormerAllocatedFromPool);

    /// <summary>The value under either prefix, or the empty string.</summary>
    public static string Read(ServiceFacts service, string name)
    {
        if (service.Annotations.Count == 0)
            return "";
        var (current, former) = Names(name);
        return service.Annotations.TryGetValue(current, out var value) || service.Annotations.TryGetValue(former, out value) ? value : "";
    }

    /// <summary>The annotations in use under the former prefix.</summary>
    public static IEnumerable<string> Former(ServiceFacts service) =>
        new[] { AddressPool, LoadBalancerIPs, AllowSharedIP }.Select(name => FormerPrefix + name).Where(service.Annotations.ContainsKey);

    // Asked for each Service again and again: the names are there already.
    private static (string Current, string Former) Names(string name) => name switch
    {
        AddressPool => (Prefix + AddressPool, FormerPrefix + AddressPool),
        LoadBalancerIPs => (Prefix + LoadBalancerIPs, FormerPrefix + LoadBalancerIPs),
        AllowSharedIP => (Prefix + AllowSharedIP, FormerPrefix + AllowSharedIP),
        _ => (Prefix + name, FormerPrefix + name),
    };
}

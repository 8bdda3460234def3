using Portolan.Core.Addresses;
using Portolan.Core.Cluster;

namespace Portolan.Core.Tests.Addresses;

/// <summary>Short ways to write pools and Services.</summary>
internal static class Given
{
    public static AddressPoolSpec Pool(string name, params string[] addresses) => new() { Name = name, Addresses = addresses };

    public static PoolSet Pools(params AddressPoolSpec[] specs)
    {
        var pools = PoolSet.Empty.Update(specs);
        Assert.Empty(pools.Problems);
        return pools;
    }

    public static ServiceFacts Service(string name, params string[] clusterIPs) => new()
    {
        Key = new ObjectKey("default", name),
        Uid = name,
        Type = ServiceType.LoadBalancer,
        ClusterIPs = [.. (clusterIPs.Length == 0 ? ["10.233.0.9"] : clusterIPs).Select(IpAddress.Parse)],
        Ports = [new ServicePort("", Protocol.Tcp, 80, 0)],
    };

    public static ServiceFacts With(this ServiceFacts service, string annotation, string value) =>
        service with { Annotations = new Dictionary<string, string>(service.Annotations) { [annotation] = value } };

    public static ServiceFacts Holding(this ServiceFacts service, params string[] addresses) =>
        service with { Ingress = [.. addresses.Select(address => new IngressAddress(IpAddress.Parse(address), false))] };

    public static ServiceFacts On(this ServiceFacts service, ushort port) => service with { Ports = [new ServicePort("", Protocol.Tcp, port, 0)] };

    public static LabelSelector Selector(string key, string value) => new([new LabelRequirement(key, LabelOperator.In, [value])]);

    public static Allocator Allocator(params AddressPoolSpec[] pools)
    {
        var allocator = new Allocator();
        allocator.SetPools(Pools(pools));
        allocator.SetNamespace("default", new Dictionary<string, string>());
        allocator.Start();
        return allocator;
    }

    /// <summary>Sets the Service and returns what it got, addresses joined by commas, or the first event's reason in parentheses.</summary>
    public static string Set(this Allocator allocator, ServiceFacts service)
    {
        allocator.SetService(service);
        return allocator.Has(service.Key.Name);
    }

    public static string Has(this Allocator allocator, string name)
    {
        var decision = allocator.Current(new ObjectKey("default", name))!;
        return decision.Outcome is Outcome.Assigned ? string.Join(",", decision.Addresses) : $"({decision.Outcome})";
    }
}

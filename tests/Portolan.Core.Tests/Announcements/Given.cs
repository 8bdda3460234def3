using Portolan.Core.Addresses;
using Portolan.Core.Announcements;
using Portolan.Core.Cluster;

namespace Portolan.Core.Tests.Announcements;

/// <summary>A small cluster: three nodes, one pool, one advertisement, and Services to vary.</summary>
internal static class Given
{
    public static readonly ObjectKey Web = new("default", "web");

    public static AnnouncementContext Context { get; } = new()
    {
        Pools = Pools(("lan", "192.168.100.240-192.168.100.249"), ("other", "10.9.0.0/24")),
        Advertisements = [new Layer2Advertisement { Name = "l2" }],
        Nodes = [Node("node1"), Node("node2"), Node("node3")],
        LivingSpeakers = new HashSet<string> { "node1", "node2", "node3" },
    };

    public static NodeFacts Node(string name, params (string Key, string Value)[] labels) =>
        new() { Name = name, Labels = labels.ToDictionary(label => label.Key, label => label.Value), Ready = true };

    public static PoolSet Pools(params (string Name, string Range)[] pools) => PoolSet.Empty.Update(
        [.. pools.Select(pool => new AddressPoolSpec { Name = pool.Name, Addresses = [pool.Range], Labels = new Dictionary<string, string> { ["pool"] = pool.Name } })]);

    public static ServiceFacts Service(params string[] addresses) => new()
    {
        Key = Web,
        Type = ServiceType.LoadBalancer,
        Labels = new Dictionary<string, string> { ["app"] = "web" },
        Ingress = [.. addresses.Select(address => new IngressAddress(IpAddress.Parse(address), false))],
    };

    public static EndpointSliceFacts Slice(params EndpointFacts[] endpoints) =>
        new() { Key = new ObjectKey("default", "web-1"), Service = Web, Endpoints = endpoints };

    public static EndpointFacts Endpoint(string node, bool ready = true, bool serving = true) =>
        new() { Address = IpAddress.Parse("10.233.65.2"), NodeName = node, Ready = ready, Serving = serving };

    public static LabelSelector Label(string key, params string[] values) => new([new LabelRequirement(key, LabelOperator.In, values)]);

    public static AnnouncementPlan Plan(ServiceFacts service, AnnouncementContext? context = null, params EndpointFacts[] endpoints) =>
        AnnouncementPlan.For(service, [Slice(endpoints.Length > 0 ? endpoints : [Endpoint("node1")])], context ?? Context);
}

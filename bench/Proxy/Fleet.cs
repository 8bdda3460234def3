using Portolan.Core.Addresses;
using Portolan.Core.Cluster;
using Portolan.Core.Forwarding;

namespace Portolan.Bench.Proxy;

/// <summary>
/// So many Services of so many endpoints, as the API would tell of them: type LoadBalancer, one port, a ClusterIP, an address of a load balancer and a node port.
/// Everything in them follows from their number.
/// </summary>
/// <param name="Services">1 to 30,000.</param>
/// <param name="Endpoints">Of each Service; every third is on this node.</param>
internal sealed record Fleet(int Services, int Endpoints)
{
    public const string NodeName = "node";
    public const ushort Port = 80;
    public const ushort EndpointPort = 8080;

    private const uint FirstClusterIP = 0x0a400000; // 10.64.0.0
    private const uint FirstVip = 0x0a500000;       // 10.80.0.0
    private const uint FirstEndpoint = 0x0a800000;  // 10.128.0.0

    /// <summary>What sorts the kernel's work by protocol: everything is of this one.</summary>
    public Protocol Protocol { get; init; } = Protocol.Tcp;

    /// <summary><c>sessionAffinity: ClientIP</c> for so long; 0 for none.</summary>
    public int AffinitySeconds { get; init; }

    /// <summary>Every Service has <c>loadBalancerSourceRanges</c> of its own: <see cref="SourceRanges"/>.</summary>
    public bool HasSourceRanges { get; init; }

    /// <summary>The node that the plans are for.</summary>
    public static ForwardingContext Context => new() { NodeName = NodeName };

    public static IpAddress ClusterIP(int service) => IpAddress.V4(FirstClusterIP + (uint)service);

    public static IpAddress Vip(int service) => IpAddress.V4(FirstVip + (uint)service);

    /// <summary>Higher than a cluster gives out where there are many: 30,000 do not fit in its range.</summary>
    public static ushort NodePort(int service) => (ushort)(30_000 + service);

    /// <summary>Where a Service's clients may be: all those that packets are generated from, and a range that is only this Service's.</summary>
    public static IReadOnlyList<IpPrefix> SourceRanges(int service) =>
        [IpPrefix.Containing(IpAddress.V4(0x0a090000), 16), IpPrefix.Containing(IpAddress.V4(0xac100000 + ((uint)service << 4)), 28)]; // 10.9.0.0/16, of 172.16.0.0/12

    public IpAddress Endpoint(int service, int slot) => IpAddress.V4(FirstEndpoint + (uint)((service * Endpoints) + slot));

    public IEnumerable<ServiceFacts> AllServices() => Enumerable.Range(0, Services).Select(Service);

    public IEnumerable<EndpointSliceFacts> AllSlices() => Enumerable.Range(0, Services).Select(service => Slice(service));

    public ServiceFacts Service(int service) => new()
    {
        Key = Key(service),
        Uid = service.ToString("x8", null),
        CreatedAt = 1_700_000_000 + service,
        Type = ServiceType.LoadBalancer,
        ClusterIPs = [ClusterIP(service)],
        IpFamilies = [IpFamily.IPv4],
        Ports = [new ServicePort("http", Protocol, Port, NodePort(service))],
        Ingress = [new IngressAddress(Vip(service), false)],
        AffinitySeconds = AffinitySeconds,
        LoadBalancerSourceRanges = HasSourceRanges ? SourceRanges(service) : [],
    };

    /// <summary>A Service's only slice.</summary>
    /// <param name="service">Which Service.</param>
    /// <param name="absent">The slot of an endpoint that is not ready; -1 for none.</param>
    public EndpointSliceFacts Slice(int service, int absent = -1) => new()
    {
        Key = new ObjectKey("bench", $"service-{service}-1"),
        Service = Key(service),
        Ports = [new EndpointPort("http", Protocol, EndpointPort)],
        Endpoints =
        [
            .. Enumerable.Range(0, Endpoints).Select(slot => new EndpointFacts
            {
                Address = Endpoint(service, slot),
                NodeName = slot % 3 == 0 ? NodeName : "elsewhere",
                Ready = slot != absent,
                Serving = slot != absent,
            }),
        ],
    };

    private static ObjectKey Key(int service) => new("bench", $"service-{service}");
}

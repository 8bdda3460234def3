using Portolan.Core.Addresses;
using Portolan.Core.Cluster;
using Portolan.Core.Forwarding;

namespace Portolan.Tests.Proxy.Ipvs;

/// <summary>Services of every kind and their endpoints, which come, change and go at random: the same for the same seed.</summary>
internal sealed class RandomServices(int seed)
{
    private const int Names = 6;
    private readonly Random _random = new(seed);

    /// <summary>Something happens.</summary>
    internal void Step(ForwardingIndex index)
    {
        var name = $"web{_random.Next(Names)}";
        switch (_random.Next(8))
        {
            case 0:
                index.RemoveService(new ObjectKey("default", name));
                break;
            case < 4:
                index.Set(Service(name));
                break;
            default:
                foreach (var family in Enum.GetValues<IpFamily>())
                    index.Set(Slice(name, family));
                break;
        }
    }

    private ServiceFacts Service(string name)
    {
        var number = uint.Parse(name.AsSpan(3));
        var isDual = _random.Next(2) == 0;
        var annotations = new Dictionary<string, string>();
        if (_random.Next(2) == 0)
            annotations[Scheduling.SchedulerAnnotation] = _random.Next(4) == 0 ? "maglev" : IpvsRequest.Schedulers[_random.Next(IpvsRequest.Schedulers.Count)];
        if (_random.Next(3) == 0)
            annotations[IpvsRequest.FlagsAnnotation] = new[] { "fallback", "port", "fallback,port,one-packet" }[_random.Next(3)];
        if (_random.Next(4) == 0)
            annotations[IpvsRequest.ForwardingAnnotation] = new[] { "masquerade", "direct", "tunnel" }[_random.Next(3)];
        if (_random.Next(3) == 0)
            annotations[Scheduling.WeightsAnnotation] = $"node/node={_random.Next(4)},node/another={_random.Next(1, 101)}";
        return new ServiceFacts
        {
            Key = new ObjectKey("default", name),
            Annotations = annotations,
            Type = (ServiceType)_random.Next(3),
            ClusterIPs = isDual ? [IpAddress.V4(0x0a080000 + number), IPv6(8, number)] : [_random.Next(2) == 0 ? IpAddress.V4(0x0a080000 + number) : IPv6(8, number)],
            Ports =
            [
                new ServicePort("http", Protocol.Tcp, 80, (ushort)(30000 + number)),
                new ServicePort("dns", Protocol.Udp, 53, _random.Next(2) == 0 ? (ushort)0 : (ushort)(30100 + number)),
                .. _random.Next(3) == 0 ? [new ServicePort("sig", Protocol.Sctp, 3868, (ushort)(30200 + number))] : Array.Empty<ServicePort>(),
            ],
            Ingress = [.. Some(3, i => new IngressAddress(i == 0 ? IPv6(2, 240 + number) : IpAddress.V4((i == 1 ? 0xc00002f0 : 0xa9fe1900) + number), _random.Next(5) == 0))],
            ExternalIPs = [.. Some(2, i => IpAddress.V4((uint)(0xc6336400 + _random.Next(200) + i)))],
            AffinitySeconds = _random.Next(3) == 0 ? _random.Next(1, 86401) : 0,
            ExternalTrafficPolicy = (TrafficPolicy)_random.Next(2),
            InternalTrafficPolicy = (TrafficPolicy)_random.Next(2),
        };
    }

    private EndpointSliceFacts Slice(string name, IpFamily family) => new()
    {
        Key = new ObjectKey("default", $"{name}-{family}"),
        Service = new ObjectKey("default", name),
        Family = family,
        Ports = [new EndpointPort("http", Protocol.Tcp, 8080), new EndpointPort("dns", Protocol.Udp, 5353), new EndpointPort("sig", Protocol.Sctp, 3868)],
        Endpoints =
        [
            .. Some(6, i => new EndpointFacts
            {
                Address = family is IpFamily.IPv4 ? IpAddress.V4((uint)(0x0a090000 + (_random.Next(256) << 8) + i)) : IpAddress.V6(((UInt128)0xfd00_0009_0000_0000 << 64) + ((UInt128)_random.Next(65536) << 48) + (UInt128)i),
                NodeName = _random.Next(2) == 0 ? "node" : "another",
                Ready = _random.Next(6) != 0,
            }),
        ],
    };

    private IEnumerable<T> Some<T>(int most, Func<int, T> make) => Enumerable.Range(0, _random.Next(most + 1)).Select(make);

    private static IpAddress IPv6(uint net, uint host) => IpAddress.V6(((UInt128)(0xfd00_0000_0000_0000 | ((ulong)net << 32)) << 64) + host);
}

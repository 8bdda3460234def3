using CsCheck;
using Portolan.Core.Addresses;
using Portolan.Core.Cluster;
using Portolan.Core.Forwarding;

namespace Portolan.Core.Tests.Forwarding;

public sealed class ForwardingIndexTests
{
    private static readonly ForwardingContext Here = new() { NodeName = "node0" };

    // Few names and few addresses, so that Services meet: the same externalIPs, slices that change their Service, zones that come and go.
    private static readonly Gen<ServiceFacts> Services =
        from name in Gen.Int[0, 4]
        from clusterIP in Gen.Int[0, 3]
        from external in Gen.Int[0, 3].List[0, 2]
        from nodePort in Gen.Int[0, 2]
        from policies in Gen.Select(Gen.Bool, Gen.Bool)
        from foreign in Gen.Int[0, 9]
        from created in Gen.Int[0, 2]
        from scheduling in Gen.Int[0, 9]
        select new ServiceFacts
        {
            Key = new ObjectKey("ns", $"svc{name}"),
            CreatedAt = created,
            Type = ServiceType.NodePort,
            ClusterIPs = clusterIP == 0 ? [] : [IpAddress.V4(0x0a600000 + (uint)clusterIP)],
            ExternalIPs = [.. external.Select(address => IpAddress.V4(0x0a600000 + (uint)address))],
            Ports = [new ServicePort("", Protocol.Tcp, 80, (ushort)(nodePort == 0 ? 0 : 30000 + nodePort)), new ServicePort("dns", Protocol.Udp, 53, 0)],
            ExternalTrafficPolicy = policies.Item1 ? TrafficPolicy.Local : TrafficPolicy.Cluster,
            InternalTrafficPolicy = policies.Item2 ? TrafficPolicy.Local : TrafficPolicy.Cluster,
            Annotations = scheduling switch
            {
                0 => new Dictionary<string, string> { [Scheduling.SchedulerAnnotation] = "maglev", [Scheduling.TableSizeAnnotation] = "251" },
                1 => new Dictionary<string, string> { [Scheduling.WeightsAnnotation] = "node/node1=3" },
                2 or 3 => new Dictionary<string, string> { [Scheduling.SlowStartAnnotation] = "10s" },
                4 => new Dictionary<string, string> { [Scheduling.SlowStartAnnotation] = "soon" },
                _ => new Dictionary<string, string>(),
            },
            Labels = foreign == 0 ? new Dictionary<string, string> { ["service.kubernetes.io/service-proxy-name"] = "x" } : new Dictionary<string, string>(),
        };

    private static readonly Gen<EndpointSliceFacts> Slices =
        from name in Gen.Int[0, 5]
        from service in Gen.Int[0, 4]
        from endpoints in Gen.Select(Gen.Int[0, 5], Gen.Int[0, 2], Gen.Int[0, 3]).List[0, 4]
        select new EndpointSliceFacts
        {
            Key = new ObjectKey("ns", $"slice{name}"),
            Service = new ObjectKey("ns", $"svc{service}"),
            Ports = [new EndpointPort("", Protocol.Tcp, 8080), new EndpointPort("dns", Protocol.Udp, 5353)],
            Endpoints =
            [
                .. endpoints.Select(endpoint => new EndpointFacts
                {
                    Address = IpAddress.V4(0x0a010000 + (uint)endpoint.Item1),
                    NodeName = $"node{endpoint.Item2}",
                    Ready = endpoint.Item3 > 1,
                    Terminating = endpoint.Item3 == 1,
                    ZoneHints = endpoint.Item3 == 3 ? ["a"] : [],
                }),
            ],
        };

    private static readonly Gen<Action<World>> Steps = Gen.Frequency(
        (4, Services.Select(service => (Action<World>)(world => world.Set(service)))),
        (4, Slices.Select(slice => (Action<World>)(world => world.Set(slice)))),
        (2, Gen.Int[0, 4].Select(name => (Action<World>)(world => world.RemoveService(new ObjectKey("ns", $"svc{name}"))))),
        (2, Gen.Int[0, 5].Select(name => (Action<World>)(world => world.RemoveSlice(new ObjectKey("ns", $"slice{name}"))))),
        (1, Gen.Bool.Select(zone => (Action<World>)(world => world.Context = Here with { Zone = zone ? "a" : "" }))),
        (1, Gen.Int[1, 5].Select(seconds => (Action<World>)(world => world.Wait(seconds)))),
        (4, Gen.Const((Action<World>)(world => world.Take()))));

    [Fact]
    public void IsTheSameAsFromScratch_WhateverTheHistory() =>
        Steps.List[1, 60].Sample(steps =>
        {
            var world = new World();
            foreach (var step in steps)
                step(world);
            world.Take();
            // A fresh index takes no endpoint for new: by then none is.
            world.Wait(60);
            world.Take();
            if (world.Index.NextStep is not null)
                return false;
            var scratch = world.FromScratch();
            // What the index says, what its changes add up to, and a fresh index agree.
            return Same(world.Index.Plans, scratch) && Same(world.Followed.Values, scratch);
        });

    private static bool Same(IEnumerable<ServicePortPlan> left, IEnumerable<ServicePortPlan> right) =>
        left.OrderBy(plan => plan.Key).SequenceEqual(right.OrderBy(plan => plan.Key));

    [Fact]
    [Contract("proxy §1.1-12")]
    public void GivesAContestedFrontToTheOlderService_AndBackWhenItGoes()
    {
        var index = new ForwardingIndex(Here);
        var shared = IpAddress.Parse("198.51.100.1");
        var older = new ServiceFacts { Key = new ObjectKey("ns", "older"), CreatedAt = 1, ClusterIPs = [IpAddress.V4(1)], ExternalIPs = [shared], Ports = [new ServicePort("", Protocol.Tcp, 80, 0)] };
        var younger = older with { Key = new ObjectKey("ns", "younger"), CreatedAt = 2, ClusterIPs = [IpAddress.V4(2)] };
        index.Set(younger);
        index.TakeChanges();
        index.Set(older);
        Assert.Equal(2, index.TakeChanges().Count);
        Assert.Equal(["ns/older"], Owners());
        index.RemoveService(older.Key);
        index.TakeChanges();
        Assert.Equal(["ns/younger"], Owners());

        IEnumerable<string> Owners() => index.Plans.Where(plan => plan.VirtualServers.Any(server => server.Front.Address == shared)).Select(plan => plan.Key.Service.ToString());
    }

    [Fact]
    public void ReportsNothing_WhenAnEventChangesNoPlan()
    {
        var index = new ForwardingIndex(Here);
        var service = new ServiceFacts { Key = new ObjectKey("ns", "a"), ClusterIPs = [IpAddress.V4(1)], Ports = [new ServicePort("", Protocol.Tcp, 80, 0)] };
        index.Set(service);
        Assert.Single(index.TakeChanges());
        index.Set(service with { Annotations = new Dictionary<string, string> { ["a"] = "b" } });
        Assert.Empty(index.TakeChanges());
    }

    private sealed class World
    {
        private readonly Dictionary<ObjectKey, ServiceFacts> _services = [];
        private readonly Dictionary<ObjectKey, EndpointSliceFacts> _slices = [];
        private TimeSpan _now;

        internal ForwardingIndex Index { get; } = new(Here);

        internal Dictionary<ServicePortKey, ServicePortPlan> Followed { get; } = [];

        internal ForwardingContext Context
        {
            set => Index.Context = value;
        }

        internal void Set(ServiceFacts service) => Index.Set(_services[service.Key] = service);

        internal void Set(EndpointSliceFacts slice) => Index.Set(_slices[slice.Key] = slice);

        internal void RemoveService(ObjectKey key)
        {
            _services.Remove(key);
            Index.RemoveService(key);
        }

        internal void RemoveSlice(ObjectKey key)
        {
            _slices.Remove(key);
            Index.RemoveSlice(key);
        }

        internal void Wait(int seconds) => Index.Advance(_now += TimeSpan.FromSeconds(seconds));

        internal void Take()
        {
            foreach (var change in Index.TakeChanges())
            {
                Assert.Equal(Followed.GetValueOrDefault(change.Key), change.Old);
                if (change.New is null)
                    Followed.Remove(change.Key);
                else
                    Followed[change.Key] = change.New;
            }
        }

        internal List<ServicePortPlan> FromScratch()
        {
            var index = new ForwardingIndex(Index.Context);
            foreach (var slice in _slices.Values)
                index.Set(slice);
            foreach (var service in _services.Values)
                index.Set(service);
            index.TakeChanges();
            return [.. index.Plans];
        }
    }
}

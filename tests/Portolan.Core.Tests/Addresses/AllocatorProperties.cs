using CsCheck;
using Portolan.Core.Addresses;
using Portolan.Core.Cluster;

namespace Portolan.Core.Tests.Addresses;

/// <summary>Random histories of Services, pools and restarts against what must hold at any moment.</summary>
public sealed class AllocatorProperties
{
    [Fact]
    public void HoldsAtAnyMoment() => Gen.Int.Array[1, 80].Sample(Play, iter: 2000);

    private static void Play(int[] history)
    {
        var world = new World();
        foreach (var seed in history)
        {
            var before = world.Snapshot();
            var touched = world.Step(new Random(seed));
            var after = world.Snapshot();

            // None moved without cause: only the Service that was touched, or anyone if pools or namespaces were.
            // One that preferred two addresses and had one may gain the other.
            if (touched is { } only)
                foreach (var (name, addresses) in before)
                    if (name != only && addresses.Length > 0)
                        Assert.True(after[name] == addresses || after[name].StartsWith(addresses + ",", StringComparison.Ordinal), $"{name} had {addresses} and has {after[name]}");
            world.CheckNobodyHoldsWhatIsNotHis();
        }

        world.CheckThatRestartChangesNothing();
        world.CheckThatRepetitionChangesNothing();
    }

    private sealed class World
    {
        private static readonly string[] Ranges = ["10.0.0.0-10.0.0.2", "10.0.0.3-10.0.0.4", "10.0.1.255/32", "fd00::/127", "10.0.2.0/31"];
        private static readonly string[] Names = ["a", "b", "c", "d", "e", "f", "g", "h"];
        private static readonly string[] Addresses = ["10.0.0.1", "10.0.0.4", "fd00::1", "10.7.7.7", "10.0.0.1,fd00::1", "bad"];
        private readonly Dictionary<string, ServiceFacts> _services = new(StringComparer.Ordinal);
        private readonly Dictionary<string, AddressPoolSpec> _pools = new(StringComparer.Ordinal);
        private Dictionary<string, string> _labels = [];
        private readonly Allocator _allocator = new();

        public World()
        {
            _allocator.SetNamespace("default", _labels);
            _allocator.Start();
        }

        public Dictionary<string, string> Snapshot() => _services.Keys.ToDictionary(name => name, name => _allocator.Has(name) is var has && has[0] == '(' ? "" : has);

        /// <returns>The one Service that may change, or null when any may.</returns>
        public string? Step(Random random)
        {
            var name = Names[random.Next(Names.Length)];
            switch (random.Next(10))
            {
                case 0:
                    _services.Remove(name);
                    _allocator.RemoveService(new ObjectKey("default", name));
                    return name;
                case 1:
                    var pool = "pool" + random.Next(3);
                    if (random.Next(3) == 0)
                        _pools.Remove(pool);
                    else
                        _pools[pool] = RandomPool(pool, random);
                    _allocator.SetPools(_allocator.Pools.Update([.. _pools.Values]));
                    return null;
                case 2:
                    _labels = random.Next(2) == 0 ? [] : new Dictionary<string, string> { ["team"] = "red" };
                    _allocator.SetNamespace("default", _labels);
                    return null;
                default:
                    // A status is what the last decision made it, or, sometimes, not written yet.
                    var service = RandomService(name, random);
                    if (random.Next(3) > 0 && _allocator.Current(service.Key) is { Outcome: Outcome.Assigned } decision)
                        service = service with { Ingress = [.. decision.Addresses.Select(address => new IngressAddress(address, false))] };
                    _services[name] = service;
                    _allocator.SetService(service);
                    return name;
            }
        }

        public void CheckNobodyHoldsWhatIsNotHis()
        {
            var held = new List<(ServiceFacts Service, IpAddress Address)>();
            foreach (var (name, service) in _services)
            {
                var decision = _allocator.Current(service.Key)!;
                if (decision.Outcome is not Outcome.Assigned)
                    continue;
                Assert.Equal(ServiceType.LoadBalancer, service.Type);
                foreach (var address in decision.Addresses)
                {
                    held.Add((service, address));
                    var pool = _allocator.Pools.Of(address);
                    Assert.True(pool is not null || !_allocator.Pools.IsComplete, $"{name} has {address}, which is in no pool");
                    Assert.True(pool is null || pool.Admits(service, _labels), $"{name} has {address} of a pool that is not for it");
                }
            }

            foreach (var (one, address) in held)
                foreach (var (other, same) in held)
                    if (same == address && other.Key != one.Key)
                        Assert.Null(SharingTerms.Of(one).Refusal(other.Key, SharingTerms.Of(other)));

            foreach (var use in _allocator.Use())
                Assert.Equal(held.Select(holding => holding.Address).Distinct().Count(address => address.IsIPv4 && _allocator.Pools.Of(address)?.Name == use.Pool), use.AssignedIPv4);
        }

        public void CheckThatRestartChangesNothing()
        {
            // After a restart the last good version of a wrong pool is forgotten; those who hold its addresses keep them all the same.
            var restarted = new Allocator();
            foreach (var service in _services.Values)
            {
                var decision = _allocator.Current(service.Key)!;
                restarted.SetService(service with { Ingress = [.. decision.Addresses.Select(address => new IngressAddress(address, false))] });
            }

            restarted.SetNamespace("default", _labels);
            restarted.SetPools(PoolSet.Empty.Update([.. _pools.Values]));
            restarted.Start();
            var before = Snapshot();
            foreach (var name in _services.Keys)
                if (_allocator.Pools.Problems.Count == 0)
                    Assert.Equal(before[name], restarted.Has(name) is var has && has[0] == '(' ? "" : has);
        }

        public void CheckThatRepetitionChangesNothing()
        {
            var before = Snapshot();
            foreach (var service in _services.Values.ToList())
                _allocator.SetService(service);
            _allocator.SetPools(_allocator.Pools.Update([.. _pools.Values]));
            Assert.Equal(before, Snapshot());
        }

        private static AddressPoolSpec RandomPool(string name, Random random) => new()
        {
            Name = name,
            CreatedAt = random.Next(3),
            Addresses = [.. Enumerable.Range(0, random.Next(3)).Select(_ => Ranges[random.Next(Ranges.Length)])],
            AutoAssign = random.Next(4) > 0,
            AvoidBuggyIPs = random.Next(3) == 0,
            Priority = random.Next(3),
            Namespaces = random.Next(3) == 0 ? ["default"] : [],
            NamespaceSelectors = random.Next(4) == 0 ? [Given.Selector("team", "red")] : [],
            ServiceSelectors = random.Next(4) == 0 ? [Given.Selector("tier", "web")] : [],
        };

        private static ServiceFacts RandomService(string name, Random random)
        {
            string[] clusterIPs = random.Next(4) switch { 0 => ["fd99::1"], 1 => ["10.233.0.1", "fd99::1"], _ => ["10.233.0.1"] };
            var service = Given.Service(name, clusterIPs).On((ushort)(80 + random.Next(2))) with
            {
                CreatedAt = random.Next(5),
                Type = random.Next(8) == 0 ? ServiceType.ClusterIP : ServiceType.LoadBalancer,
                IpFamilyPolicy = (IpFamilyPolicy)random.Next(3),
                ExternalTrafficPolicy = random.Next(4) == 0 ? TrafficPolicy.Local : TrafficPolicy.Cluster,
                Labels = random.Next(2) == 0 ? new Dictionary<string, string> { ["tier"] = "web" } : [],
            };
            if (random.Next(3) == 0)
                service = service.With("metallb.io/allow-shared-ip", "k" + random.Next(2));
            if (random.Next(5) == 0)
                service = service.With("metallb.io/loadBalancerIPs", Addresses[random.Next(Addresses.Length)]);
            if (random.Next(6) == 0)
                service = service.With("metallb.io/address-pool", "pool" + random.Next(4));
            return service;
        }
    }
}

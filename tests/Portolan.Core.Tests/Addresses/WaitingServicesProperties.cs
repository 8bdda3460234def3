using CsCheck;
using Portolan.Core.Addresses;
using Portolan.Core.Cluster;

namespace Portolan.Core.Tests.Addresses;

/// <summary>
/// Who waits is asked again only when what he waits for has changed. That must be the same as asking everybody each time: the same
/// decisions for the same reasons, in the same order.
/// </summary>
public sealed class WaitingServicesProperties
{
    [Fact]
    public void AskingOnlyThoseConcernedIsTheSameAsAskingEverybody() => Gen.Int.Array[1, 120].Sample(Play, iter: 500);

    [Fact]
    public void FreedAddressIsOfferedToThoseWhoCanTakeIt_NotToEverybody()
    {
        var allocator = Given.Allocator(Given.Pool("p", "10.0.0.0/31"), Given.Pool("q", "10.0.1.0/32", "fd00::/128"));
        for (var i = 0; i < 2000; i++)
            allocator.SetService(Given.Service("s" + i) with { CreatedAt = i });
        var dual = Given.Service("dual", "10.233.0.1", "fd99::1") with { IpFamilyPolicy = IpFamilyPolicy.RequireDualStack, CreatedAt = 5000 };
        allocator.SetService(dual);
        var before = allocator.DecisionsMade;
        Assert.Equal("s3", Assert.Single(allocator.RemoveService(new ObjectKey("default", "s0"))).Service.Name);
        Assert.True(allocator.DecisionsMade - before <= 2, $"one freed address cost {allocator.DecisionsMade - before} decisions");
    }

    private static void Play(int[] history)
    {
        var (indexed, asking) = (new Allocator(), new Allocator { AsksEverybody = true });
        var services = new Dictionary<string, ServiceFacts>(StringComparer.Ordinal);
        var pools = new Dictionary<string, AddressPoolSpec>(StringComparer.Ordinal) { ["pool0"] = Given.Pool("pool0", "10.0.0.0-10.0.0.2"), ["pool1"] = Given.Pool("pool1", "10.0.1.0/31", "fd00::/127") };
        Both(allocator => allocator.SetPools(allocator.Pools.Update([.. pools.Values])));
        Both(allocator => allocator.Start());
        foreach (var seed in history)
            Step(new Random(seed));

        void Step(Random random)
        {
            var name = "s" + random.Next(14);
            switch (random.Next(12))
            {
                case 0 or 1 or 2:
                    services.Remove(name);
                    Both(allocator => allocator.RemoveService(new ObjectKey("default", name)));
                    break;
                case 3 when random.Next(4) == 0:
                    var pool = "pool" + random.Next(3);
                    if (random.Next(3) == 0)
                        pools.Remove(pool);
                    else
                        pools[pool] = RandomPool(pool, random);
                    Both(allocator => allocator.SetPools(allocator.Pools.Update([.. pools.Values])));
                    break;
                case 4 when random.Next(2) == 0:
                    Dictionary<string, string> labels = random.Next(2) == 0 ? [] : new() { ["team"] = "red" };
                    Both(allocator => allocator.SetNamespace("default", labels));
                    break;
                default:
                    var service = RandomService(name, random);
                    var held = indexed.Current(service.Key)?.Addresses ?? [];
                    if (random.Next(3) > 0)
                        service = service with { Ingress = [.. held.Select(address => new IngressAddress(address, false))] };
                    services[name] = service;
                    Both(allocator => allocator.SetService(service));
                    break;
            }
        }

        void Both(Func<Allocator, IReadOnlyList<Decision>> change)
        {
            Assert.Equal(News(asking, change), News(indexed, change));
            foreach (var service in services.Values)
                Assert.Equal(Text(asking.Current(service.Key)), Text(indexed.Current(service.Key)));
        }

        // The decisions that ask for another status. Asked without need, a Service may hear once more, in other words, why it gets nothing.
        List<string> News(Allocator allocator, Func<Allocator, IReadOnlyList<Decision>> change)
        {
            var before = services.Values.ToDictionary(service => service.Key, service => allocator.Current(service.Key));
            return [.. change(allocator).Where(decision => !decision.SameStatusAs(before.GetValueOrDefault(decision.Service))).Select(Text).Distinct()];
        }
    }

    private static string Text(Decision? decision) => decision is null ? "nothing"
        : $"{decision.Service.Name} {decision.Outcome} [{string.Join(' ', decision.Addresses)}] {decision.Pool} {(decision.Outcome is Outcome.Waiting ? Reason(decision.Reason) : "")}";

    // Whom somebody waits for is named as it was when he was asked.
    private static string Reason(string reason) => reason.IndexOf(" is in use by ", StringComparison.Ordinal) is var at and > 0 ? reason[at..(at + 13)] : reason;

    private static AddressPoolSpec RandomPool(string name, Random random)
    {
        string[] ranges = ["10.0.0.0-10.0.0.2", "10.0.0.3-10.0.0.4", "10.0.1.255/32", "fd00::/127", "10.0.2.0/31", "fd00::8/128"];
        return new()
        {
            Name = name,
            Addresses = [.. Enumerable.Range(0, 1 + random.Next(3)).Select(_ => ranges[random.Next(ranges.Length)])],
            AutoAssign = random.Next(5) > 0,
            AvoidBuggyIPs = random.Next(4) == 0,
            Priority = random.Next(3),
            NamespaceSelectors = random.Next(5) == 0 ? [Given.Selector("team", "red")] : [],
            ServiceSelectors = random.Next(5) == 0 ? [Given.Selector("tier", "web")] : [],
        };
    }

    private static ServiceFacts RandomService(string name, Random random)
    {
        string[] clusterIPs = random.Next(4) switch { 0 => ["fd99::1"], 1 => ["10.233.0.1", "fd99::1"], _ => ["10.233.0.1"] };
        string[] wanted = ["10.0.0.1", "10.0.1.0", "fd00::1", "10.7.7.7", "10.0.1.1,fd00::1", "bad"];
        var service = Given.Service(name, clusterIPs) with
        {
            CreatedAt = random.Next(5),
            Uid = name + (random.Next(12) == 0 ? "!" : ""),
            Ports = [.. Enumerable.Range(80, 1 + random.Next(2)).Select(port => new ServicePort("", Protocol.Tcp, (ushort)(port + random.Next(3)), 0)).DistinctBy(port => port.Port)],
            Type = random.Next(10) == 0 ? ServiceType.ClusterIP : ServiceType.LoadBalancer,
            IpFamilyPolicy = (IpFamilyPolicy)random.Next(3),
            ExternalTrafficPolicy = random.Next(5) == 0 ? TrafficPolicy.Local : TrafficPolicy.Cluster,
            Labels = random.Next(2) == 0 ? new Dictionary<string, string> { ["tier"] = "web" } : [],
        };
        if (random.Next(2) == 0)
            service = service.With("metallb.io/allow-shared-ip", "k" + random.Next(2));
        if (random.Next(5) == 0)
            service = service.With("metallb.io/loadBalancerIPs", wanted[random.Next(wanted.Length)]);
        if (random.Next(6) == 0)
            service = service.With("metallb.io/address-pool", "pool" + random.Next(4));
        return random.Next(10) == 0 ? service.Holding("10.0.0." + random.Next(4)) : service;
    }
}

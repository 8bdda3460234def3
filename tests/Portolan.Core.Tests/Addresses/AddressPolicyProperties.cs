using CsCheck;
using Portolan.Core.Addresses;
using Portolan.Core.Addresses.Policies;
using Portolan.Core.Cluster;

namespace Portolan.Core.Tests.Addresses;

/// <summary>Random histories of Services, pools, policies, reservations and time against what must hold at any moment.</summary>
public sealed class AddressPolicyProperties
{
    private static readonly string[] Namespaces = ["default", "red"];

    [Fact]
    public void HoldsAtAnyMoment() => Gen.Int.Array[1, 80].Sample(history => new World().Play(history), iter: 250);

    private sealed class World
    {
        private readonly Allocator _allocator = new();
        private readonly Allocator _asking = new() { AsksEverybody = true };
        private readonly Dictionary<ObjectKey, ServiceFacts> _services = [];
        private readonly Dictionary<string, AddressPoolSpec> _pools = new(StringComparer.Ordinal)
        {
            ["p"] = Given.Pool("p", "10.0.0.0/30"),
            ["q"] = Given.Pool("q", "10.0.1.0/31"),
            ["six"] = Given.Pool("six", "fd00::/127"),
        };

        private readonly Dictionary<string, AddressPoolPolicySpec> _policies = new(StringComparer.Ordinal);
        private readonly Dictionary<string, AddressReservation> _stored = new(StringComparer.Ordinal);
        private readonly Dictionary<string, NodeFacts> _nodes = new(StringComparer.Ordinal);
        private long _now = 1000;

        public void Play(int[] history)
        {
            Both(allocator => allocator.SetPools(PoolSet.Empty.Update([.. _pools.Values])));
            Both(allocator => allocator.Advance(_now));
            Both(allocator => allocator.Start());
            foreach (var seed in history)
            {
                Step(new Random(seed));
                foreach (var (name, record) in _allocator.TakeReservationsToWrite())
                    if (record is null)
                        _stored.Remove(name);
                    else
                        _stored[name] = record;
                CheckNobodyHoldsWhatAnotherHolds();
            }

            CheckThatRestartChangesNothing();
        }

        private void Step(Random random)
        {
            var key = new ObjectKey(Namespaces[random.Next(2)], "s" + random.Next(6));
            switch (random.Next(16))
            {
                case 0 or 1 or 2 or 3:
                    _services.Remove(key);
                    Both(allocator => allocator.RemoveService(key));
                    break;
                case 4 or 5:
                    _now += random.Next(200);
                    Both(allocator => allocator.Advance(_now));
                    break;
                case 6:
                    var policy = RandomPolicy("policy" + random.Next(2), random);
                    _policies[policy.Name] = policy;
                    if (random.Next(4) == 0)
                        _policies.Remove(policy.Name);
                    Both(allocator => allocator.SetPolicies(PolicySet.Empty.Update([.. _policies.Values])));
                    break;
                case 7:
                    var byHand = new AddressReservation
                    {
                        Name = "hand" + random.Next(2),
                        Service = random.Next(3) == 0 ? null : key,
                        Addresses = [IpAddress.Parse("10.0.0." + random.Next(4))],
                        ExpiresAt = random.Next(2) == 0 ? _now + 1 + random.Next(300) : null,
                    };
                    _stored[byHand.Name] = byHand;
                    Both(allocator => allocator.SetReservation(byHand));
                    break;
                case 8:
                    var gone = "hand" + random.Next(2);
                    _stored.Remove(gone);
                    Both(allocator => allocator.RemoveReservation(gone));
                    break;
                case 9:
                    var node = new NodeFacts { Name = "n", InternalIPs = [IpAddress.Parse("10.0." + random.Next(3) + ".1")] };
                    _nodes["n"] = node;
                    Both(allocator => allocator.SetNode("n", node));
                    break;
                case 10 when random.Next(3) == 0:
                    _pools["q"] = Given.Pool("q", random.Next(2) == 0 ? "10.0.1.0/31" : "10.0.1.0/32") with { AutoAssign = random.Next(3) > 0 };
                    Both(allocator => allocator.SetPools(allocator.Pools.Update([.. _pools.Values])));
                    break;
                default:
                    var service = RandomService(key, random);
                    if (random.Next(3) > 0)
                        service = service with { Ingress = [.. (_allocator.Current(key)?.Addresses ?? []).Select(address => new IngressAddress(address, false))] };
                    _services[key] = service;
                    Both(allocator => allocator.SetService(service));
                    break;
            }
        }

        private void Both(Func<Allocator, IReadOnlyList<Decision>> change)
        {
            var before = Snapshot(_allocator);
            var kept = _allocator.Reservations.Where(one => one is { IsManaged: true, ExpiresAt: not null, Service: not null }).ToList();
            change(_asking);
            change(_allocator);
            var after = Snapshot(_allocator);
            Assert.Equal(Snapshot(_asking), after);
            Assert.Equal(_asking.Reservations.OrderBy(one => one.Name, StringComparer.Ordinal), _allocator.Reservations.OrderBy(one => one.Name, StringComparer.Ordinal));
            CheckWhatIsNew(before, after, kept);
        }

        private Dictionary<ObjectKey, string> Snapshot(Allocator allocator) =>
            _services.Keys.ToDictionary(key => key, key => string.Join(',', allocator.Current(key)?.Addresses ?? []));

        // Whoever got an address just now may have it by every reservation and quota.
        private void CheckWhatIsNew(Dictionary<ObjectKey, string> before, Dictionary<ObjectKey, string> after, List<AddressReservation> keptBefore)
        {
            foreach (var (key, text) in after)
            {
                if (text.Length == 0 || before.GetValueOrDefault(key) == text)
                    continue;
                var got = text.Split(',').Except((before.GetValueOrDefault(key) ?? "").Split(',')).Select(IpAddress.Parse).ToList();
                foreach (var address in got)
                {
                    foreach (var byHand in _stored.Values)
                        if (!byHand.IsManaged && byHand.Addresses.Contains(address) && (byHand.ExpiresAt ?? long.MaxValue) > _now)
                            Assert.True(byHand.Service == key || _stored.Values.Any(other => !other.IsManaged && other.Service == key && other.Addresses.Contains(address)), $"{key} got {address}, and {byHand}");
                    if (!keptBefore.Any(kept => kept.Service == key && kept.Addresses.Contains(address)) && !_stored.Values.Any(mine => !mine.IsManaged && mine.Service == key && mine.Addresses.Contains(address)))
                        Assert.DoesNotContain(_allocator.Reservations, kept => kept is { IsManaged: true, ExpiresAt: not null } && kept.Service != key && kept.Addresses.Contains(address));
                    Assert.DoesNotContain(_allocator.RefusedPools, refused => refused.Pool == _allocator.Pools.Of(address)?.Name && !IsShown(key, address));

                    // What the namespace has, or is kept for another of its Services (also for one that goes just now), is counted already.
                    if (!keptBefore.Concat(_allocator.Reservations).Any(kept => kept is { IsManaged: true, Service: { } other } && other.Namespace == key.Namespace && other != key && kept.Addresses.Contains(address)) && !before.Any(had => had.Key.Namespace == key.Namespace && had.Value.Split(',').Contains(address.ToString())))
                        CheckQuota(key, address);
                }
            }
        }

        // What a status shows at first sight is kept, not given.
        private bool IsShown(ObjectKey key, IpAddress address) => _services[key].Ingress.Any(shown => shown.Address == address);

        private void CheckQuota(ObjectKey key, IpAddress address)
        {
            foreach (var policy in PolicySet.Empty.Update([.. _policies.Values]).Policies)
                foreach (var quota in policy.Quotas)
                    if (quota.Limits(key.Namespace, null) && _allocator.Pools.Of(address) is { } pool && policy.Selects(pool) && !IsShown(key, address))
                    {
                        var has = _services.Keys.Where(other => other.Namespace == key.Namespace).SelectMany(other => _allocator.Current(other)!.Addresses)
                            .Where(held => _allocator.Pools.Of(held) is { } of && policy.Selects(of)).Distinct().Count();
                        Assert.True(has <= quota.Addresses, $"{key} got {address} over the quota {quota.Addresses} of {policy.Name}: {has}");
                    }
        }

        private void CheckNobodyHoldsWhatAnotherHolds()
        {
            var held = _services.Values.SelectMany(service => _allocator.Current(service.Key)!.Addresses.Select(address => (service, address))).ToList();
            foreach (var (one, address) in held)
                foreach (var (other, same) in held)
                    if (same == address && other.Key != one.Key)
                        Assert.Null(SharingTerms.Of(one).Refusal(other.Key, SharingTerms.Of(other)));
            foreach (var use in _allocator.Use())
                Assert.InRange(use.AvailableIPv4 + use.AssignedIPv4, 0, 4);
        }

        private void CheckThatRestartChangesNothing()
        {
            var restarted = new Allocator();
            foreach (var service in _services.Values)
                restarted.SetService(service with { Ingress = [.. _allocator.Current(service.Key)!.Addresses.Select(address => new IngressAddress(address, false))] });
            foreach (var record in _stored.Values)
                restarted.SetReservation(record);
            foreach (var node in _nodes.Values)
                restarted.SetNode(node.Name, node);
            restarted.SetPools(PoolSet.Empty.Update([.. _pools.Values]));
            restarted.SetPolicies(PolicySet.Empty.Update([.. _policies.Values]));
            restarted.Advance(_now);
            restarted.Start();
            Assert.Equal(Snapshot(_allocator), Snapshot(restarted));
            Assert.Equal(_allocator.Reservations.OrderBy(one => one.Name, StringComparer.Ordinal), restarted.Reservations.OrderBy(one => one.Name, StringComparer.Ordinal));
            Assert.Equal(_allocator.Use().Select(use => use.ToString()), restarted.Use().Select(use => use.ToString()));
        }

        private static AddressPoolPolicySpec RandomPolicy(string name, Random random) => new()
        {
            Name = name,
            IPAddressPools = random.Next(3) switch { 0 => [], 1 => ["p"], _ => ["p", "q"] },
            RetainFor = random.Next(2) == 0 ? "100s" : null,
            CoolDown = random.Next(2) == 0 ? "60s" : null,
            Quotas = random.Next(2) == 0 ? [new NamespaceQuota(random.Next(2) == 0 ? [] : ["red"], [], random.Next(4))] : [],
            PairWith = random.Next(3) == 0 ? "six" : "",
            Guard = random.Next(4) == 0 ? new GuardSpec(true, false, true, []) : null,
        };

        private static ServiceFacts RandomService(ObjectKey key, Random random)
        {
            string[] clusterIPs = random.Next(4) switch { 0 => ["fd99::1"], 1 => ["10.233.0.1", "fd99::1"], _ => ["10.233.0.1"] };
            var service = Given.Service(key.Name, clusterIPs).On((ushort)(80 + random.Next(2))) with
            {
                Key = key,
                Uid = "u" + random.Next(3),
                CreatedAt = random.Next(5),
                IpFamilyPolicy = (IpFamilyPolicy)random.Next(3),
                Type = random.Next(8) == 0 ? ServiceType.ClusterIP : ServiceType.LoadBalancer,
            };
            if (random.Next(3) == 0)
                service = service.With("metallb.io/allow-shared-ip", "k");
            if (random.Next(5) == 0)
                service = service.With("metallb.io/loadBalancerIPs", "10.0.0." + random.Next(4));
            if (random.Next(8) == 0)
                service = service.With("metallb.io/address-pool", random.Next(2) == 0 ? "q" : "six");
            return service;
        }
    }
}

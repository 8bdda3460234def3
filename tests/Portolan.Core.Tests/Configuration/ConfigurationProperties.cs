using CsCheck;
using Portolan.Core.Addresses;
using Portolan.Core.Announcements;
using Portolan.Core.Announcements.Bgp;
using Portolan.Core.Cluster;
using Portolan.Core.Configuration;

namespace Portolan.Core.Tests.Configuration;

/// <summary>Random histories of right and wrong objects of every kind against what never depends on the order of the changes.</summary>
public sealed class ConfigurationProperties
{
    [Fact]
    [Contract("§1 stale configuration")]
    public void HoldsAfterEveryChange() => Gen.Int.Array[1, 60].Sample(Play, iter: 400);

    private static void Play(int[] history)
    {
        var world = new World();
        foreach (var seed in history)
            world.Step(new Random(seed));
    }

    private sealed class World
    {
        private static readonly string[] Names = ["a", "b", "c", "d"];
        private static readonly Dictionary<string, string> RackA = new() { ["rack"] = "a" };
        private static readonly Dictionary<string, string> RackB = new() { ["rack"] = "b" };
        private readonly Dictionary<(ConfigurationKind, string), long> _born = [];
        private ConfigurationObjects _objects = ConfigurationObjects.Empty.WithNode("node1", RackA).WithNode("node2", RackB);
        private ConfigurationSet _set = ConfigurationSet.Empty;
        private ConfigurationSet _undisturbed = ConfigurationSet.Empty;

        public void Step(Random random)
        {
            var kind = (ConfigurationKind)random.Next(8);
            var name = random.Next(6) == 0 ? "poison" : Names[random.Next(Names.Length)];
            var wrong = name == "poison" || random.Next(6) == 0;
            var born = _born.TryGetValue((kind, name), out var known) ? known : _born[(kind, name)] = _born.Count + 1;
            ConfigurationSpec? spec = random.Next(5) == 0 ? null : Random(kind, name, wrong, random) with { CreatedAt = born };
            if (spec is null)
                _born.Remove((kind, name));
            var change = spec is null ? ConfigurationChange.Delete(kind, name) : ConfigurationChange.Write(spec);
            var verdict = ConfigurationReview.Check(_objects, change);
            var (before, wasStale) = (_set, _set.IsStale);

            _objects = spec is null ? _objects.Without(kind, name) : _objects.With(spec);
            _set = _set.Update(_objects);
            _undisturbed = _undisturbed.Update(WithoutPoison());
            CheckStanding();
            CheckKept(before);
            CheckTogether();
            CheckRefusals();
            CheckAgainstScratch();
            Assert.Equal(InForce(_undisturbed), InForce(_set).Where(entry => !entry.Key.EndsWith("poison", StringComparison.Ordinal)).ToDictionary());
            if (!wasStale && spec is not null)
                CheckReview(spec, verdict);
        }

        // As written, an earlier version, or not at all: as the problems say.
        private void CheckStanding()
        {
            var inForce = InForce(_set);
            foreach (var spec in _objects.All<ConfigurationSpec>())
            {
                var standing = _set.Problems.Where(problem => problem.Kind == spec.Kind && problem.Name == spec.Name).Select(problem => problem.Standing).DefaultIfEmpty(Standing.InForce).Distinct().ToList();
                Assert.Single(standing);
                Assert.Equal(standing[0] is not Standing.NotInForce, inForce.ContainsKey(Key(spec)));
                if (standing[0] is Standing.InForce)
                    Assert.Equal(Written(spec), inForce[Key(spec)]);
            }

            Assert.Equal(_set.IsStale, _set.Problems.Any(problem => problem.Standing is not Standing.InForce));
        }

        // What was in force stays, in some version, until it is deleted; and nothing that is deleted stays.
        private void CheckKept(ConfigurationSet before)
        {
            var now = InForce(_set);
            var exists = _objects.All<ConfigurationSpec>().Select(Key).ToHashSet();
            Assert.Empty(InForce(before).Keys.Where(exists.Contains).Except(now.Keys));
            Assert.Empty(now.Keys.Except(exists));
        }

        private void CheckTogether()
        {
            var nodes = new NodeMeeting(_objects.Nodes);
            foreach (var (one, other) in Pairs(_set.Pools.Pools))
                Assert.Null(one.Clash(other));
            foreach (var (one, other) in Pairs(_set.BgpPeers.Values))
                Assert.Null(one.Clash(other, nodes));
            foreach (var (one, other) in Pairs(_set.Communities.Values))
                Assert.Null(one.Clash(other));
            foreach (var (one, other) in Pairs(_set.BgpPolicies.Values))
                Assert.Null(one.Clash(other, nodes));
        }

        // Nobody is refused for what is not in force.
        private void CheckRefusals()
        {
            var nodes = new NodeMeeting(_objects.Nodes);
            foreach (var spec in _objects.All<BgpPeerSpec>())
                if (_set.Problems.Any(problem => problem.Name == spec.Name && problem.Kind == spec.Kind && problem.Error.Rule.Contains("is the same peer", StringComparison.Ordinal)))
                    Assert.Contains(_set.BgpPeers.Values, other => other.Name != spec.Name && spec.Parse([])!.Clash(other, nodes) is not null);
        }

        // Objects that are right together are in force as they are written, whatever was before; and an update without a change changes nothing.
        private void CheckAgainstScratch()
        {
            var scratch = ConfigurationSet.Empty.Update(_objects);
            if (!scratch.IsStale)
                Assert.Equal(InForce(scratch), InForce(_set));
            var again = _set.Update(_objects);
            Assert.Equal(InForce(_set), InForce(again));
            Assert.Equal(_set.Problems.Select(problem => problem.ToString()), again.Problems.Select(problem => problem.ToString()));
        }

        // In a configuration that is right, the review refuses exactly what would not be in force; what it warns of may be either.
        private void CheckReview(ConfigurationSpec spec, ReviewVerdict verdict)
        {
            var refused = _set.Problems.Any(problem => problem.Kind == spec.Kind && problem.Name == spec.Name && problem.Standing is not Standing.InForce);
            if (verdict.Errors.Count > 0)
                Assert.True(refused, $"{spec.Kind} {spec.Name} is in force, and was refused: {string.Join("; ", verdict.Errors)}");
            else if (verdict.Warnings.Count == 0)
                Assert.False(refused, $"{spec.Kind} {spec.Name} is not in force, and passed: {string.Join("; ", _set.Problems)}");
        }

        private ConfigurationObjects WithoutPoison()
        {
            var objects = _objects;
            foreach (var spec in _objects.All<ConfigurationSpec>())
                if (spec.Name == "poison")
                    objects = objects.Without(spec.Kind, spec.Name);
            return objects;
        }

        private static IEnumerable<(T One, T Other)> Pairs<T>(IEnumerable<T> all)
        {
            var list = all.ToList();
            return list.SelectMany((one, i) => list.Take(i).Select(other => (one, other)));
        }

        private static string Key(ConfigurationSpec spec) => $"{spec.Kind} {spec.Name}";

        private string Written(ConfigurationSpec spec) => spec switch
        {
            AddressPoolSpec pool => AddressPool.Parse(pool, [])!.ToString(),
            Layer2Advertisement layer2 => Text(layer2),
            AnnouncementPolicy policy => Text(policy),
            BgpAdvertisementSpec bgp => bgp.Parse(ConfigurationSet.Aliases(_set.Communities.Values), [], [])!.ToString(),
            BgpPeerSpec peer => $"{peer.Parse([])! with { BfdProfile = peer.BfdProfile.Length == 0 ? null : _set.BfdProfiles[peer.BfdProfile] }}",
            BgpPolicySpec policy => Text(policy.Parse([])!),
            BfdProfileSpec profile => $"{profile.Parse([])}",
            CommunitySpec community => Text(community.Parse([])!),
            _ => throw new InvalidOperationException(),
        };

        private static Dictionary<string, string> InForce(ConfigurationSet set)
        {
            var texts = set.Pools.Pools.ToDictionary(pool => $"IPAddressPool {pool.Name}", pool => pool.ToString());
            foreach (var (name, layer2) in set.Layer2Advertisements)
                texts[$"L2Advertisement {name}"] = Text(layer2);
            foreach (var (name, policy) in set.AnnouncementPolicies)
                texts[$"AnnouncementPolicy {name}"] = Text(policy);
            foreach (var (name, advertisement) in set.BgpAdvertisements)
                texts[$"BGPAdvertisement {name}"] = advertisement.ToString();
            foreach (var (name, peer) in set.BgpPeers)
                texts[$"BGPPeer {name}"] = $"{peer}";
            foreach (var (name, policy) in set.BgpPolicies)
                texts[$"BGPPolicy {name}"] = Text(policy);
            foreach (var (name, profile) in set.BfdProfiles)
                texts[$"BFDProfile {name}"] = $"{profile}";
            foreach (var (name, community) in set.Communities)
                texts[$"Community {name}"] = Text(community);
            return texts;
        }

        private static string Text(Layer2Advertisement advertisement) => string.Join(' ', advertisement.IPAddressPools) + string.Join(' ', advertisement.Interfaces);

        private static string Text(AnnouncementPolicy policy) => string.Join(' ', policy.IPAddressPools) + policy.Placement;

        private static string Text(BgpPolicy policy) => $"{string.Join(' ', policy.Peers)} {string.Join('|', policy.NodeSelectors)} {policy.Med} {policy.TtlSecurityHops}";

        private static string Text(CommunityAliases community) => string.Join(' ', community.Values);

        private static ConfigurationSpec Random(ConfigurationKind kind, string name, bool wrong, Random random) => kind switch
        {
            ConfigurationKind.IPAddressPool => new AddressPoolSpec
            {
                Name = name,
                Addresses = [wrong ? "10.0.0.9-10.0.0.1" : Any(random, "10.0.0.0/24", "10.0.0.128/25", "10.0.1.0/24", "10.0.0.240-10.0.1.7", "10.0.2.0/28", "fd00::/120", "fd00::80/121")],
            },
            ConfigurationKind.L2Advertisement => new Layer2Advertisement { Name = name, IPAddressPools = Any<string[]>(random, [], ["a"], ["b", "c"]), Interfaces = wrong ? ["eth0", "eth0"] : Any<string[]>(random, [], ["eth0"]) },
            ConfigurationKind.BGPAdvertisement => new BgpAdvertisementSpec
            {
                Name = name,
                IPAddressPools = Any<string[]>(random, [], ["a"], ["b"], ["a", "c"]),
                LocalPref = wrong ? -1 : Any(random, 0, 0, 100),
                AggregationLength = Any(random, 32, 32, 28, 24),
                AggregationLengthV6 = Any(random, 128, 128, 121, 120),
                Communities = Any<string[]>(random, [], ["x"], ["y", "64512:1"], ["64512:2"]),
                Peers = Any<string[]>(random, [], ["a"], ["b"], ["c", "d"]),
                NodeSelectors = Nodes(random),
            },
            ConfigurationKind.BGPPeer => new BgpPeerSpec
            {
                Name = name,
                MyAsn = Any(random, 64512, 64512, 64513),
                PeerAsn = wrong ? 0 : 65000,
                PeerAddress = Any(random, "10.9.0.1", "10.9.0.2"),
                PeerPort = Any<long?>(random, null, null, 1179),
                Vrf = Any(random, "", "", "red"),
                RouterId = Any(random, "", "", "10.9.9.9"),
                BfdProfile = Any(random, "", "", "a", "b"),
                EbgpMultiHop = random.Next(4) == 0,
                NodeSelectors = Nodes(random),
            },
            ConfigurationKind.BFDProfile => new BfdProfileSpec { Name = name, EchoMode = random.Next(3) == 0, DetectMultiplier = wrong ? 1 : Any<long?>(random, null, 3, 5) },
            ConfigurationKind.BGPPolicy => new BgpPolicySpec
            {
                Name = name,
                Peers = Any<string[]>(random, ["a"], ["b"], ["c", "d"], []),
                NodeSelectors = Nodes(random),
                Med = wrong ? -1 : Any<long?>(random, null, 1, 2),
                TtlSecurityHops = Any<long?>(random, null, null, 1),
            },
            ConfigurationKind.AnnouncementPolicy => new AnnouncementPolicy { Name = name, IPAddressPools = wrong ? ["a", "a"] : Any<string[]>(random, ["a"], ["b"], ["c"]), Placement = Any(random, Placement.Hash, Placement.Bounded) },
            _ => new CommunitySpec { Name = name, Communities = [(name == "poison" ? "poison" : Any(random, "x", "y", "z"), wrong ? "1:2:3" : Any(random, "1:1", "1:2", "large:1:2:3"))] },
        };

        private static LabelSelector[] Nodes(Random random) => Any<LabelSelector[]>(random, [], [Addresses.Given.Selector("rack", "a")], [Addresses.Given.Selector("rack", "b")]);

        private static T Any<T>(Random random, params T[] values) => values[random.Next(values.Length)];
    }
}

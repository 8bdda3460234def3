using Portolan.Core.Addresses;
using Portolan.Core.Cluster;

namespace Portolan.Core.Tests.Addresses;

/// <summary>The API server, the users and the controller of a random history.</summary>
internal sealed class SmallWorld
{
    private const int Regions = 3;
    private static readonly string[] _names = ["a", "b", "c", "d", "e", "f", "g", "h"];
    private readonly Dictionary<string, PoolModel> _pools = new(StringComparer.Ordinal);
    private readonly Dictionary<string, PoolModel> _inForce = new(StringComparer.Ordinal);
    private readonly Dictionary<string, ServiceModel> _services = new(StringComparer.Ordinal);
    private readonly HashSet<string> _red = [];

    // What the API server shows, and which of it has come back to the controller.
    private readonly Dictionary<string, IReadOnlyList<Spot>> _status = new(StringComparer.Ordinal);
    private Allocator _allocator = new();
    private AddressOracle _oracle;
    private int _incarnations;

    public SmallWorld()
    {
        _allocator.Start();
        _oracle = new AddressOracle([], true, _red);
    }

    public void Step(Random random)
    {
        var before = Held();
        var name = _names[random.Next(_names.Length)];
        switch (random.Next(14))
        {
            case 0:
                if (!_services.Remove(name, out var gone))
                    return;
                _status.Remove(name);
                _allocator.RemoveService(gone.ObjectKey);
                before.Remove(name);
                Check(before, touched: null);
                break;
            case 1 or 2:
                for (var changes = random.Next(1, 3); changes > 0; changes--)
                    ChangeRegion(random.Next(Regions), random);
                SetPools(_allocator.Pools);
                Check(before, touched: null);
                break;
            case 3:
                var ns = random.Next(2) == 0 ? "default" : "other";
                if (!_red.Remove(ns))
                    _red.Add(ns);
                SetNamespace(ns);
                Check(before, touched: null);
                break;
            case 4:
                Restart();
                break;
            case 5 or 6:
                WriteSome(random);
                Check(before, touched: null);
                break;
            default:
                var service = _services.TryGetValue(name, out var known) && random.Next(4) > 0 ? Edited(known, random) : Made(name, random);
                if (known?.Incarnation != service.Incarnation)
                {
                    _status[name] = [];
                    before.Remove(name);
                }

                _services[name] = service;
                _allocator.SetService(service.ToFacts(_status[name]));
                Check(before, name);
                break;
        }
    }

    /// <summary>The controller dies, and the next one starts from what the API server has.</summary>
    public void Restart()
    {
        var before = Held();
        _allocator = new Allocator();
        foreach (var service in _services.Values)
            _allocator.SetService(service.ToFacts(_status[service.Name]));
        foreach (var ns in new[] { "default", "other" })
            SetNamespace(ns);
        _inForce.Clear();
        SetPools(PoolSet.Empty);
        _allocator.Start();

        // Whoever's status was written keeps what it says, unless another's status, not yet cleared, still says the same.
        var after = Held();
        foreach (var (name, held) in before)
            if (held.Count > 0 && _status[name].SequenceEqual(held) && _oracle.IsLegal(_services[name], held) && !held.Any(spot => IsStale(spot, name, before)))
                AssertKept(name, held, after[name], "lost what its status says by a restart");
        CheckEachMoment(after);
    }

    /// <summary>Every status becomes what was decided.</summary>
    public void WriteAll()
    {
        while (Unwritten().FirstOrDefault() is { } name)
            Write(name, echo: true);
        CheckEachMoment(Held());
    }

    /// <summary>With everything written a restart is not noticed.</summary>
    public void RestartChangesNothing()
    {
        var before = Held();
        Restart();
        Assert.Equal(before, Held());
        Assert.Empty(Unwritten());
    }

    private void Check(Dictionary<string, IReadOnlyList<Spot>> before, string? touched)
    {
        var after = Held();
        foreach (var (name, held) in before)
        {
            var service = _services[name];
            IReadOnlyList<Spot> mine = service.IsDual ? held : [.. held.Where(spot => service.Families.Contains(spot.V6 ? '6' : '4'))];
            if (mine.Count > 0 && _oracle.IsLegal(service, mine) && mine.All(spot => MayHave(service, spot, before)))
                AssertKept(name, mine, after[name], "moved without a cause");
            else if (held.Count == 0 && touched == name && !IsRecovering(name))
                Assert.Equal(_oracle.Allocate(service, spot => MayHave(service, spot, before)), after[name].Count > 0 ? after[name] : []);
        }

        CheckEachMoment(after);
    }

    private void CheckEachMoment(Dictionary<string, IReadOnlyList<Spot>> held)
    {
        foreach (var (name, mine) in held)
        {
            var service = _services[name];
            foreach (var spot in mine)
                Assert.True(MayHave(service, spot, held), $"{name} has {spot}, and so has somebody whom it may not share with");
            if (mine.Count > 0)
                Assert.True(_oracle.IsLegal(service, mine), $"{name} has {string.Join(',', mine)}, which it may not");
            else
                Assert.True(_oracle.Allocate(service, spot => MayHave(service, spot, held)) is [], $"{name} waits although it could have {string.Join(',', _oracle.Allocate(service, spot => MayHave(service, spot, held)))}");
            if (mine.Count == 1 && service.PrefersBoth && service.Wanted.Count == 0 && !service.WantsNonsense && _oracle.PoolOf(mine[0]) is { } pool)
                Assert.DoesNotContain(pool.Spots(!mine[0].V6), spot => MayHave(service, spot, held));
        }

        foreach (var use in _allocator.Use())
        {
            var pool = _inForce[use.Pool];
            var used = held.Values.SelectMany(spots => spots).Distinct().Where(pool.Has).ToList();
            Assert.Equal((used.Count(spot => !spot.V6), used.Count(spot => spot.V6)), ((int)use.AssignedIPv4, (int)use.AssignedIPv6));
            Assert.Equal((pool.Spots(false).Count() - use.AssignedIPv4, pool.Spots(true).Count() - use.AssignedIPv6), (use.AvailableIPv4, use.AvailableIPv6));
            Assert.Equal(held.Values.Count(spots => spots.Any(pool.Has)), (int)use.Services);
        }
    }

    // One that has nothing in memory may still claim what its status says.
    private bool IsRecovering(string name) => _status[name].Count > 0;

    private bool MayHave(ServiceModel service, Spot spot, Dictionary<string, IReadOnlyList<Spot>> held) =>
        held.All(other => other.Key == service.Name || !other.Value.Contains(spot) || AddressOracle.MayShare(service, _services[other.Key]));

    private bool IsStale(Spot spot, string name, Dictionary<string, IReadOnlyList<Spot>> held) =>
        _status.Any(other => other.Key != name && other.Value.Contains(spot) && !held[other.Key].Contains(spot));

    private static void AssertKept(string name, IReadOnlyList<Spot> had, IReadOnlyList<Spot> has, string what) =>
        Assert.True(has.Take(had.Count).SequenceEqual(had) && has.Count <= 2, $"{name} had {string.Join(',', had)}, has {string.Join(',', has)}: {what}");

    private Dictionary<string, IReadOnlyList<Spot>> Held() => _services.Values.ToDictionary(
        service => service.Name,
        service => _allocator.Current(service.ObjectKey) is { Outcome: Outcome.Assigned } decision ? (IReadOnlyList<Spot>)[.. decision.Addresses.Select(Spot.Of)] : []);

    // The writer's rule: an address is not written to its next holder before it is gone from the last one's status.
    private IEnumerable<string> Unwritten()
    {
        var held = Held();
        return _services.Values.Where(service => _allocator.Current(service.ObjectKey)!.Outcome is not Outcome.NotOurs && !_status[service.Name].SequenceEqual(held[service.Name])
            && !held[service.Name].Any(spot => IsStale(spot, service.Name, held))).Select(service => service.Name);
    }

    private void WriteSome(Random random)
    {
        foreach (var name in Unwritten().ToList())
            if (random.Next(2) == 0 && Unwritten().Contains(name))
                Write(name, echo: random.Next(3) > 0);
    }

    private void Write(string name, bool echo)
    {
        _status[name] = Held()[name];
        if (echo)
            _allocator.SetService(_services[name].ToFacts(_status[name]));
    }

    private void SetNamespace(string ns) => _allocator.SetNamespace(ns, _red.Contains(ns) ? new Dictionary<string, string> { ["team"] = "red" } : []);

    private void SetPools(PoolSet from)
    {
        var pools = from.Update([.. _pools.Values.Select(pool => pool.ToSpec())]);
        var wrong = pools.Problems.Select(problem => problem.Pool).ToHashSet();
        var last = new Dictionary<string, PoolModel>(_inForce);
        _inForce.Clear();
        foreach (var pool in pools.Pools)
            _inForce[pool.Name] = wrong.Contains(pool.Name) ? last[pool.Name] : _pools[pool.Name];
        _oracle = new AddressOracle([.. _inForce.Values], pools.IsComplete, _red);
        _allocator.SetPools(pools);
    }

    private void ChangeRegion(int region, Random random)
    {
        var (a, b) = ($"p{region}a", $"p{region}b");
        var old = _pools.GetValueOrDefault(a) ?? _pools.GetValueOrDefault(b);
        _pools.Remove(a);
        _pools.Remove(b);
        (int, int)? Part(int first, int last) => random.Next(4) == 0 ? null : (first, last);
        PoolModel Pool(string name, (int, int)? v4, (int, int)? v6) => new(name, region, v4, v6)
        {
            AutoAssign = random.Next(5) > 0,
            AvoidBuggyIPs = random.Next(4) == 0,
            Priority = random.Next(3),
            Namespace = random.Next(5) == 0 ? "default" : null,
            ForRedNamespaces = random.Next(5) == 0,
            ForWebServices = random.Next(5) == 0,
        };
        switch (random.Next(8))
        {
            case 0:
                break;
            case 1:
                // Renamed, and nothing else.
                if (old is not null)
                    _pools[old.Name == a ? b : a] = old with { Name = old.Name == a ? b : a };
                break;
            case 2:
                _pools[a] = Pool(a, Part(0, 1), Part(0, 0));
                _pools[b] = Pool(b, Part(2, 3), Part(1, 1));
                break;
            case 3:
                _pools[a] = (old ?? Pool(a, (0, 3), null)) with { Name = a, IsBroken = true };
                break;
            case 4 when old is not null:
                _pools[old.Name] = old with { AutoAssign = !old.AutoAssign, IsBroken = false };
                break;
            default:
                _pools[a] = Pool(a, Part(0, random.Next(4)), Part(0, random.Next(2)));
                break;
        }
    }

    private ServiceModel Made(string name, Random random)
    {
        var service = new ServiceModel(name[0] < 'f' ? "default" : "other", name, ++_incarnations) { CreatedAt = random.Next(4) };
        for (var edits = random.Next(4); edits > 0; edits--)
            service = Edited(service, random);
        return service;
    }

    private static ServiceModel Edited(ServiceModel service, Random random)
    {
        Spot Some() => new(random.Next(Regions), random.Next(3) == 0, random.Next(4));
        return random.Next(13) switch
        {
            0 => service with { IsLoadBalancer = !service.IsLoadBalancer },
            1 => service with { IsOurClass = random.Next(3) > 0 },
            2 or 3 => service with { Families = random.Next(6) switch { 0 => "6", 1 => "46", 2 => "64", 3 => "46", 4 when random.Next(3) == 0 => "", _ => "4" } },
            4 => service with { Policy = (IpFamilyPolicy)random.Next(3) },
            5 => service with { Key = random.Next(3) switch { 0 => "", 1 => "k", _ => "m" } },
            6 => service with { Port = 80 + random.Next(3) },
            7 => service with { IsLocal = !service.IsLocal },
            8 => service with { App = random.Next(2) == 0 ? "a" : "b" },
            9 => service with { IsWeb = !service.IsWeb },
            10 => service with { WantedPool = random.Next(2) == 0 ? "" : $"p{random.Next(Regions)}{(random.Next(2) == 0 ? 'a' : 'b')}" },
            11 => service with { Wanted = random.Next(4) switch { 0 => [Some()], 1 => [Some() with { V6 = false }, Some() with { V6 = true }], _ => [] }, WantsNonsense = random.Next(8) == 0 },
            _ => service,
        };
    }
}

using Portolan.Core.Addresses;
using Portolan.Core.Cluster;

namespace Portolan.Core.Tests.Addresses;

/// <summary>An address of a small world: a region's number, a family, a place in it.</summary>
internal readonly record struct Spot(int Region, bool V6, int Number)
{
    /// <summary>10.REGION.0.NUMBER, or fd0REGION::NUMBER.</summary>
    public IpAddress Address => V6
        ? IpAddress.V6(((UInt128)(0xfd00 + Region) << 112) | (UInt128)Number)
        : IpAddress.V4((10u << 24) | ((uint)Region << 16) | (uint)Number);

    public bool IsBuggy => !V6 && Number == 0;

    public static Spot Of(IpAddress address) => address.IsIPv4
        ? new Spot((int)(address.Value >> 16) & 0xff, false, (int)(address.Value & 0xff))
        : new Spot((int)(address.Value >> 112) - 0xfd00, true, (int)(address.Value & 0xff));

    public override string ToString() => Address.ToString();
}

/// <summary>A pool of the small world: some places of one region.</summary>
internal sealed record PoolModel(string Name, int Region, (int First, int Last)? V4, (int First, int Last)? V6)
{
    public bool IsBroken { get; init; }

    public bool AutoAssign { get; init; } = true;

    public bool AvoidBuggyIPs { get; init; }

    public int Priority { get; init; }

    public string? Namespace { get; init; }

    public bool ForRedNamespaces { get; init; }

    public bool ForWebServices { get; init; }

    public bool IsPinned => Namespace is not null || ForRedNamespaces || ForWebServices;

    public IEnumerable<Spot> Spots(bool v6)
    {
        if ((v6 ? V6 : V4) is { } range)
            for (var number = range.First; number <= range.Last; number++)
                if (new Spot(Region, v6, number) is var spot && !(AvoidBuggyIPs && spot.IsBuggy))
                    yield return spot;
    }

    public bool Has(Spot spot) => Spots(spot.V6).Contains(spot);

    public bool IsFor(ServiceModel service, bool red) =>
        (Namespace is null && !ForRedNamespaces || Namespace == service.Namespace || (ForRedNamespaces && red)) && (!ForWebServices || service.IsWeb);

    public AddressPoolSpec ToSpec()
    {
        List<string> addresses = IsBroken ? [$"10.{Region}.0.9-10.{Region}.0.1"] : [];
        if (!IsBroken && V4 is { } v4)
            addresses.Add($"{new Spot(Region, false, v4.First)}-{new Spot(Region, false, v4.Last)}");
        if (!IsBroken && V6 is { } v6)
            addresses.Add($"{new Spot(Region, true, v6.First)}-{new Spot(Region, true, v6.Last)}");
        return new AddressPoolSpec
        {
            Name = Name,
            Addresses = addresses,
            AutoAssign = AutoAssign,
            AvoidBuggyIPs = AvoidBuggyIPs,
            Priority = Priority,
            Namespaces = Namespace is null ? [] : [Namespace],
            NamespaceSelectors = ForRedNamespaces ? [Given.Selector("team", "red")] : [],
            ServiceSelectors = ForWebServices ? [Given.Selector("tier", "web")] : [],
        };
    }
}

/// <summary>A Service of the small world.</summary>
internal sealed record ServiceModel(string Namespace, string Name, int Incarnation)
{
    public int CreatedAt { get; init; }

    public bool IsLoadBalancer { get; init; } = true;

    public bool IsOurClass { get; init; } = true;

    /// <summary>"4", "6", "46", "64" or nothing.</summary>
    public string Families { get; init; } = "4";

    public IpFamilyPolicy Policy { get; init; }

    public string Key { get; init; } = "";

    public int Port { get; init; } = 80;

    public bool IsLocal { get; init; }

    public string App { get; init; } = "a";

    public bool IsWeb { get; init; }

    public string WantedPool { get; init; } = "";

    /// <summary>The wanted addresses; nonsense where it cannot be read.</summary>
    public IReadOnlyList<Spot> Wanted { get; init; } = [];

    public bool WantsNonsense { get; init; }

    public bool IsOurs => IsLoadBalancer && IsOurClass;

    public bool IsDual => Families.Length == 2;

    public bool PrefersBoth => IsDual && Policy is IpFamilyPolicy.PreferDualStack;

    public bool CanHaveAny => IsOurs && Families.Length > 0 && (IsDual || Policy is not IpFamilyPolicy.RequireDualStack);

    public ObjectKey ObjectKey => new(Namespace, Name);

    public ServiceFacts ToFacts(IEnumerable<Spot> ingress)
    {
        var annotations = new Dictionary<string, string>();
        if (Key.Length > 0)
            annotations["metallb.io/allow-shared-ip"] = Key;
        if (WantedPool.Length > 0)
            annotations["metallb.universe.tf/address-pool"] = WantedPool;
        if (WantsNonsense)
            annotations["metallb.io/loadBalancerIPs"] = "nonsense";
        else if (Wanted.Count > 0)
            annotations["metallb.io/loadBalancerIPs"] = string.Join(',', Wanted);
        return new ServiceFacts
        {
            Key = ObjectKey,
            Uid = $"{Name}-{Incarnation}",
            CreatedAt = CreatedAt,
            Type = IsLoadBalancer ? ServiceType.LoadBalancer : ServiceType.ClusterIP,
            LoadBalancerClass = IsOurClass ? null : "theirs",
            ClusterIPs = [.. Families.Select(family => IpAddress.Parse(family == '4' ? "10.233.0.1" : "fd99::1"))],
            IpFamilies = [.. Families.Select(family => family == '4' ? IpFamily.IPv4 : IpFamily.IPv6)],
            IpFamilyPolicy = Policy,
            ExternalTrafficPolicy = IsLocal ? TrafficPolicy.Local : TrafficPolicy.Cluster,
            Selector = new Dictionary<string, string> { ["app"] = App },
            Labels = IsWeb ? new Dictionary<string, string> { ["tier"] = "web" } : [],
            Annotations = annotations,
            Ports = [new ServicePort("", Protocol.Tcp, (ushort)Port, 0)],
            Ingress = [.. ingress.Select(spot => new IngressAddress(spot.Address, false))],
        };
    }
}

/// <summary>
/// The rules of docs/metallb-contract.md §2 and §3 once more, written from the contract and not from the allocator: by trying every address. What
/// the allocator decides is held against this.
/// </summary>
internal sealed record AddressOracle(IReadOnlyList<PoolModel> Pools, bool IsComplete, IReadOnlySet<string> RedNamespaces)
{
    public PoolModel? PoolOf(Spot spot) => Pools.FirstOrDefault(pool => pool.Has(spot));

    public bool IsFor(PoolModel pool, ServiceModel service) => pool.IsFor(service, RedNamespaces.Contains(service.Namespace));

    public static bool MayShare(ServiceModel one, ServiceModel other) =>
        one.Key.Length > 0 && one.Key == other.Key && one.Port != other.Port && one.IsLocal == other.IsLocal && (!one.IsLocal || one.App == other.App);

    /// <summary>Whether the rules let the Service keep these addresses, whoever else has them.</summary>
    public bool IsLegal(ServiceModel service, IReadOnlyList<Spot> held)
    {
        if (!service.CanHaveAny || held.Count is 0 or > 2 || (held.Count == 2 && held[0].V6 == held[1].V6) || (Pools.Count == 0 && IsComplete))
            return false;
        if (!held.All(spot => service.Families.Contains(spot.V6 ? '6' : '4')) && !service.PrefersBoth)
            return false;
        if (held.Count < service.Families.Length && !service.PrefersBoth)
            return false;
        var pool = PoolOf(held[0]);
        if (held.Any(spot => PoolOf(spot) != pool) || (pool is null && IsComplete))
            return false;
        if (pool is not null && !IsFor(pool, service))
            return false;
        if (service.WantedPool.Length > 0 && pool is not null && pool.Name != service.WantedPool && (IsComplete || Pools.Any(other => other.Name == service.WantedPool)))
            return false;
        return service.WantsNonsense || service.Wanted.Count == 0 || service.Wanted.ToHashSet().SetEquals(held);
    }

    /// <summary>What the Service is to be given if it has nothing, or nothing.</summary>
    public IReadOnlyList<Spot> Allocate(ServiceModel service, Func<Spot, bool> mayHave)
    {
        if (!service.CanHaveAny || service.WantsNonsense)
            return [];
        if (service.Wanted.Count > 0)
        {
            var pool = PoolOf(service.Wanted[0]);
            var fits = service.Wanted.Count == service.Families.Length && service.Wanted.All(spot => service.Families.Contains(spot.V6 ? '6' : '4'))
                && pool is not null && service.Wanted.All(spot => PoolOf(spot) == pool) && IsFor(pool, service)
                && (service.WantedPool.Length == 0 || service.WantedPool == pool.Name);
            return fits && service.Wanted.All(mayHave) ? service.Wanted : [];
        }

        if (service.WantedPool.Length > 0)
            return FirstOf(Pools.Where(pool => pool.Name == service.WantedPool && IsFor(pool, service)), service, mayHave);
        var candidates = Pools.Where(pool => pool.AutoAssign && IsFor(pool, service)).OrderBy(pool => pool.Priority == 0 ? int.MaxValue : pool.Priority).ThenBy(pool => pool.Name, StringComparer.Ordinal).ToList();
        return FirstOf(candidates.Where(pool => pool.IsPinned), service, mayHave) is { Count: > 0 } pinned ? pinned : FirstOf(candidates.Where(pool => !pool.IsPinned), service, mayHave);
    }

    private static IReadOnlyList<Spot> FirstOf(IEnumerable<PoolModel> pools, ServiceModel service, Func<Spot, bool> mayHave)
    {
        var fallBacks = new Spot?[2];
        foreach (var pool in pools)
        {
            var found = service.Families.Select(family => pool.Spots(family == '6').Where(mayHave).Cast<Spot?>().FirstOrDefault()).ToList();
            if (found.TrueForAll(spot => spot is not null))
                return [.. found.Select(spot => spot!.Value).OrderBy(spot => spot.V6)];
            for (var i = 0; i < found.Count; i++)
                fallBacks[i] ??= found[i];
        }

        return service.PrefersBoth && (fallBacks[0] ?? fallBacks[1]) is { } only ? [only] : [];
    }
}

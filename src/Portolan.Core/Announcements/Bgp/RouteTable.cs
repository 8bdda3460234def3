using Portolan.Core.Addresses;

namespace Portolan.Core.Announcements.Bgp;

/// <summary>The routes for the peers of one class.</summary>
internal sealed class RouteTable
{
    private readonly Dictionary<IpPrefix, SharedRoute> _routes = [];

    /// <summary>How many there are.</summary>
    public int Count => _routes.Count;

    /// <summary>All, in no order.</summary>
    public IEnumerable<(IpPrefix Prefix, RouteAttributes Attributes)> All => _routes.Select(route => (route.Key, route.Value.Effective));

    /// <summary>What is said of a prefix, or null.</summary>
    public RouteAttributes? Find(IpPrefix prefix) => _routes.TryGetValue(prefix, out var route) ? route.Effective : null;

    /// <summary>One more Service wants a prefix announced.</summary>
    public void Add(PlannedRoute route)
    {
        if (!_routes.TryGetValue(route.Prefix, out var shared))
            _routes[route.Prefix] = shared = new SharedRoute();
        shared.Add(route.Attributes);
    }

    /// <summary>A Service that wanted a prefix announced no longer does.</summary>
    public void Remove(PlannedRoute route)
    {
        if (!_routes[route.Prefix].Remove(route.Attributes))
            _routes.Remove(route.Prefix);
    }

    /// <summary>The routes that are others than in an earlier table of the same class.</summary>
    public IEnumerable<(IpPrefix Prefix, RouteAttributes? Attributes)> Since(RouteTable before)
    {
        foreach (var (prefix, attributes) in All)
            if (!attributes.Equals(before.Find(prefix)))
                yield return (prefix, attributes);
        foreach (var (prefix, _) in before.All)
            if (Find(prefix) is null)
                yield return (prefix, null);
    }
}

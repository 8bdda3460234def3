using System.Text.Json.Nodes;

namespace Portolan.Lab.Workloads.Planning;

/// <summary>Whom each endpoint is meant for: <c>hints.forZones</c> and <c>hints.forNodes</c>. Pure.</summary>
internal static class HintPlan
{
    /// <summary>How much more than its share an endpoint may get (Kubernetes' OverloadThreshold).</summary>
    private const double Overload = 0.2;

    /// <summary>Writes hints into the endpoints. None at all, rather than some, where the rules cannot be kept: a proxy must then use every endpoint.</summary>
    /// <param name="groups">The endpoints of a Service and family, fresh: they carry no hints.</param>
    /// <param name="preference">What the Service asks for.</param>
    /// <param name="cpusByZone">CPUs of the Ready nodes of each zone; null when a Ready node has no zone.</param>
    public static void Apply(IReadOnlyList<EndpointGroup> groups, TrafficPreference preference, IReadOnlyDictionary<string, double>? cpusByZone)
    {
        var ready = groups.SelectMany(g => g.Endpoints).Where(e => e.Flag("conditions", "ready")).ToList();
        switch (preference)
        {
            case TrafficPreference.Auto:
                Allocate(ready, cpusByZone);
                break;
            case TrafficPreference.SameZone or TrafficPreference.SameNode:
                foreach (var endpoint in ready)
                    Hint(endpoint, endpoint.Text("zone"), preference is TrafficPreference.SameNode ? endpoint.Text("nodeName") : null);
                break;
        }
    }

    private static void Allocate(List<JsonObject> ready, IReadOnlyDictionary<string, double>? cpusByZone)
    {
        // The conditions under which a real controller gives no hints: too few zones or endpoints, a node or an endpoint without a zone, an overload that cannot be avoided.
        if (cpusByZone is null || cpusByZone.Count < 2 || ready.Count < cpusByZone.Count || ready.Exists(e => e.Text("zone") is not { } zone || !cpusByZone.ContainsKey(zone)))
            return;
        var total = cpusByZone.Values.Sum();
        if (total <= 0)
            return;
        var desired = cpusByZone.ToDictionary(z => z.Key, z => z.Value / total * ready.Count, StringComparer.Ordinal);
        // What a zone must have so that no endpoint of it is overloaded; never none.
        var least = desired.ToDictionary(z => z.Key, z => (int)Math.Ceiling(z.Value / (1 + Overload)), StringComparer.Ordinal);
        if (least.Values.Sum() > ready.Count)
            return;

        var own = cpusByZone.Keys.ToDictionary(z => z, z => new Queue<JsonObject>(ready.Where(e => e.Text("zone") == z)), StringComparer.Ordinal);
        var share = own.ToDictionary(z => z.Key, z => z.Value.Count, StringComparer.Ordinal);
        double Surplus(string zone) => share[zone] - desired[zone];
        var moved = new List<(JsonObject Endpoint, string To)>();
        while (true)
        {
            // One endpoint at a time, from where most are too many to where most are missing: while that zone lacks the least, or a whole one is out of place on either side.
            var receiving = share.Keys.OrderByDescending(z => share[z] < least[z]).ThenBy(Surplus).ThenBy(z => z, StringComparer.Ordinal).First();
            var giving = share.Keys.Where(z => own[z].Count > 0 && share[z] > least[z]).OrderByDescending(Surplus).ThenBy(z => z, StringComparer.Ordinal).FirstOrDefault();
            var lacks = share[receiving] < least[receiving];
            if (giving is null || giving == receiving || (!lacks && (Surplus(giving) <= 0 || Surplus(receiving) >= 0 || (Surplus(giving) < 1 && Surplus(receiving) > -1))))
                break;
            moved.Add((own[giving].Dequeue(), receiving));
            share[giving]--;
            share[receiving]++;
        }
        if (share.Any(z => z.Value < least[z.Key]))
            return;
        foreach (var (endpoint, to) in moved)
            Hint(endpoint, to, null);
        foreach (var (zone, left) in own)
            foreach (var endpoint in left)
                Hint(endpoint, zone, null);
    }

    private static void Hint(JsonObject endpoint, string? zone, string? node)
    {
        var hints = new JsonObject();
        if (zone is { Length: > 0 })
            hints["forZones"] = new JsonArray(new JsonObject { ["name"] = zone });
        if (node is { Length: > 0 })
            hints["forNodes"] = new JsonArray(new JsonObject { ["name"] = node });
        if (hints.Count > 0)
            endpoint["hints"] = hints;
    }
}

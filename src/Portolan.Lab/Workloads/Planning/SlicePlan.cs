using System.Text.Json.Nodes;

namespace Portolan.Lab.Workloads.Planning;

/// <summary>A slice as it is.</summary>
/// <param name="Name">Null for one that is to be made.</param>
/// <param name="Ports">Its ports.</param>
/// <param name="Endpoints">Its endpoints.</param>
internal sealed record SliceFacts(string? Name, JsonArray Ports, IReadOnlyList<JsonObject> Endpoints);

/// <param name="Write">Slices to make (without a name) or to change.</param>
/// <param name="Delete">Slices to delete.</param>
internal sealed record SliceDecision(IReadOnlyList<SliceFacts> Write, IReadOnlyList<string> Delete);

/// <summary>From endpoints to the EndpointSlices of one Service and address family. Pure.</summary>
internal static class SlicePlan
{
    /// <summary>As the real endpoint slice controller's default.</summary>
    public const int MostPerSlice = 100;

    /// <summary>Changes as few slices as possible: what is in a slice stays in it, newcomers fill the gaps.</summary>
    /// <param name="groups">What is wanted. None: the Service has one empty slice, which says that somebody looked.</param>
    /// <param name="existing">What is.</param>
    /// <param name="most">How many endpoints a slice may have.</param>
    public static SliceDecision Of(IReadOnlyList<EndpointGroup> groups, IReadOnlyCollection<SliceFacts> existing, int most = MostPerSlice)
    {
        var write = new List<SliceFacts>();
        var kept = new HashSet<string>(StringComparer.Ordinal);
        var wanted = groups.Count > 0 ? groups : [new EndpointGroup([], [])];
        foreach (var group in wanted)
        {
            var remaining = group.Endpoints.ToDictionary(IdOf, StringComparer.Ordinal);
            var slices = existing.Where(s => JsonNode.DeepEquals(s.Ports, group.Ports)).OrderBy(s => s.Name, StringComparer.Ordinal)
                .Select(s => (Slice: s, Now: s.Endpoints.Select(e => remaining.Remove(IdOf(e), out var now) ? now : null).OfType<JsonObject>().ToList())).ToList();
            var newcomers = new Queue<JsonObject>(remaining.Values.OrderBy(IdOf, StringComparer.Ordinal));
            foreach (var (slice, now) in slices)
            {
                while (now.Count < most && newcomers.Count > 0)
                    now.Add(newcomers.Dequeue());
                if (now.Count == 0 && (group.Endpoints.Count > 0 || slice != slices[0].Slice))
                    continue;   // empty beside others: goes
                kept.Add(slice.Name!);
                if (!Same(slice.Endpoints, now))
                    write.Add(slice with { Endpoints = now });
            }
            while (newcomers.Count > 0 || (slices.Count == 0 && group.Endpoints.Count == 0))
            {
                write.Add(new SliceFacts(null, group.Ports, [.. Enumerable.Range(0, Math.Min(most, newcomers.Count)).Select(_ => newcomers.Dequeue())]));
                if (group.Endpoints.Count == 0)
                    break;
            }
        }
        return new SliceDecision(write, [.. existing.Select(s => s.Name!).Where(n => !kept.Contains(n))]);
    }

    private static string IdOf(JsonObject endpoint) => endpoint.Text("targetRef", "uid") is { Length: > 0 } uid ? uid : endpoint["addresses"]?.ToJsonString() ?? "";

    private static bool Same(IReadOnlyList<JsonObject> a, List<JsonObject> b) => a.Count == b.Count && a.Zip(b).All(p => JsonNode.DeepEquals(p.First, p.Second));
}

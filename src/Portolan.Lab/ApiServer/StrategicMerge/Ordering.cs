using System.Text.Json.Nodes;

namespace Portolan.Lab.ApiServer.StrategicMerge;

/// <summary>
/// The order of a merged list: the items the patch speaks of stand in the patch's order, the others in the live object's,
/// and one of the others goes first only when it stood before the patch's next item on the server.
/// </summary>
internal static class Ordering
{
    public static JsonArray Arrange(List<JsonNode?> merged, JsonArray wanted, List<JsonNode?> server, Func<JsonNode?, JsonNode?, bool> same)
    {
        var spoken = new List<(int Rank, JsonNode? Item)>();
        var others = new List<JsonNode?>();
        foreach (var item in merged)
        {
            var rank = Rank(wanted, item, same);
            if (rank >= 0)
                spoken.Add((rank, item));
            else
                others.Add(item);
        }

        var ordered = spoken.OrderBy(entry => entry.Rank).Select(entry => entry.Item).ToList();
        var result = new JsonArray();
        int left = 0, right = 0;
        while (left < others.Count || right < ordered.Count)
        {
            if (right >= ordered.Count || (left < others.Count && StoodBefore(server, others[left], ordered[right], same)))
                result.Add(others[left++]);
            else
                result.Add(ordered[right++]);
        }

        return result;
    }

    private static bool StoodBefore(List<JsonNode?> server, JsonNode? a, JsonNode? b, Func<JsonNode?, JsonNode?, bool> same)
    {
        var first = Rank(server, a, same);
        var second = Rank(server, b, same);
        return first >= 0 && second >= 0 && first < second;
    }

    private static int Rank(IList<JsonNode?> list, JsonNode? item, Func<JsonNode?, JsonNode?, bool> same)
    {
        for (var i = 0; i < list.Count; i++)
        {
            if (same(list[i], item))
                return i;
        }

        return -1;
    }
}

using System.Text.Json.Nodes;
using Portolan.Lab.ApiServer.Schema;

namespace Portolan.Lab.ApiServer.FieldOwnership;

/// <summary>The items of lists whose items are told apart.</summary>
internal static class ListItems
{
    /// <returns>The items by path element, in the list's order. An item that cannot be told apart is owned by nobody and left out.</returns>
    public static OrderedDictionary<string, List<JsonNode?>> Index(JsonArray list, ValueStructure structure)
    {
        var index = new OrderedDictionary<string, List<JsonNode?>>(list.Count, StringComparer.Ordinal);
        foreach (var item in list)
        {
            if (Element(item, structure) is not { } element) continue;
            if (index.TryGetValue(element, out var items)) items.Add(item);
            else index[element] = [item];
        }

        return index;
    }

    /// <returns>Null when the item cannot be told apart: stored objects may hold such, applied ones are refused.</returns>
    public static string? Element(JsonNode? item, ValueStructure structure)
    {
        try
        {
            return PathElement.OfItem(item, structure);
        }
        catch (FormatException)
        {
            return null;
        }
    }
}

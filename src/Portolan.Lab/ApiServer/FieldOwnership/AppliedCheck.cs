using System.Globalization;
using System.Text.Json.Nodes;
using Portolan.Lab.ApiServer.Schema;

namespace Portolan.Lab.ApiServer.FieldOwnership;

/// <summary>What an applied object may not hold, because nobody could own it: unknown fields, and list items that cannot be told apart.</summary>
internal static class AppliedCheck
{
    /// <returns>Each problem with its path: <c>.spec.ports: duplicate entries for key [port=80,protocol="TCP"]</c>.</returns>
    public static IReadOnlyList<string> Problems(JsonObject applied, ValueStructure structure)
    {
        var problems = new List<string>();
        Check(applied, structure, "", problems);
        return problems;
    }

    private static void Check(JsonNode? value, ValueStructure structure, string path, List<string> problems)
    {
        switch (value)
        {
            case JsonObject body when structure.Fields.Count > 0 || structure.Values is not null:
                foreach (var (name, member) in body)
                {
                    var at = $"{path}.{name}";
                    if ((structure.Field(name)?.Structure ?? structure.Values) is { } inner) Check(member, inner, at, problems);
                    else problems.Add($"{at}: field not declared in schema");
                }

                break;
            case JsonArray list when structure.List != ListKind.Atomic:
                CheckItems(list, structure, path, problems);
                break;
            case JsonArray list when structure.Items is { } items:
                for (var i = 0; i < list.Count; i++) Check(list[i], items, string.Create(CultureInfo.InvariantCulture, $"{path}[{i}]"), problems);
                break;
        }
    }

    private static void CheckItems(JsonArray list, ValueStructure structure, string path, List<string> problems)
    {
        var seen = new HashSet<string>(StringComparer.Ordinal);
        for (var i = 0; i < list.Count; i++)
        {
            try
            {
                var element = PathElement.OfItem(list[i], structure);
                var shown = PathElement.Display([element]);
                if (!seen.Add(element)) problems.Add($"{path}: duplicate entries for key {shown}");
                else if (structure.Items is { } items) Check(list[i], items, path + shown, problems);
            }
            catch (FormatException e)
            {
                problems.Add(string.Create(CultureInfo.InvariantCulture, $"{path}: element {i}: {e.Message}"));
            }
        }
    }
}

using System.Text.Json.Nodes;

namespace Portolan.Lab.ApiServer.Resources;

/// <summary>A <c>LabelSelector</c> as it stands in objects: matchLabels and matchExpressions.</summary>
internal static class SelectorObject
{
    /// <summary>Null selects nothing, an empty selector everything.</summary>
    public static bool Matches(JsonObject? selector, IReadOnlyList<KeyValuePair<string, string>> labels)
    {
        if (selector is null) return false;
        string? Value(string? key)
        {
            foreach (var label in labels)
                if (label.Key == key)
                    return label.Value;
            return null;
        }

        foreach (var (key, value) in selector["matchLabels"] as JsonObject ?? [])
            if (Value(key) != (string?)value)
                return false;
        foreach (var expression in (selector["matchExpressions"] as JsonArray ?? []).OfType<JsonObject>())
        {
            var value = Value(expression.Text("key"));
            var values = (expression["values"] as JsonArray ?? []).Select(v => (string?)v).ToList();
            var holds = expression.Text("operator") switch
            {
                "In" => value is not null && values.Contains(value),
                "NotIn" => value is null || !values.Contains(value),
                "Exists" => value is not null,
                "DoesNotExist" => value is null,
                _ => false,
            };
            if (!holds) return false;
        }

        return true;
    }

    /// <summary>The query form, as <c>/scale</c> reports it.</summary>
    public static string Format(JsonObject? selector)
    {
        // A ReplicationController's is a plain map of labels.
        var labels = selector is not null && selector["matchLabels"] is null && selector["matchExpressions"] is null ? selector : selector?["matchLabels"] as JsonObject;
        var parts = (labels ?? []).Select(p => $"{p.Key}={(string?)p.Value}").ToList();
        foreach (var expression in (selector?["matchExpressions"] as JsonArray ?? []).OfType<JsonObject>())
        {
            var key = expression.Text("key");
            var values = string.Join(",", (expression["values"] as JsonArray ?? []).Select(v => (string?)v).Order(StringComparer.Ordinal));
            parts.Add(expression.Text("operator") switch { "In" => $"{key} in ({values})", "NotIn" => $"{key} notin ({values})", "Exists" => key!, _ => $"!{key}" });
        }

        return string.Join(",", parts);
    }
}

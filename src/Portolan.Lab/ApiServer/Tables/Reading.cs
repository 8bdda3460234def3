using System.Globalization;
using System.Text.Json;
using Portolan.Lab.ApiServer.Schema;

namespace Portolan.Lab.ApiServer.Tables;

/// <summary>Reading stored objects for printing: what is missing or of another type reads as empty.</summary>
internal static class Reading
{
    public static JsonElement At(this JsonElement from, params ReadOnlySpan<string> path)
    {
        foreach (var name in path)
        {
            if (from.ValueKind != JsonValueKind.Object || !from.TryGetProperty(name, out from))
                return default;
        }

        return from;
    }

    public static bool Exists(this JsonElement value) => value.ValueKind is not (JsonValueKind.Undefined or JsonValueKind.Null);

    public static string Str(this JsonElement value) => value.ValueKind == JsonValueKind.String ? value.GetString()! : "";

    /// <summary>A scalar as text: what an int-or-string prints.</summary>
    public static string Scalar(this JsonElement value) => value.ValueKind switch
    {
        JsonValueKind.String => value.GetString()!,
        JsonValueKind.Number or JsonValueKind.True or JsonValueKind.False => value.GetRawText(),
        _ => "",
    };

    public static long Int(this JsonElement value) => value.ValueKind == JsonValueKind.Number && value.TryGetInt64(out var number) ? number : 0;

    public static bool IsTrue(this JsonElement value) => value.ValueKind == JsonValueKind.True;

    public static DateTimeOffset? Time(this JsonElement value) =>
        value.ValueKind == JsonValueKind.String && Timestamps.TryParse(value.GetString()!, out var instant) ? instant : null;

    public static IReadOnlyList<JsonElement> Items(this JsonElement value) => value.ValueKind == JsonValueKind.Array ? [.. value.EnumerateArray()] : [];

    public static IEnumerable<JsonProperty> Members(this JsonElement value) => value.ValueKind == JsonValueKind.Object ? value.EnumerateObject() : [];

    public static int Count(this JsonElement value) => value.ValueKind switch
    {
        JsonValueKind.Array => value.GetArrayLength(),
        JsonValueKind.Object => value.GetPropertyCount(),
        _ => 0,
    };

    public static string Name(this JsonElement obj) => obj.At("metadata", "name").Str();

    public static bool HasCondition(this JsonElement status, string type, string value = "True") =>
        status.At("conditions").Items().Any(condition => condition.At("type").Str() == type && condition.At("status").Str() == value);

    /// <summary>Labels as <c>a=b,c=d</c> in order of their keys; <c>&lt;none&gt;</c> without any.</summary>
    public static string Labels(this JsonElement labels)
    {
        var text = string.Join(',', labels.Members().OrderBy(label => label.Name, StringComparer.Ordinal).Select(label => $"{label.Name}={label.Value.Str()}"));
        return text.Length == 0 ? "<none>" : text;
    }

    /// <summary>A LabelSelector as one line: <c>a=b,c in (d,e)</c>.</summary>
    public static string Selector(this JsonElement selector)
    {
        var terms = new List<(string Key, string Text)>();
        foreach (var label in selector.At("matchLabels").Members())
            terms.Add((label.Name, $"{label.Name}={label.Value.Str()}"));
        foreach (var expression in selector.At("matchExpressions").Items())
        {
            var key = expression.At("key").Str();
            var values = string.Join(',', expression.At("values").Items().Select(value => value.Str()).Order(StringComparer.Ordinal));
            terms.Add((key, expression.At("operator").Str() switch
            {
                "In" => $"{key} in ({values})",
                "NotIn" => $"{key} notin ({values})",
                "Exists" => key,
                _ => "!" + key,
            }));
        }

        return terms.Count == 0 ? "<none>" : string.Join(',', terms.OrderBy(term => term.Key, StringComparer.Ordinal).Select(term => term.Text));
    }

    public static string ContainerNames(this JsonElement podSpec) => string.Join(',', podSpec.At("containers").Items().Select(container => container.At("name").Str()));

    public static string Images(this JsonElement podSpec) => string.Join(',', podSpec.At("containers").Items().Select(container => container.At("image").Str()));

    /// <summary>At most three items, and how many more there are.</summary>
    public static string Few(IReadOnlyList<string> items, string none)
    {
        if (items.Count == 0)
            return none;
        var shown = string.Join(',', items.Take(3));
        return items.Count > 3 ? string.Create(CultureInfo.InvariantCulture, $"{shown} + {items.Count - 3} more...") : shown;
    }
}

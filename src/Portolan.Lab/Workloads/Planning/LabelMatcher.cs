using System.Text.Json.Nodes;

namespace Portolan.Lab.Workloads.Planning;

/// <summary>A <c>meta/v1 LabelSelector</c>, or the plain map that Services use.</summary>
internal sealed class LabelMatcher
{
    private readonly IReadOnlyList<(string Key, string Operator, HashSet<string> Values)> _requirements;

    private LabelMatcher(IEnumerable<(string, string, HashSet<string>)> requirements) => _requirements = [.. requirements];

    /// <summary>An empty selector matches everything; a missing one nothing.</summary>
    public static LabelMatcher? Of(JsonNode? selector) => selector is not JsonObject ? null : new(
        selector.Map("matchLabels").Select(p => (p.Key, "In", One(p.Value)))
            .Concat(selector.Objects("matchExpressions").Select(e => (e.Text("key") ?? "", e.Text("operator") ?? "", Many(e.Texts("values"))))));

    public static LabelMatcher OfMap(IReadOnlyDictionary<string, string> map) => new(map.Select(p => (p.Key, "In", One(p.Value))));

    /// <summary>A node selector term's expressions, which know Gt and Lt besides.</summary>
    public static LabelMatcher OfExpressions(IEnumerable<JsonObject> expressions) =>
        new(expressions.Select(e => (e.Text("key") ?? "", e.Text("operator") ?? "", Many(e.Texts("values")))));

    public bool Matches(IReadOnlyDictionary<string, string> labels) => _requirements.All(r => Matches(labels, r.Key, r.Operator, r.Values));

    private static bool Matches(IReadOnlyDictionary<string, string> labels, string key, string @operator, HashSet<string> values)
    {
        var has = labels.TryGetValue(key, out var value);
        return @operator switch
        {
            "In" => has && values.Contains(value!),
            "NotIn" => !has || !values.Contains(value!),
            "Exists" => has,
            "DoesNotExist" => !has,
            "Gt" => has && long.TryParse(value, out var a) && values.Count == 1 && long.TryParse(values.First(), out var b) && a > b,
            "Lt" => has && long.TryParse(value, out var a) && values.Count == 1 && long.TryParse(values.First(), out var b) && a < b,
            _ => false,
        };
    }

    private static HashSet<string> One(string value) => new([value], StringComparer.Ordinal);

    private static HashSet<string> Many(IEnumerable<string> values) => new(values, StringComparer.Ordinal);
}

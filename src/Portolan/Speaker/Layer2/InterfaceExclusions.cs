using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using Portolan.Core.Cluster;
using Portolan.Kubernetes.Resources;
using Portolan.Kubernetes.Yaml;

namespace Portolan.Speaker.Layer2;

/// <summary>
/// MetalLB's list of interfaces that never carry announcements: ConfigMap <c>metallb-excludel2</c>, key <c>excludel2.yaml</c>, in it
/// <c>announcedInterfacesToExclude</c>, regular expressions of Go, which match anywhere in a name.
/// </summary>
internal static class InterfaceExclusions
{
    /// <summary>The ConfigMap's name.</summary>
    public const string ConfigMapName = "metallb-excludel2";

    private const string Key = "excludel2.yaml";
    private const string List = "announcedInterfacesToExclude";
    private const int MaxPatterns = 256;
    private const int MaxPatternLength = 256;

    /// <summary>Reads the list.</summary>
    /// <param name="map">The ConfigMap.</param>
    /// <param name="errors">What is wrong with it.</param>
    /// <returns>The patterns, or null when something is wrong.</returns>
    public static IReadOnlyList<Regex>? Read(ConfigMap map, List<FieldError> errors)
    {
        if (map.Data?.GetValueOrDefault(Key) is not { } text)
            return Wrong($"data[{Key}]", "is missing");
        try
        {
            var documents = YamlJson.Documents(text);
            if (documents.Count == 0)
                return [];
            if (documents is not [JsonObject document])
                return Wrong($"data[{Key}]", "is not one mapping");
            if (document[List] is not { } value)
                return [];
            if (value is not JsonArray { Count: <= MaxPatterns } list)
                return Wrong($"data[{Key}].{List}", $"is not a list of at most {MaxPatterns} patterns");
            return Patterns(list);
        }
        catch (FormatException e)
        {
            return Wrong($"data[{Key}]", e.Message);
        }

        IReadOnlyList<Regex>? Patterns(JsonArray list)
        {
            var patterns = new List<Regex>(list.Count);
            for (var i = 0; i < list.Count; i++)
            {
                try
                {
                    // In linear time, as Go's are, and with what Go does not have refused as well.
                    if (list[i] is JsonValue item && item.TryGetValue(out string? pattern) && pattern.Length <= MaxPatternLength)
                        patterns.Add(new Regex(pattern, RegexOptions.NonBacktracking | RegexOptions.CultureInvariant));
                    else
                        Wrong($"data[{Key}].{List}[{i}]", $"is not a text of at most {MaxPatternLength} characters");
                }
                catch (Exception e) when (e is ArgumentException or NotSupportedException)
                {
                    Wrong($"data[{Key}].{List}[{i}]", $"is not a regular expression: {e.Message}");
                }
            }

            return patterns.Count == list.Count ? patterns : null;
        }

        IReadOnlyList<Regex>? Wrong(string path, string message)
        {
            errors.Add(new FieldError(path, "", message));
            return null;
        }
    }
}

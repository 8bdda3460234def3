using System.Text;

namespace Portolan.Commands.Import;

/// <summary>
/// Gives objects of one kind names that the API accepts (RFC 1123, kept to 63 characters): lower case, other characters become dashes. Two that would become
/// the same are told apart by a number.
/// </summary>
internal sealed class ObjectNames(string kind, ImportNotices notices)
{
    private const int Longest = 63;
    private readonly Dictionary<string, string> _given = new(StringComparer.Ordinal);
    private readonly HashSet<string> _taken = new(StringComparer.Ordinal);

    /// <summary>The name of the object that the source calls so.</summary>
    /// <param name="source">The source's name.</param>
    /// <param name="suffix">Put behind it.</param>
    /// <param name="place">Where the source's name is.</param>
    /// <param name="path">And what it names.</param>
    /// <param name="consequence">What the user has to see to when it changes.</param>
    public string Assign(string source, string suffix, SourcePlace place, string path, string consequence = "")
    {
        var wanted = Legal(source, Longest - suffix.Length) + suffix;
        var name = wanted;
        for (var number = 2; !_taken.Add(name); number++)
            name = $"{Legal(source, Longest - suffix.Length - 1 - number.ToString(System.Globalization.CultureInfo.InvariantCulture).Length)}-{number}{suffix}";
        if (name != wanted)
            notices.Warn(place, path, $"another {kind} is named {wanted} already; this one is named {name}{consequence}");
        else if (name != source + suffix)
            notices.Warn(place, path, $"{source}{suffix} is no name the API accepts; the {kind} is named {name}{consequence}");
        _given.TryAdd(source, name);
        return name;
    }

    /// <summary>The object's name for the source's, or null when there is none.</summary>
    public string? Find(string source) => _given.GetValueOrDefault(source);

    public IEnumerable<string> Sources => _given.Keys;

    private static string Legal(string source, int longest)
    {
        var name = new StringBuilder();
        foreach (var c in source.ToLowerInvariant())
            name.Append(char.IsAsciiLetterOrDigit(c) || c is '-' or '.' ? c : '-');
        // A dot may only stand between letters or digits.
        var legal = name.Replace("-.", "-").Replace(".-", "-").Replace("..", ".").ToString().Trim('-', '.');
        legal = (legal.Length > longest ? legal[..longest] : legal).Trim('-', '.');
        return legal.Length > 0 ? legal : "unnamed";
    }
}

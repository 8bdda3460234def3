namespace Portolan.Lab.Network.Faults;

/// <summary>Groups of hosts that cannot talk to each other. Hosts in no group talk to everybody.</summary>
internal static class Partition
{
    /// <summary>Reads <c>node1,node2 / node3,control</c>, blanks and words split anyhow.</summary>
    /// <returns>Null when <paramref name="groups"/> is good, or what is wrong with the text.</returns>
    public static string? TryParse(IEnumerable<string> words, out IReadOnlyList<IReadOnlyList<string>> groups)
    {
        groups = [.. string.Join(',', words).Split('/').Select(g => (IReadOnlyList<string>)g.Split([',', ' '], StringSplitOptions.RemoveEmptyEntries))];
        if (groups.Count < 2 || groups.Any(g => g.Count == 0))
            return "a partition has two groups or more, with '/' between them: node1,node2 / node3,control";
        var twice = groups.SelectMany(g => g).GroupBy(h => h, StringComparer.Ordinal).FirstOrDefault(g => g.Count() > 1);
        return twice is null ? null : $"{twice.Key} is named twice";
    }

    public static string ToString(IReadOnlyList<IReadOnlyList<string>> groups) => string.Join(" / ", groups.Select(g => string.Join(',', g)));
}

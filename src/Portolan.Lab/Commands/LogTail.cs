namespace Portolan.Lab.Commands;

internal static class LogTail
{
    /// <summary>The last lines of a log, indented, for a message that says why something failed.</summary>
    public static string Of(string path, int lines = 15)
    {
        if (!File.Exists(path))
            return $"  ({path} was never written)";
        var tail = File.ReadLines(path).TakeLast(lines).Select(l => "  " + (l.Length > 400 ? l[..400] + "…" : l)).ToList();
        return tail.Count == 0 ? $"  ({path} is empty)" : $"  last lines of {path}:\n{string.Join('\n', tail)}";
    }
}

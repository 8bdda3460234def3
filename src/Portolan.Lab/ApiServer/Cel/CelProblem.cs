using System.Globalization;
using System.Text;

namespace Portolan.Lab.ApiServer.Cel;

/// <summary>Why an expression cannot be compiled, and where.</summary>
/// <param name="Offset">UTF-16 offset into the expression.</param>
/// <param name="Message">Without position: <c>undefined field 'x'</c>.</param>
internal readonly record struct CelProblem(int Offset, string Message)
{
    // A real server shows as many. A line that nobody can read is not repeated for each of them.
    private const int MaxShown = 100;
    private const int MaxLine = 1000;

    /// <summary>
    /// The problem as a real server prints it: <c>ERROR: &lt;input&gt;:1:5: undefined field 'x'</c>, then the line and a mark under the place.
    /// </summary>
    public string Display(string source)
    {
        var at = Math.Clamp(Offset, 0, source.Length);
        var start = at == 0 ? 0 : source.LastIndexOf('\n', at - 1) + 1;
        var end = source.IndexOf('\n', at);
        var lineText = source[start..(end < 0 ? source.Length : end)].Replace('\t', ' ').TrimEnd('\r');
        var line = source.AsSpan(0, start).Count('\n') + 1;
        var column = 0;
        if (lineText.Length > MaxLine)
            return string.Create(CultureInfo.InvariantCulture, $"ERROR: <input>:{line}:{at - start + 1}: {Message}");
        var mark = new StringBuilder();
        foreach (var rune in source[start..at].EnumerateRunes())
        {
            column++;
            mark.Append(rune.IsAscii ? '.' : '．');
        }

        return string.Create(CultureInfo.InvariantCulture, $"ERROR: <input>:{line}:{column + 1}: {Message}\n | {lineText}\n | {mark}^");
    }

    /// <summary>All problems in the order of their places, one after the other.</summary>
    public static string Display(IReadOnlyCollection<CelProblem> problems, string source)
    {
        var shown = problems.OrderBy(problem => problem.Offset).Take(MaxShown).Select(problem => problem.Display(source));
        return string.Join('\n', problems.Count > MaxShown ? shown.Append(string.Create(CultureInfo.InvariantCulture, $"{problems.Count - MaxShown} more errors were truncated")) : shown);
    }
}

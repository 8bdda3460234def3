namespace Portolan.Lab.Commands;

internal static class Columns
{
    /// <summary>Left-aligned, three blanks apart, as kubectl prints them.</summary>
    public static void Print(string[] head, IEnumerable<string[]> rows)
    {
        List<string[]> all = [head, .. rows];
        var widths = Enumerable.Range(0, head.Length).Select(c => all.Max(r => r[c].Length)).ToArray();
        foreach (var row in all)
            Console.WriteLine(string.Join("   ", row.Select((cell, c) => cell.PadRight(widths[c]))).TrimEnd());
    }
}

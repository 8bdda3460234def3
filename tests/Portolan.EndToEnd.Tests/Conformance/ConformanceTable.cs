using System.Text;

namespace Portolan.EndToEnd.Tests.Conformance;

/// <summary>
/// The table of docs/lab.md, a row for each verb, a column for each client. Tests compare their client's column with what is there; with PORTOLAN_WRITE_DOCS=1 they write it.
/// </summary>
internal sealed class ConformanceTable
{
    public const string Works = "✓";
    private static readonly Lock _file = new();

    private readonly string _section;
    private readonly List<string> _columns = [];
    private readonly List<string> _rows = [];
    private readonly Dictionary<(string Row, string Column), string> _cells = [];

    private ConformanceTable(string section) => _section = section;

    private static string Document => Path.Combine(Repository.Root, "docs", "lab.md");

    private string Begin => $"<!-- conformance {_section}: written by the tests -->";

    private string End => $"<!-- end of conformance {_section} -->";

    /// <summary>Compares a client's results, in the verbs' order, with its column; or writes them.</summary>
    public static void Check(string section, string column, IReadOnlyList<(string Verb, string Cell)> results)
    {
        lock (_file)
        {
            var text = File.ReadAllText(Document);
            var table = new ConformanceTable(section);
            table.Read(text);
            if (Environment.GetEnvironmentVariable("PORTOLAN_WRITE_DOCS") is "1")
            {
                table.Put(column, results);
                File.WriteAllText(Document, table.WriteInto(text));
                return;
            }

            foreach (var (verb, cell) in results)
                Assert.True(table._cells.GetValueOrDefault((verb, column)) == cell,
                    $"docs/lab.md says of {verb} with {column}: {table._cells.GetValueOrDefault((verb, column)) ?? "nothing"}; but it is: {cell}\n(PORTOLAN_WRITE_DOCS=1 writes what is)");
        }
    }

    private void Put(string column, IReadOnlyList<(string Verb, string Cell)> results)
    {
        if (!_columns.Contains(column))
            _columns.Add(column);
        _columns.Sort((a, b) => Version.TryParse(a, out var x) && Version.TryParse(b, out var y) ? x.CompareTo(y) : string.CompareOrdinal(a, b));
        _rows.Clear();
        _rows.AddRange(results.Select(r => r.Verb));
        foreach (var (verb, cell) in results)
            _cells[(verb, column)] = cell;
    }

    /// <summary>Cells with a footnote are read as the note's text.</summary>
    private void Read(string text)
    {
        var begin = text.IndexOf(Begin, StringComparison.Ordinal);
        var end = text.IndexOf(End, StringComparison.Ordinal);
        if (begin < 0 || end < begin)
            return;
        var lines = text[begin..end].Split('\n');
        var notes = lines.Where(l => l.Length > 4 && l.StartsWith('(') && l[2..4] == ") ").ToDictionary(l => l[..3], l => l[4..]);
        foreach (var cells in lines.Where(l => l.StartsWith('|') && !l.StartsWith("|---", StringComparison.Ordinal)).Select(l => l.Trim('|').Split('|').Select(c => c.Trim()).ToArray()))
        {
            if (_columns.Count == 0)
            {
                _columns.AddRange(cells.Skip(1));
                continue;
            }

            _rows.Add(cells[0].Trim('`'));
            for (var i = 1; i < cells.Length; i++)
                _cells[(cells[0].Trim('`'), _columns[i - 1])] = notes.GetValueOrDefault(cells[i], cells[i]);
        }
    }

    private string WriteInto(string text)
    {
        var notes = new List<string>();
        var table = new StringBuilder().Append(Begin).Append("\n\n| |").Append(string.Concat(_columns.Select(c => $" {c} |"))).Append("\n|---|").Append(string.Concat(_columns.Select(_ => "---|"))).Append('\n');
        foreach (var row in _rows)
        {
            table.Append("| `").Append(row).Append("` |");
            foreach (var column in _columns)
            {
                var cell = _cells.GetValueOrDefault((row, column), "");
                if (cell.Length > 0 && cell != Works)
                {
                    if (!notes.Contains(cell))
                        notes.Add(cell);
                    cell = $"({(char)('a' + notes.IndexOf(cell))})";
                }

                table.Append(' ').Append(cell).Append(" |");
            }

            table.Append('\n');
        }

        table.Append('\n');
        foreach (var note in notes)
            table.Append($"({(char)('a' + notes.IndexOf(note))}) {note}\n");
        table.Append('\n').Append(End);
        var begin = text.IndexOf(Begin, StringComparison.Ordinal);
        var end = text.IndexOf(End, StringComparison.Ordinal);
        return begin < 0 ? $"{text.TrimEnd()}\n\n{table}\n" : text[..begin] + table + text[(end + End.Length)..];
    }
}

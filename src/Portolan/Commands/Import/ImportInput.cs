using System.Text.RegularExpressions;

namespace Portolan.Commands.Import;

/// <summary>The texts a user names: files, folders of them, standard input.</summary>
internal static partial class ImportInput
{
    private const int LargestText = 8 << 20;

    [GeneratedRegex(@"^\s*#\s*(?<name>[a-z_]\w*)\s*:")]
    private static partial Regex CommentedOut { get; }

    // A statement of a template: it decides what the file will hold, so the file alone does not say.
    [GeneratedRegex(@"\{%-?\s*(?<statement>[^%]*?)\s*-?%\}")]
    private static partial Regex TemplateStatement { get; }

    /// <summary>The texts, each with the name it is spoken of.</summary>
    /// <exception cref="IOException">One cannot be read; the message names it.</exception>
    public static async Task<IReadOnlyList<(string File, string Text)>> ReadAsync(IEnumerable<string> paths, TextReader standardInput, CancellationToken stop)
    {
        var texts = new List<(string, string)>();
        foreach (var path in paths)
        {
            if (path == "-")
            {
                texts.Add(("-", await standardInput.ReadToEndAsync(stop)));
                continue;
            }

            foreach (var file in Directory.Exists(path) ? InFolder(path) : [path])
            {
                if (!File.Exists(file))
                    throw new IOException($"{file}: there is no such file");
                if (new FileInfo(file).Length > LargestText)
                    throw new IOException($"{file}: is larger than {LargestText >> 20} MB");
                texts.Add((file, await File.ReadAllTextAsync(file, stop)));
            }
        }

        return texts;
    }

    /// <summary>The documents in a text, pasted or not. What is no YAML is reported.</summary>
    /// <param name="text">The text.</param>
    /// <param name="file">Its name.</param>
    /// <param name="notices">Where to report.</param>
    /// <param name="commentedOut">Gets the variables that stand behind a '#'.</param>
    public static IReadOnlyList<SourceNode> Documents(string text, string file, ImportNotices notices, IDictionary<string, SourcePlace>? commentedOut = null)
    {
        var documents = new List<SourceNode>();
        foreach (var block in PastedText.Read(text, file, notices))
        {
            var lines = block.Text.Split('\n');
            for (var at = 0; at < lines.Length; at++)
                if (CommentedOut.Match(lines[at]) is { Success: true } match)
                    commentedOut?.TryAdd(match.Groups["name"].Value, new SourcePlace(file, at + 1));

            if (Array.FindIndex(lines, line => line.TrimStart() is var code && !code.StartsWith('#') && TemplateStatement.IsMatch(code)) is var statement and >= 0)
            {
                notices.Error(new SourcePlace(file, statement + 1), "", $"{TemplateStatement.Match(lines[statement]).Value} is a statement of a template: render it first, or give the variables; the text is left out");
                continue;
            }

            try
            {
                documents.AddRange(SourceReader.Documents(block.Text, file));
            }
            catch (SourceException e)
            {
                // Beside YAML a page shows commands and what they print.
                if (block.Fence is "" or "yaml" or "yml")
                    notices.Error(e.Place, "", $"this is not YAML: {e.Message}; the text is left out");
            }
        }

        return documents;
    }

    private static IEnumerable<string> InFolder(string folder) =>
        Directory.EnumerateFiles(folder, "*", SearchOption.AllDirectories).Where(file => Path.GetExtension(file) is ".yml" or ".yaml" or ".json").Order(StringComparer.Ordinal);
}

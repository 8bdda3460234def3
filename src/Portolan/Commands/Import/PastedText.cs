using System.Globalization;
using System.Text;
using System.Text.RegularExpressions;

namespace Portolan.Commands.Import;

/// <summary>
/// Makes YAML again of what was copied from a page or a terminal: line numbers, ellipses, fences, prompts, tabs, non-breaking blanks. Lines keep their
/// numbers, so that what is said about the result points into the text as pasted. A text that is YAML already passes unchanged.
/// </summary>
internal static partial class PastedText
{
    [GeneratedRegex(@"^\s*(?<number>\d{1,6})(?:[:|.)]? |[:|\t]|$)(?<rest>.*)$")]
    private static partial Regex Numbered { get; }

    [GeneratedRegex(@"^\s*(?:\.{3,}|…+|⋮|\[(?:\.{3}|…)\]|<(?:snip|\.{3})>)\s*$")]
    private static partial Regex Ellipsis { get; }

    [GeneratedRegex(@"^\s*(?:```|~~~)\s*(?<word>[\w-]*)")]
    private static partial Regex Fence { get; }

    // user@host:~$ …, [root@node1 ~]# …, $ …, (venv) $ …
    [GeneratedRegex(@"^\s*(?:\([\w.-]+\)\s*)?(?:[\w.-]+@[\w.-]+(?::\S*)?\s*[$#%]|\[[\w.@-]+(?:\s[^\]]*)?\][$#]|[$❯➜])(?:\s|$)")]
    private static partial Regex Prompt { get; }

    // A top-level variable that kept the blank behind the '#' when it was uncommented. metallb_peers is left alone: inside metallb_config it is indented by right.
    [GeneratedRegex(@"^ (?=(?:metallb_(?!peers)\w+|matallb_\w+|kube_proxy_\w+) *:)")]
    private static partial Regex OneBlankIn { get; }

    // A page shows much beside the configuration; of its blocks only those with a word of it are looked at.
    [GeneratedRegex(@"^[\s\d:#-]*(?:metallb_|matallb_|kube_proxy_|kube_vip_|cilium_|calico_|address-pools:|bgp-communities:|peers:|apiVersion: *metallb\.io)")]
    private static partial Regex Ours { get; }

    /// <summary>The texts in it: one, or one for each fenced block that is about the configuration. Each has as many lines as the original up to its end, those outside it empty.</summary>
    public static IReadOnlyList<PastedBlock> Read(string text, string file, ImportNotices notices)
    {
        var lines = text.TrimStart('\uFEFF').ReplaceLineEndings("\n").Split('\n').Select(line => line.TrimEnd()).ToArray();
        if (!lines.Any(line => Fence.IsMatch(line)))
            return [new PastedBlock(Clean(lines, file, notices), "")];

        var blocks = new List<PastedBlock>();
        for (var at = 0; at < lines.Length; at++)
        {
            if (Fence.Match(lines[at]) is not { Success: true } fence)
                continue;
            var end = Array.FindIndex(lines, at + 1, line => Fence.IsMatch(line));
            if (end < 0)
                end = lines.Length;
            var inside = new string[end];
            Array.Fill(inside, "", 0, at + 1);
            Array.Copy(lines, at + 1, inside, at + 1, end - at - 1);
            var word = fence.Groups["word"].Value.ToLowerInvariant();
            if (inside.Any(line => Ours.IsMatch(line)))
                blocks.Add(new PastedBlock(Clean(inside, file, notices), word));
            at = end;
        }

        return blocks;
    }

    private static string Clean(string[] lines, string file, ImportNotices notices)
    {
        lines = [.. lines.Select((line, at) => Blanks(line, new SourcePlace(file, at + 1), notices))];
        for (var at = 0; at < lines.Length; at++)
            if (Prompt.IsMatch(lines[at]))
                lines[at] = "";
        if (IsNumbered(lines))
            lines = [.. lines.Select(line => Numbered.Match(line) is { Success: true } match ? match.Groups["rest"].Value : line)];

        var hasFlush = lines.Any(line => line.Length > 0 && !char.IsWhiteSpace(line[0]) && line[0] is not '#' && !Ellipsis.IsMatch(line));
        for (var at = 0; at < lines.Length; at++)
        {
            var place = new SourcePlace(file, at + 1);
            if (Ellipsis.IsMatch(lines[at]))
            {
                lines[at] = "";
                notices.Note(place, "", "the text leaves something out here; what it would say is not known");
            }
            else if (hasFlush && OneBlankIn.IsMatch(lines[at]) && !IsInside(lines, at))
            {
                lines[at] = lines[at][1..];
                notices.Warn(place, "", "is indented by one blank, as if only the '#' had been removed; read as not indented");
            }
        }

        return string.Join('\n', lines);
    }

    // Indented under a key that opens a map: then the blank is meant.
    private static bool IsInside(string[] lines, int at)
    {
        var before = lines.Take(at).LastOrDefault(line => line.Length > 0 && line.TrimStart()[0] is not '#');
        return before is not null && !before.StartsWith("  ", StringComparison.Ordinal) && before.EndsWith(':');
    }

    // All lines bear numbers, and they rise: that is no coincidence, and no YAML of Kubespray's.
    private static bool IsNumbered(string[] lines)
    {
        var last = -1;
        var count = 0;
        foreach (var line in lines)
        {
            if (line.Length == 0 || Ellipsis.IsMatch(line))
                continue;
            if (Numbered.Match(line) is not { Success: true } match || int.Parse(match.Groups["number"].ValueSpan, CultureInfo.InvariantCulture) is var number && number <= last)
                return false;
            last = number;
            count++;
        }

        return count > 0;
    }

    private static string Blanks(string line, SourcePlace place, ImportNotices notices)
    {
        var clean = new StringBuilder(line.Length);
        var isIndent = true;
        var hasTab = false;
        foreach (var c in line)
        {
            isIndent = isIndent && (char.IsWhiteSpace(c) || c is '\u200B' or '\u2060' or '\uFEFF');
            if (c == '\t' && isIndent)
                hasTab = true;
            clean.Append(c switch
            {
                '\u200B' or '\u2060' or '\uFEFF' => "",
                '\t' when isIndent => "  ",
                '\u00A0' or '\u2007' or '\u202F' or '\u3000' => " ",
                '“' or '”' => "\"",
                '‘' or '’' => "'",
                _ => c.ToString(),
            });
        }

        if (hasTab && line.TrimStart().Length > 0)
            notices.Warn(place, "", "is indented with a tab, which YAML forbids; read as two blanks");
        if (line.AsSpan().ContainsAny("“”‘’") && line.TrimStart()[0] is not '#')
            notices.Warn(place, "", "has typographic quotation marks; read as plain ones");
        return clean.ToString().TrimEnd();
    }
}

/// <summary>One text out of what was pasted.</summary>
/// <param name="Text">YAML, it is hoped.</param>
/// <param name="Fence">The word behind the opening fence, in lower case; empty without fences.</param>
internal sealed record PastedBlock(string Text, string Fence);

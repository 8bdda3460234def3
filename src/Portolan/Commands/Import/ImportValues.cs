using System.Globalization;
using System.Text.RegularExpressions;
using Portolan.Core.Configuration;

namespace Portolan.Commands.Import;

/// <summary>Reads values as the type that is wanted, and reports with place and path what is not of it.</summary>
/// <param name="lookup">The value of a variable that an expression names, or null.</param>
/// <param name="notices">Where to report.</param>
internal sealed partial class ImportValues(Func<string, SourceNode?> lookup, ImportNotices notices)
{
    // What PyYAML takes for a number to the base of sixty (YAML 1.1): 1234:1 is 74041.
    [GeneratedRegex(@"^[1-9]\d*(?::[0-5]?\d)+$")]
    private static partial Regex Sexagesimal { get; }

    /// <summary>The node with its expression worked out; null when it is nothing, or was reported.</summary>
    public SourceNode? Resolve(SourceNode? node, string path)
    {
        if (SourceNode.IsNothing(node))
            return null;
        if (node is not SourceScalar scalar)
            return node;
        if (scalar.Tag is "!vault")
        {
            notices.Error(scalar.Place, path, "is encrypted with Ansible Vault: decrypt the file first");
            return null;
        }

        if (scalar.Tag is "!unsafe" || !JinjaExpression.IsIn(scalar.Text))
            return node;
        try
        {
            return JinjaExpression.Evaluate(scalar, lookup) is var value && SourceNode.IsNothing(value) ? null : value;
        }
        catch (FormatException e)
        {
            notices.Error(scalar.Place, path, $"cannot be worked out: {e.Message}; left out");
            return null;
        }
    }

    public string? Text(SourceNode? node, string path)
    {
        switch (Resolve(node, path))
        {
            case null:
                return null;
            case SourceScalar scalar:
                return scalar.Text.Trim();
            case var other:
                notices.Error(other.Place, path, "must be a single value; left out");
                return null;
        }
    }

    /// <summary>A BGP community or its name, as written.</summary>
    public string? Community(SourceNode? node, string path)
    {
        if (node is SourceScalar { IsPlain: true } scalar && Sexagesimal.IsMatch(scalar.Text))
            notices.Warn(scalar.Place, path, $"{scalar.Text} is not quoted: Ansible reads it as the number {scalar.Text.Split(':').Aggregate(0L, (sum, part) => (sum * 60) + long.Parse(part, CultureInfo.InvariantCulture))}; read here as the community it looks like");
        return Text(node, path);
    }

    public bool? Boolean(SourceNode? node, string path)
    {
        switch (Resolve(node, path))
        {
            case null:
                return null;
            case SourceScalar { Boolean: { } value } scalar:
                if (!scalar.IsPlain && !(node is SourceScalar written && JinjaExpression.IsIn(written.Text)))
                    notices.Warn(scalar.Place, path, $"\"{scalar.Text}\" is a text, not a boolean; read as {(value ? "true" : "false")}");
                return value;
            case var other:
                notices.Error(other.Place, path, $"{(other as SourceScalar)?.Text ?? "a list or map"}: must be true or false; left out");
                return null;
        }
    }

    /// <summary>A whole number, quoted or not.</summary>
    public long? Number(SourceNode? node, string path, long least, long most)
    {
        if (Text(node, path) is not { } text)
            return null;
        if (long.TryParse(text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var number) && number >= least && number <= most)
            return number;
        notices.Error(node!.Place, path, $"{text}: must be a whole number {least}..{most}; left out");
        return null;
    }

    /// <summary>A time in the form the API takes, e.g. <c>1m30s</c>. A number alone is seconds, and said to be.</summary>
    public string? Duration(SourceNode? node, string path)
    {
        if (Text(node, path) is not { Length: > 0 } text)
            return null;
        if (long.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var seconds))
        {
            notices.Warn(node!.Place, path, $"{text} has no unit, which the API refuses; read as {seconds}s");
            return $"{seconds}s";
        }

        if (GoDuration.TryParse(text, out var time) && time >= TimeSpan.Zero)
            return text;
        notices.Error(node!.Place, path, $"{text}: must be a time such as 90s or 1m30s; left out");
        return null;
    }

    /// <summary>A list. A single value stands for a list of one, and that is said.</summary>
    public IReadOnlyList<SourceNode> Items(SourceNode? node, string path)
    {
        switch (Resolve(node, path))
        {
            case null:
                return [];
            case SourceList list:
                return list.Items;
            case SourceScalar scalar:
                notices.Warn(scalar.Place, path, "must be a list; read as a list of one");
                return [.. scalar.Text.Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries).Select(part => scalar with { Text = part, IsPlain = false })];
            case var other:
                notices.Error(other.Place, path, "must be a list; left out");
                return [];
        }
    }

    public IReadOnlyList<SourceEntry> Entries(SourceNode? node, string path) => Map(node, path)?.Entries ?? [];

    public SourceMap? Map(SourceNode? node, string path)
    {
        switch (Resolve(node, path))
        {
            case null:
                return null;
            case SourceMap map:
                foreach (var twice in map.Entries.GroupBy(entry => entry.Name, StringComparer.Ordinal).Where(group => group.Count() > 1))
                    notices.Warn(twice.Last().Place, $"{path}.{twice.Key}", $"is written {twice.Count()} times; the last counts");
                return map with { Entries = [.. map.Entries.Where((entry, at) => !map.Entries.Skip(at + 1).Any(later => later.Name == entry.Name))] };
            case var other:
                notices.Error(other.Place, path, "must be names with values; left out");
                return null;
        }
    }

    /// <summary>Reports names that nobody reads.</summary>
    public void OnlyKnown(SourceMap map, string path, params ReadOnlySpan<string> known)
    {
        foreach (var entry in map.Entries)
            if (!known.Contains(entry.Name))
                notices.Warn(entry.Place, $"{path}.{entry.Name}", $"is not read by anybody; left out{Spelling.Hint(entry.Name, known)}");
    }
}

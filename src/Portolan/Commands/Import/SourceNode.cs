namespace Portolan.Commands.Import;

/// <summary>Where something is written.</summary>
/// <param name="File">The file as named by the user; <c>-</c> for standard input.</param>
/// <param name="Line">From 1; 0 for the file as a whole.</param>
internal readonly record struct SourcePlace(string File, int Line)
{
    public override string ToString() => Line > 0 ? $"{File}:{Line}" : File;
}

/// <summary>A value of a file that people wrote, and where: what is wrong with it can be told with its line.</summary>
internal abstract record SourceNode(SourcePlace Place)
{
    /// <summary>Absent, empty or null.</summary>
    public static bool IsNothing(SourceNode? node) => node is null or SourceScalar { IsNull: true };
}

/// <summary>A value without parts, still as text: what type it is depends on who asks.</summary>
/// <param name="Text">Without quotes.</param>
/// <param name="IsPlain">Written without quotes, so that it can be a number, a boolean or null.</param>
/// <param name="Tag">An explicit tag such as <c>!vault</c>, or null.</param>
/// <param name="Place">Where it begins.</param>
internal sealed record SourceScalar(string Text, bool IsPlain, string? Tag, SourcePlace Place) : SourceNode(Place)
{
    /// <summary>Where the first line of the text is: below the marker in a block scalar.</summary>
    public int FirstLine { get; init; } = Place.Line;

    public bool IsNull => IsPlain && Text is "" or "~" or "null" or "Null" or "NULL";

    /// <summary>The booleans of YAML 1.1, which Ansible reads: yes and no among them. Null: something else.</summary>
    public bool? Boolean => Text switch
    {
        "true" or "True" or "TRUE" or "yes" or "Yes" or "YES" or "on" or "On" or "ON" => true,
        "false" or "False" or "FALSE" or "no" or "No" or "NO" or "off" or "Off" or "OFF" => false,
        _ => null,
    };
}

/// <summary>A list.</summary>
internal sealed record SourceList(IReadOnlyList<SourceNode> Items, SourcePlace Place) : SourceNode(Place);

/// <summary>Names and values in the order written.</summary>
internal sealed record SourceMap(IReadOnlyList<SourceEntry> Entries, SourcePlace Place) : SourceNode(Place)
{
    /// <summary>The value of a name, or null. Of a name written twice the last counts, as Ansible has it.</summary>
    public SourceNode? this[string name] => Entries.LastOrDefault(entry => entry.Name == name)?.Value;
}

/// <summary>A name and its value.</summary>
/// <param name="Name">The key as text.</param>
/// <param name="Value">The value.</param>
/// <param name="Place">Where the key is.</param>
internal sealed record SourceEntry(string Name, SourceNode Value, SourcePlace Place);

using System.Globalization;
using System.Text.Json;

namespace Portolan.Soak.ApiKills;

internal enum ChangeType
{
    Added,
    Modified,
    Deleted,
}

/// <summary>One change of one object, as its writer knows it or as a watcher saw it.</summary>
/// <param name="Type">What happened.</param>
/// <param name="Name">To which object.</param>
/// <param name="Mark">The mark of the state it has now, or had last.</param>
/// <param name="Revision">When; 0 where a writer was not told.</param>
internal readonly record struct Change(ChangeType Type, string Name, long Mark, long Revision)
{
    public override string ToString() => $"{Type} {Name} mark {Mark} revision {Revision}";

    /// <summary>An object's name, mark and revision.</summary>
    public static (string Name, long Mark, long Revision) Read(JsonElement obj)
    {
        var metadata = obj.GetProperty("metadata");
        var mark = metadata.TryGetProperty("annotations", out var annotations) && annotations.TryGetProperty("mark", out var text) ? Whole(text) : -1;
        return (metadata.GetProperty("name").GetString()!, mark, Whole(metadata.GetProperty("resourceVersion")));
    }

    private static long Whole(JsonElement text) => long.Parse(text.GetString()!, NumberStyles.None, CultureInfo.InvariantCulture);
}

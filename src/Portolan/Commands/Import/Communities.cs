using System.Text.Json.Nodes;
using Portolan.Core.Configuration;

namespace Portolan.Commands.Import;

/// <summary>The aliases of BGP communities, and lists that use them.</summary>
internal sealed class Communities(ImportValues values, ImportNotices notices)
{
    private readonly Dictionary<string, string> _aliases = new(StringComparer.Ordinal);

    /// <summary>The value of an alias; null when it was reported.</summary>
    public string? Define(SourceEntry entry, string path)
    {
        var at = $"{path}.{entry.Name}";
        if (values.Community(entry.Value, at) is not { } value)
        {
            if (SourceNode.IsNothing(entry.Value))
                notices.Error(entry.Place, at, "has no value; left out");
            return null;
        }

        if (BgpCommunity.Parse(value, out _) is { } rule)
        {
            notices.Error(entry.Place, at, $"{value}: {rule}; left out");
            return null;
        }

        _aliases[entry.Name] = value;
        return value;
    }

    /// <summary>Defines an alias that everybody knows, unless the source does so itself.</summary>
    public bool TryDefine(string alias, string value) => _aliases.TryAdd(alias, value);

    public string? ValueOf(string alias) => _aliases.GetValueOrDefault(alias);

    /// <summary>A list of communities and aliases, without those that were reported.</summary>
    public JsonArray Read(SourceNode? node, string path)
    {
        var list = new JsonArray();
        var seen = new HashSet<string>(StringComparer.Ordinal);
        var items = values.Items(node, path);
        for (var i = 0; i < items.Count; i++)
        {
            var at = $"{path}[{i}]";
            if (values.Community(items[i], at) is not { } word)
                continue;
            if (!_aliases.ContainsKey(word) && BgpCommunity.Parse(word, out _) is not null)
                notices.Error(items[i].Place, at, $"{word} is neither a community nor the name of one; left out{Spelling.Hint(word, [.. _aliases.Keys])}");
            else if (!seen.Add(_aliases.GetValueOrDefault(word, word)))
                notices.Warn(items[i].Place, at, $"{word} is in the list already; left out");
            else
                list.Add((JsonNode)word);
        }

        return list;
    }
}

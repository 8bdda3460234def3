using System.Text.Json.Nodes;
using Portolan.Core.Addresses;

namespace Portolan.Commands.Import;

/// <summary>The addresses of all pools: each is checked as the controller checks it, and none is in two.</summary>
internal sealed class PoolRanges(ImportValues values, ImportNotices notices)
{
    private readonly List<(IpRange Range, string Path)> _all = [];

    /// <summary>A pool's ranges as the API takes them, without those that were reported.</summary>
    public JsonArray Read(SourceNode? node, string path)
    {
        var addresses = new JsonArray();
        var items = values.Items(node, path);
        for (var i = 0; i < items.Count; i++)
        {
            var at = $"{path}[{i}]";
            if (values.Text(items[i], at) is not { } text)
                continue;
            if (IpAddress.TryParse(text, out var single))
            {
                notices.Warn(items[i].Place, at, $"{text} is a single address, which a pool does not take; written as {single}/{single.Bits}");
                text = $"{single}/{single.Bits}";
            }

            if (IpRange.Parse(text, out var range) is { } rule)
                notices.Error(items[i].Place, at, $"{text}: {rule}; left out");
            else if (_all.Find(other => other.Range.Overlaps(range)) is { Path: { } twice })
                notices.Error(items[i].Place, at, $"{text}: overlaps {twice}; left out");
            else
            {
                _all.Add((range, at));
                addresses.Add((JsonNode)text);
            }
        }

        return addresses;
    }
}

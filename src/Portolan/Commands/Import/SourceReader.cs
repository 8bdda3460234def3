using YamlDotNet.Core;
using YamlDotNet.Core.Events;

namespace Portolan.Commands.Import;

/// <summary>
/// Reads YAML into <see cref="SourceNode"/>s. It keeps what a model of plain values loses and what people's files are full of: lines, quotes, tags such as
/// <c>!vault</c>, keys written twice, and expressions left unquoted (<c>{{ name }}</c>, to YAML a map in a map).
/// </summary>
internal sealed class SourceReader
{
    private const int MaximumDepth = 100;
    private const int MaximumNodes = 200_000;

    private readonly string _file;
    private readonly int _lineOffset;
    private readonly Parser _parser;
    private readonly Dictionary<AnchorName, (SourceNode Node, int Cost)> _anchors = [];
    private int _budget = MaximumNodes;

    private SourceReader(string text, string file, int lineOffset)
    {
        (_file, _lineOffset) = (file, lineOffset);
        _parser = new Parser(new StringReader(text));
    }

    /// <summary>Every document of a text that holds something.</summary>
    /// <param name="text">YAML, or JSON.</param>
    /// <param name="file">For places.</param>
    /// <param name="lineOffset">Lines of the file before the text.</param>
    /// <exception cref="SourceException">The text is not YAML.</exception>
    public static IReadOnlyList<SourceNode> Documents(string text, string file, int lineOffset = 0)
    {
        var reader = new SourceReader(text, file, lineOffset);
        try
        {
            return reader.Documents();
        }
        catch (YamlException e)
        {
            throw new SourceException(reader.Place(e.Start), e.Message);
        }
        catch (Exception e) when (e is InvalidOperationException or ArgumentException or IndexOutOfRangeException or KeyNotFoundException)
        {
            // The scanner stumbles over some malformed input instead of naming the place.
            throw new SourceException(new SourcePlace(file, 0), $"this is not YAML: {e.Message}");
        }
    }

    private List<SourceNode> Documents()
    {
        var documents = new List<SourceNode>();
        _parser.Consume<StreamStart>();
        while (_parser.TryConsume<DocumentStart>(out _))
        {
            _anchors.Clear();
            if (Node(0) is var node && !SourceNode.IsNothing(node))
                documents.Add(node);
            _parser.Consume<DocumentEnd>();
        }

        return documents;
    }

    private SourceNode Node(int depth)
    {
        // Aliases can make a small text a huge or an endless tree.
        var place = Place(_parser.Current!.Start);
        if (depth > MaximumDepth || --_budget < 0)
            throw new SourceException(place, $"more than {MaximumDepth} levels or {MaximumNodes} values");
        if (_parser.TryConsume<AnchorAlias>(out var alias))
        {
            var (target, cost) = _anchors.TryGetValue(alias.Value, out var known) ? known : throw new SourceException(place, $"*{alias.Value}: there is no such anchor before");
            _budget -= cost;
            return target;
        }

        var budget = _budget;
        var anchor = (_parser.Current as NodeEvent)?.Anchor ?? AnchorName.Empty;
        SourceNode node;
        if (_parser.TryConsume<Scalar>(out var scalar))
        {
            var isBlock = scalar.Style is ScalarStyle.Literal or ScalarStyle.Folded;
            node = new SourceScalar(scalar.Value, scalar.Style is ScalarStyle.Plain, scalar.Tag.IsEmpty ? null : scalar.Tag.Value, place) { FirstLine = place.Line + (isBlock ? 1 : 0) };
        }
        else if (_parser.TryConsume<SequenceStart>(out _))
        {
            var items = new List<SourceNode>();
            while (!_parser.TryConsume<SequenceEnd>(out _))
                items.Add(Node(depth + 1));
            node = new SourceList(items, place);
        }
        else
        {
            _parser.Consume<MappingStart>();
            node = Map(depth, place);
        }

        if (!anchor.IsEmpty)
            _anchors[anchor] = (node, budget - _budget);
        return node;
    }

    private SourceNode Map(int depth, SourcePlace place)
    {
        var entries = new List<SourceEntry>();
        var merged = new List<SourceEntry>();
        string? expression = null;
        while (!_parser.TryConsume<MappingEnd>(out _))
        {
            var key = Node(depth + 1);
            var value = Node(depth + 1);
            switch (key)
            {
                case SourceScalar { Text: "<<", IsPlain: true }:
                    foreach (var source in value is SourceList list ? list.Items : [value])
                        if (source is SourceMap map)
                            merged.AddRange(map.Entries.Where(entry => !merged.Exists(other => other.Name == entry.Name)));
                    break;
                case SourceScalar scalar:
                    // A list or map below its key is looked for where the key is.
                    entries.Add(new SourceEntry(scalar.Text, value is SourceScalar ? value : value with { Place = scalar.Place }, scalar.Place));
                    break;
                case SourceMap { Entries: [var only] }:
                    expression = only.Name;
                    break;
                default:
                    throw new SourceException(key.Place, "a key must be a word");
            }
        }

        if (expression is not null && entries.Count == 0)
            return new SourceScalar($"{{{{ {expression} }}}}", true, null, place);
        entries.AddRange(merged.Where(entry => !entries.Exists(other => other.Name == entry.Name)));
        return new SourceMap(entries, place);
    }

    private SourcePlace Place(Mark mark) => new(_file, (int)mark.Line + _lineOffset);
}

/// <summary>A text that cannot be read.</summary>
internal sealed class SourceException(SourcePlace place, string message) : Exception(message)
{
    public SourcePlace Place { get; } = place;
}

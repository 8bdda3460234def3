using Portolan.Protocols.Bgp.Wire;

namespace Portolan.Protocols.Bgp.Routes;

/// <summary>A node of a <see cref="RouteList"/>.</summary>
internal abstract class RouteNode
{
    public RouteNode? Previous { get; set; }
    public RouteNode? Next { get; set; }
}

/// <summary>The last state of a prefix.</summary>
/// <param name="prefix">The prefix.</param>
/// <param name="born">The version with which it was announced, having been unknown.</param>
internal sealed class RouteEntry(BgpPrefix prefix, long born) : RouteNode
{
    private readonly BgpPrefix _prefix = prefix;

    public ref readonly BgpPrefix Prefix => ref _prefix;
    public long Born { get; } = born;

    /// <summary>The version of the last change.</summary>
    public long Version { get; set; }

    /// <summary>The next of its chain: <see cref="RouteIndex"/>'s business.</summary>
    public RouteEntry? NextInBucket { get; set; }

    /// <summary>What is announced; null: it was withdrawn, and somebody has not read so yet.</summary>
    public AttributeSet? Attributes { get; set; }
}

/// <summary>Attributes of a table's routes, held once.</summary>
internal sealed class AttributeSet(PathAttributes value)
{
    public PathAttributes Value { get; } = value;

    /// <summary>How many entries have them.</summary>
    public int Users { get; set; }

    /// <summary>The encoding that gave out the numbers below: an encoder's business.</summary>
    public long Encoding { get; set; }

    public int IPv4Group { get; set; }
    public int IPv6Group { get; set; }
}

/// <summary>Where a reader stands: what is before has been read.</summary>
internal sealed class RoutePlace : RouteNode
{
    /// <summary>The version up to which all is before, and behind which nothing is; 0: at the begin.</summary>
    public long After { get; set; }
}

/// <summary>Entries by the version of their last change, and the readers' places between them. All steps but those to the next entry are O(1).</summary>
internal sealed class RouteList
{
    private readonly RoutePlace _head = new();
    private RouteNode _tail;

    public RouteList() => _tail = _head;

    /// <summary>Before all entries.</summary>
    public RoutePlace Begin => _head;

    /// <summary>The last entry or place.</summary>
    public RouteNode End => _tail;

    public void Append(RouteEntry entry) => Insert(entry, _tail);

    public void Insert(RouteNode node, RouteNode after)
    {
        (node.Previous, node.Next) = (after, after.Next);
        if (after.Next is { } next)
            next.Previous = node;
        else
            _tail = node;
        after.Next = node;
    }

    public void Remove(RouteNode node)
    {
        node.Previous!.Next = node.Next;
        if (node.Next is { } next)
            next.Previous = node.Previous;
        else
            _tail = node.Previous;
        (node.Previous, node.Next) = (null, null);
    }

    /// <summary>The last entry before an entry that is not the first one, past the places of readers.</summary>
    public static RouteEntry EntryBefore(RouteEntry entry)
    {
        var previous = entry.Previous;
        while (previous is RoutePlace)
            previous = previous.Previous;
        return (RouteEntry)previous!;
    }

    /// <summary>The first entry behind a node, past the places of readers.</summary>
    public static RouteEntry? EntryAfter(RouteNode node)
    {
        var next = node.Next;
        while (next is RoutePlace)
            next = next.Next;
        return (RouteEntry?)next;
    }
}

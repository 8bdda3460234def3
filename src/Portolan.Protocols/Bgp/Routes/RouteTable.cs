using System.Runtime.InteropServices;
using Portolan.Protocols.Bgp.Wire;

namespace Portolan.Protocols.Bgp.Routes;

/// <summary>
/// The adj-RIB-out of a class of peers that are told the same. Holds the last state of every prefix, once for all of them, and each peer's place in the
/// order of changes (<see cref="RouteReader"/>): what is not sent yet is a place, not a queue, so that a slow peer costs nothing and is only ever sent
/// the last of several changes. A change is O(1), whatever the number of routes and peers. Any number of threads.
/// </summary>
/// <remarks>
/// <code>
///        oldest change                              latest change
///  begin ── 10.0.0.1 ── 10.0.0.7 ── ▲ ── 10.0.0.3 ── (10.0.0.9 withdrawn) ── ▲▲
///                                   peer B is behind                          peers A and C are not
/// </code>
/// A prefix that changes moves to the end. One that was withdrawn is forgotten when all places are behind it.
/// </remarks>
public sealed class RouteTable
{
    // A block's array is to be written again, not collected: with the room behind, it is just under what the cache keeps. Fourteen messages of IPv4 host routes.
    private const int BlockSize = BlockCache.LargestSpare - 8 * 1024;

    private readonly Lock _gate = new();
    private readonly RouteIndex _entries = new();
    private readonly Dictionary<PathAttributes, AttributeSet> _attributes = [];
    private readonly RouteList _list = new();
    private readonly BlockCache _blocks = new();
    private readonly UpdateEncoder _encoder;
    private readonly List<RoutePlace> _places = [];
    private long _passed = long.MaxValue;
    private long _version;
    private long _given;
    private int _count;

    /// <summary>An empty table.</summary>
    public RouteTable()
        : this(BlockSize)
    {
    }

    internal RouteTable(int blockSize) => _encoder = new UpdateEncoder(blockSize);

    /// <summary>How many prefixes are announced.</summary>
    public int Count
    {
        get
        {
            lock (_gate)
                return _count;
        }
    }

    /// <summary>Another number, a greater one, after each change.</summary>
    public long Version
    {
        get
        {
            lock (_gate)
                return _version;
        }
    }

    /// <summary>How many prefixes are held, those included whose withdrawal somebody has yet to be told.</summary>
    internal int Held
    {
        get
        {
            lock (_gate)
                return _entries.Count;
        }
    }

    /// <summary>Announces a prefix, or says something else about it.</summary>
    /// <returns>Whether that is a change.</returns>
    public bool Set(BgpPrefix prefix, PathAttributes attributes)
    {
        ArgumentNullException.ThrowIfNull(attributes);
        lock (_gate)
        {
            var entry = _entries.Find(prefix);
            var before = entry?.Attributes;
            if (before is not null && before.Value.Equals(attributes))
                return false;
            if (entry is null)
                _entries.Add(entry = new RouteEntry(prefix, _version + 1));
            else
                Take(entry);
            entry.Attributes = Hold(attributes);
            if (before is null)
                _count++;
            else
                LetGo(before);
            Append(entry);
            return true;
        }
    }

    /// <summary>Withdraws a prefix.</summary>
    /// <returns>Whether it was announced.</returns>
    public bool Withdraw(BgpPrefix prefix)
    {
        lock (_gate)
        {
            if (_entries.Find(prefix) is not { Attributes: { } before } entry)
                return false;
            Take(entry);
            entry.Attributes = null;
            LetGo(before);
            _count--;
            if (_places.Count > 0 && entry.Born <= _given)
            {
                Append(entry);
                return true;
            }

            // Nobody has been told of it.
            _entries.Remove(entry);
            _version++;
            return true;
        }
    }

    /// <summary>What is announced of a prefix, or null.</summary>
    public PathAttributes? Find(BgpPrefix prefix)
    {
        lock (_gate)
            return _entries.Find(prefix)?.Attributes?.Value;
    }

    /// <summary>All that is announced, the least recently changed first.</summary>
    public Route[] ToArray()
    {
        lock (_gate)
        {
            var routes = new Route[_count];
            var i = 0;
            for (var entry = RouteList.EntryAfter(_list.Begin); entry is not null; entry = RouteList.EntryAfter(entry))
                if (entry.Attributes is { } attributes)
                    routes[i++] = new Route(entry.Prefix, attributes.Value);
            return routes;
        }
    }

    /// <summary>A place for a peer, before all routes. To be disposed of with the session.</summary>
    public RouteReader Read(EncodingTerms terms)
    {
        lock (_gate)
        {
            var reader = new RouteReader(this, terms);
            _places.Add(reader.Place);
            Begin(reader.Place);
            return reader;
        }
    }

    /// <summary>A place for a peer behind all routes: it has been told of them already, or is being told in another way. To be disposed of with the session.</summary>
    public RouteReader ReadChanges(EncodingTerms terms)
    {
        lock (_gate)
        {
            var reader = new RouteReader(this, terms);
            _places.Add(reader.Place);
            _list.Insert(reader.Place, _list.End);
            reader.Place.After = _given = _version;
            _passed = Math.Min(_passed, _version);
            reader.Reached(_version);
            return reader;
        }
    }

    /// <summary>Gives the reader its next block, and moves its place behind it.</summary>
    /// <returns>False where the reader stands at the end.</returns>
    internal bool Next(RouteReader reader)
    {
        lock (_gate)
        {
            if (RouteList.EntryAfter(reader.Place) is not { } first)
            {
                reader.Reached(_version);
                return false;
            }

            var key = reader.KeyFrom(first.Version);
            if (_blocks.Find(key) is not { } block)
            {
                block = _blocks.Take();
                _encoder.Encode(block, key, first);
                _blocks.Add(block);
            }

            block.Users++;
            var last = block.Last!;
            var isEnd = RouteList.EntryAfter(last) is null;
            var version = isEnd ? _version : block.LastVersion;
            _given = Math.Max(_given, version);
            reader.Take(block, version, isEnd);
            Move(reader.Place, last);
            return true;
        }
    }

    /// <summary>Takes back a block that the reader has copied.</summary>
    internal void Release(RouteReader reader)
    {
        lock (_gate)
            if (reader.GiveBack() is { } block)
            {
                block.Users--;
                _blocks.Release(block);
            }
    }

    /// <summary>Puts the reader before all routes again.</summary>
    internal void Restart(RouteReader reader, BgpFamilies families)
    {
        lock (_gate)
        {
            reader.Forget(families);
            _list.Remove(reader.Place);
            Begin(reader.Place);
        }
    }

    internal void Remove(RouteReader reader)
    {
        lock (_gate)
        {
            Release(reader);
            var before = reader.Place.Previous!;
            _list.Remove(reader.Place);
            _places.Remove(reader.Place);
            if (reader.Place.After == _passed)
                Settle(before);
        }
    }

    internal bool IsCaughtUp(RouteReader reader)
    {
        lock (_gate)
            return reader.Block is null && RouteList.EntryAfter(reader.Place) is null;
    }

    internal int Pending(RouteReader reader)
    {
        lock (_gate)
        {
            var count = reader.Block?.Routes ?? 0;
            for (var entry = RouteList.EntryAfter(reader.Place); entry is not null; entry = RouteList.EntryAfter(entry))
                count++;
            return count;
        }
    }

    internal bool IsSent(RouteReader reader, BgpPrefix prefix)
    {
        lock (_gate)
            return _entries.Find(prefix) is { Attributes: not null } entry && entry.Version <= reader.SentVersion;
    }

    internal bool IsPending(RouteReader reader, BgpPrefix prefix)
    {
        lock (_gate)
            return _entries.Find(prefix) is { Attributes: not null } entry && entry.Version > reader.SentVersion;
    }

    // Out of its place, to be changed: a block with it must not be given to anybody else.
    private void Take(RouteEntry entry)
    {
        _blocks.Changed(entry.Version);
        _list.Remove(entry);
    }

    private void Append(RouteEntry entry)
    {
        entry.Version = ++_version;
        _list.Append(entry);
    }

    private void Begin(RoutePlace place)
    {
        _list.Insert(place, _list.Begin);
        (place.After, _passed) = (0, 0);
    }

    private void Move(RoutePlace place, RouteEntry after)
    {
        var (before, wasOldest) = (place.Previous!, place.After == _passed);
        _list.Remove(place);
        _list.Insert(place, after);
        place.After = after.Version;
        if (wasOldest)
            Settle(before);
    }

    // One of the oldest places has left the one behind this node. What all places are behind has been read by all: what was withdrawn of that is forgotten.
    private void Settle(RouteNode from)
    {
        _passed = long.MaxValue;
        foreach (var place in _places)
            _passed = Math.Min(_passed, place.After);
        var entry = RouteList.EntryAfter(from);
        while (_entries.Count > _count && entry is not null && entry.Version <= _passed)
        {
            var next = RouteList.EntryAfter(entry);
            if (entry.Attributes is null)
            {
                _entries.Remove(entry);
                _list.Remove(entry);
            }

            entry = next;
        }

        _blocks.Passed(_passed);
    }

    private AttributeSet Hold(PathAttributes attributes)
    {
        ref var held = ref CollectionsMarshal.GetValueRefOrAddDefault(_attributes, attributes, out _);
        held ??= new AttributeSet(attributes);
        held.Users++;
        return held;
    }

    private void LetGo(AttributeSet attributes)
    {
        if (--attributes.Users == 0)
            _attributes.Remove(attributes.Value);
    }
}

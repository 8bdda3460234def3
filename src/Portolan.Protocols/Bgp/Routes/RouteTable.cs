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
    // So many bytes that 100,000 IPv4 routes are one block; so few that a peer that stops reading in the midst of one keeps no more.
    private const int BlockSize = 1024 * 1024;

    private readonly Lock _gate = new();
    private readonly Dictionary<BgpPrefix, RouteEntry> _entries = [];
    private readonly Dictionary<PathAttributes, AttributeSet> _attributes = [];
    private readonly RouteList _list = new();
    private readonly BlockCache _blocks = new();
    private readonly UpdateEncoder _encoder;
    private RoutePlace? _oldest;
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
            ref var entry = ref CollectionsMarshal.GetValueRefOrAddDefault(_entries, prefix, out _);
            var before = entry?.Attributes;
            if (before is not null && before.Value.Equals(attributes))
                return false;
            if (entry is null)
                entry = new RouteEntry(prefix, _version + 1);
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
            if (!_entries.TryGetValue(prefix, out var entry) || entry.Attributes is not { } before)
                return false;
            Take(entry);
            entry.Attributes = null;
            LetGo(before);
            _count--;
            if (_oldest is not null && entry.Born <= _given)
            {
                Append(entry);
                return true;
            }

            // Nobody has been told of it.
            _entries.Remove(prefix);
            _version++;
            return true;
        }
    }

    /// <summary>What is announced of a prefix, or null.</summary>
    public PathAttributes? Find(BgpPrefix prefix)
    {
        lock (_gate)
            return _entries.GetValueOrDefault(prefix)?.Attributes?.Value;
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
            _list.Insert(reader.Place, _list.Begin);
            _oldest = reader.Place;
            return reader;
        }
    }

    /// <summary>A place for a peer behind all routes: it has been told of them already, or is being told in another way. To be disposed of with the session.</summary>
    public RouteReader ReadChanges(EncodingTerms terms)
    {
        lock (_gate)
        {
            var reader = new RouteReader(this, terms);
            _list.Insert(reader.Place, _list.End);
            _oldest ??= reader.Place;
            _given = _version;
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
                _encoder.Encode(block, key, first, _entries.Count);
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
            _list.Insert(reader.Place, _list.Begin);
            _oldest = reader.Place;
        }
    }

    internal void Remove(RouteReader reader)
    {
        lock (_gate)
        {
            Release(reader);
            var before = reader.Place.Previous!;
            _list.Remove(reader.Place);
            if (_oldest == reader.Place)
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
            return _entries.TryGetValue(prefix, out var entry) && entry.Attributes is not null && entry.Version <= reader.SentVersion;
    }

    internal bool IsPending(RouteReader reader, BgpPrefix prefix)
    {
        lock (_gate)
            return _entries.TryGetValue(prefix, out var entry) && entry.Attributes is not null && entry.Version > reader.SentVersion;
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

    private void Move(RoutePlace place, RouteEntry after)
    {
        var before = place.Previous!;
        _list.Remove(place);
        _list.Insert(place, after);
        if (_oldest == place)
            Settle(before);
    }

    // The oldest place has left the one behind this node: what is up to the next place has been read by all. A reader that gets here reads as much itself.
    private void Settle(RouteNode from)
    {
        var node = from.Next;
        while (node is RouteEntry entry)
        {
            node = node.Next;
            if (entry.Attributes is null)
            {
                _entries.Remove(entry.Prefix);
                _list.Remove(entry);
            }
        }

        _oldest = (RoutePlace?)node;
        _blocks.Passed(_oldest is not null && RouteList.EntryAfter(_oldest) is { } next ? next.Version : long.MaxValue);
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

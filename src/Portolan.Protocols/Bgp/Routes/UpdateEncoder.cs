using System.Buffers.Binary;
using Portolan.Protocols.Bgp.Wire;

namespace Portolan.Protocols.Bgp.Routes;

/// <summary>Writes a stretch of entries as few UPDATEs: first what is withdrawn, then what is announced, packed by attributes and family.</summary>
/// <param name="size">About how many bytes a block may have: a stretch ends when it is reached.</param>
internal sealed class UpdateEncoder(int size)
{
    // What a message and its attributes take beside lists and routes: for the size only.
    private const int Overhead = 96;
    private const int End = -1;

    private readonly byte[] _attributes = new byte[AttributeEncoding.MaxSize];
    private Run[] _runs = new Run[8];
    private int _runCount;
    private Group[] _groups = new Group[4];
    private int _groupCount;
    private long _encoding;

    // Entries of a group that stand one behind the other; those of a group are a chain.
    private struct Run
    {
        public RouteEntry First;
        public int Count;
        public int Next;
    }

    private struct Group
    {
        public AttributeSet? Attributes;
        public BgpFamily Family;
        public int First;
        public int Last;
    }

    // What of a group has yet to be written.
    private struct Rest
    {
        public RouteEntry? Entry; // null: nothing
        public int Left; // of the run
        public int Next; // run
        public int Written;

        public void Begin(Run[] runs, int run) => (Entry, Left, Next) = run == End ? (null, 0, End) : (runs[run].First, runs[run].Count, runs[run].Next);
    }

    /// <summary>Fills a block.</summary>
    /// <param name="block">The block.</param>
    /// <param name="key">For whom.</param>
    /// <param name="first">The first entry.</param>
    public void Encode(UpdateBlock block, in BlockKey key, RouteEntry first)
    {
        _encoding++;
        (_runCount, _groupCount) = (0, 0);
        AddGroup(null, BgpFamily.IPv4Unicast);
        AddGroup(null, BgpFamily.IPv6Unicast);
        var last = Collect(key, first, out var expected);
        block.Begin(key, _runCount == 0 ? 0 : expected + expected / 16 + key.Shape.LongestSent);
        var (routes, groups) = (0, 0);
        (RouteEntry? Entry, int Written) message = default;
        for (var i = 0; i < _groupCount; i++)
        {
            if (_groups[i].First == End)
                continue;
            routes += Write(block, key.Shape, _groups[i], out message);
            groups++;
        }

        // A message that more would fit into waits for it, where all that comes before it is told.
        if (groups == 1 && block.Count > 1 && RouteList.EntryAfter(last) is not null)
        {
            block.RemoveMessage();
            (routes, last) = (message.Written, RouteList.EntryBefore(message.Entry!));
        }

        block.End(last, routes);

        // Neither entries nor attributes are to live on for having been written once.
        Array.Clear(_runs, 0, _runCount);
        Array.Clear(_groups, 0, _groupCount);
    }

    private RouteEntry Collect(in BlockKey key, RouteEntry first, out int expected)
    {
        // No less than the longest message, where a peer takes longer ones than others.
        var enough = Math.Max(size, key.Shape.LongestSent);
        var before = End;
        expected = 0;
        for (var entry = first; ;)
        {
            if (IsSent(key, entry))
            {
                var groups = _groupCount;
                var group = GroupOf(entry);
                if (group == before)
                    _runs[_runCount - 1].Count++;
                else
                    AddRun(group, entry);
                before = group;
                expected += entry.Prefix.WireSize;
                if (_groupCount > groups)
                    expected += Overhead + entry.Attributes!.Value.ListsSize;
            }
            else
            {
                before = End;
            }

            if (expected >= enough || RouteList.EntryAfter(entry) is not { } next)
                return entry;
            entry = next;
        }
    }

    private static bool IsSent(in BlockKey key, RouteEntry entry)
    {
        var family = entry.Prefix.Family;
        return key.Shape.NextHopSize(family) != 0
            && entry.Version > (family is BgpFamily.IPv4Unicast ? key.IPv4Taken : key.IPv6Taken)
            && (entry.Attributes is not null || entry.Born <= key.Given);
    }

    private void AddRun(int index, RouteEntry first)
    {
        if (_runCount == _runs.Length)
            Array.Resize(ref _runs, 2 * _runCount);
        ref var group = ref _groups[index];
        if (group.First == End)
            group.First = _runCount;
        else
            _runs[group.Last].Next = _runCount;
        group.Last = _runCount;
        _runs[_runCount++] = new Run { First = first, Count = 1, Next = End };
    }

    private int GroupOf(RouteEntry entry)
    {
        var family = entry.Prefix.Family;
        if (entry.Attributes is not { } attributes)
            return family is BgpFamily.IPv4Unicast ? 0 : 1;
        if (attributes.Encoding != _encoding)
            (attributes.Encoding, attributes.IPv4Group, attributes.IPv6Group) = (_encoding, End, End);
        if (family is BgpFamily.IPv4Unicast)
            return attributes.IPv4Group == End ? attributes.IPv4Group = AddGroup(attributes, family) : attributes.IPv4Group;
        return attributes.IPv6Group == End ? attributes.IPv6Group = AddGroup(attributes, family) : attributes.IPv6Group;
    }

    private int AddGroup(AttributeSet? attributes, BgpFamily family)
    {
        if (_groupCount == _groups.Length)
            Array.Resize(ref _groups, 2 * _groupCount);
        _groups[_groupCount] = new Group { Attributes = attributes, Family = family, First = End, Last = End };
        return _groupCount++;
    }

    // Also tells of the last message: its first entry, and how many come before that.
    private int Write(UpdateBlock block, in EncodingShape shape, in Group group, out (RouteEntry? Entry, int Written) last)
    {
        var isClassic = shape.IsClassic(group.Family);
        var nextHop = 0;
        ReadOnlySpan<byte> attributes = group.Attributes is null
            ? []
            : _attributes.AsSpan(0, AttributeEncoding.Write(_attributes, group.Attributes.Value, shape, isClassic, out nextHop));
        var rest = default(Rest);
        rest.Begin(_runs, group.First);
        do
        {
            last = (rest.Entry, rest.Written);
            var message = block.BeginMessage(shape.LongestSent);
            var size = (isClassic, group.Attributes) switch
            {
                (true, null) => WriteWithdrawn(message, ref rest),
                (true, _) => WriteReachable(message, attributes, ref rest),
                (false, null) => WriteMpUnreach(message, group.Family, ref rest),
                (false, _) => WriteMpReach(message, group.Family, shape.NextHopSize(group.Family), attributes, ref rest, out nextHop),
            };
            block.EndMessage(size, group.Family, isClassic && nextHop != 0 ? UpdateFrame.AttributesAt + nextHop : nextHop);
        }
        while (rest.Entry is not null);
        return rest.Written;
    }

    private int WriteWithdrawn(Span<byte> message, ref Rest rest)
    {
        var begin = UpdateFrame.WithdrawnAt + sizeof(ushort);
        var size = WritePrefixes(message[begin..^sizeof(ushort)], ref rest);
        BinaryPrimitives.WriteUInt16BigEndian(message[UpdateFrame.WithdrawnAt..], (ushort)size);
        BinaryPrimitives.WriteUInt16BigEndian(message[(begin + size)..], 0);
        return begin + size + sizeof(ushort);
    }

    private int WriteReachable(Span<byte> message, ReadOnlySpan<byte> attributes, ref Rest rest)
    {
        WriteAttributesSize(message, attributes.Length);
        attributes.CopyTo(message[UpdateFrame.AttributesAt..]);
        var begin = UpdateFrame.AttributesAt + attributes.Length;
        return begin + WritePrefixes(message[begin..], ref rest);
    }

    // RFC 4760 §4.
    private int WriteMpUnreach(Span<byte> message, BgpFamily family, ref Rest rest)
    {
        var value = LongValue(message);
        var size = UpdateFrame.WriteFamily(value, family);
        size += WritePrefixes(value[size..], ref rest);
        size += WriteValueHeader(message, AttributeEncoding.MpUnreach, size);
        WriteAttributesSize(message, size);
        return UpdateFrame.AttributesAt + size;
    }

    // RFC 4760 §3; first of the attributes, so that an error in others can be told from one in the routes (RFC 7606 §5.1).
    private int WriteMpReach(Span<byte> message, BgpFamily family, int nextHopSize, ReadOnlySpan<byte> attributes, ref Rest rest, out int nextHop)
    {
        var value = LongValue(message);
        var size = UpdateFrame.WriteFamily(value, family);
        value[size++] = (byte)nextHopSize;
        nextHop = size;
        value.Slice(size, nextHopSize).Clear();
        size += nextHopSize;
        value[size++] = 0; // reserved
        size += WritePrefixes(value[size..^attributes.Length], ref rest);
        var header = WriteValueHeader(message, AttributeEncoding.MpReach, size);
        nextHop += UpdateFrame.AttributesAt + header;
        size += header;
        attributes.CopyTo(message[(UpdateFrame.AttributesAt + size)..]);
        size += attributes.Length;
        WriteAttributesSize(message, size);
        return UpdateFrame.AttributesAt + size;
    }

    // Of an attribute that is the first, as if its length took two bytes.
    private static Span<byte> LongValue(Span<byte> message) => message[(UpdateFrame.AttributesAt + 4)..];

    private static int WriteValueHeader(Span<byte> message, byte type, int size)
    {
        var attribute = message[UpdateFrame.AttributesAt..];
        if (size <= byte.MaxValue)
            attribute.Slice(4, size).CopyTo(attribute[3..]);
        return AttributeEncoding.WriteHeader(attribute, AttributeEncoding.Optional, type, size);
    }

    private static void WriteAttributesSize(Span<byte> message, int size)
    {
        BinaryPrimitives.WriteUInt16BigEndian(message[UpdateFrame.WithdrawnAt..], 0);
        BinaryPrimitives.WriteUInt16BigEndian(message[(UpdateFrame.AttributesAt - sizeof(ushort))..], (ushort)size);
    }

    private int WritePrefixes(Span<byte> destination, ref Rest rest)
    {
        var at = 0;
        while (rest.Entry is { } entry)
        {
            ref readonly var prefix = ref entry.Prefix;
            if (prefix.WireSize > destination.Length - at)
                break;
            at += prefix.WriteTo(destination[at..]);
            rest.Written++;
            if (--rest.Left > 0)
                rest.Entry = RouteList.EntryAfter(entry);
            else
                rest.Begin(_runs, rest.Next);
        }

        return at;
    }
}

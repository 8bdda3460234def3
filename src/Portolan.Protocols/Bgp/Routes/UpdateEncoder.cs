using System.Buffers.Binary;
using Portolan.Protocols.Bgp.Wire;

namespace Portolan.Protocols.Bgp.Routes;

/// <summary>Writes a run of entries as few UPDATEs: first what is withdrawn, then what is announced, packed by attributes and family.</summary>
/// <param name="size">About how many bytes a block may have: a run ends when it is reached.</param>
internal sealed class UpdateEncoder(int size)
{
    // What a message and its attributes take beside lists and routes: for the size only.
    private const int Overhead = 96;
    private const int FewItems = 1024;
    private const int UsualSize = 5; // of a /32
    private const int End = -1;

    private readonly byte[] _attributes = new byte[AttributeEncoding.MaxSize];
    private Item[] _items = new Item[8];
    private int _itemCount;
    private Group[] _groups = new Group[4];
    private int _groupCount;
    private long _encoding;
    private int _most;

    // The entries of a group are a chain through the items.
    private struct Item
    {
        public RouteEntry Entry;
        public int Next;
    }

    private struct Group
    {
        public AttributeSet? Attributes;
        public BgpFamily Family;
        public int First;
        public int Last;
    }

    /// <summary>Fills a block.</summary>
    /// <param name="block">The block.</param>
    /// <param name="key">For whom.</param>
    /// <param name="first">The first entry.</param>
    /// <param name="most">How many entries there are at most.</param>
    public void Encode(UpdateBlock block, in BlockKey key, RouteEntry first, int most)
    {
        _most = most;
        _encoding++;
        (_itemCount, _groupCount) = (0, 0);
        AddGroup(null, BgpFamily.IPv4Unicast);
        AddGroup(null, BgpFamily.IPv6Unicast);
        var last = Collect(key, first, out var expected);
        block.Begin(key, last, _itemCount, _itemCount == 0 ? 0 : expected + expected / 16 + key.Shape.LongestSent);
        for (var i = 0; i < _groupCount; i++)
            Write(block, key.Shape, _groups[i]);

        // Neither entries nor attributes are to live on for having been written once.
        Array.Clear(_items, 0, _itemCount);
        Array.Clear(_groups, 0, _groupCount);
        if (_items.Length > FewItems)
            _items = new Item[FewItems];
        if (_groups.Length > FewItems)
            _groups = new Group[FewItems];
    }

    private RouteEntry Collect(in BlockKey key, RouteEntry first, out int expected)
    {
        expected = 0;
        var entry = first;
        while (true)
        {
            if (IsSent(key, entry))
            {
                var groups = _groupCount;
                Add(entry);
                expected += entry.Prefix.WireSize;
                if (_groupCount > groups)
                    expected += Overhead + entry.Attributes!.Value.ListsSize;
            }

            if (expected >= size || RouteList.EntryAfter(entry) is not { } next)
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

    private void Add(RouteEntry entry)
    {
        if (_itemCount == _items.Length)
            Array.Resize(ref _items, _itemCount < FewItems ? 2 * _itemCount : Math.Max(2 * _itemCount, Math.Min(_most, size / UsualSize)));
        var index = GroupOf(entry); // may move the groups
        ref var group = ref _groups[index];
        if (group.First == End)
            group.First = _itemCount;
        else
            _items[group.Last].Next = _itemCount;
        group.Last = _itemCount;
        _items[_itemCount++] = new Item { Entry = entry, Next = End };
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

    private void Write(UpdateBlock block, in EncodingShape shape, in Group group)
    {
        var isClassic = shape.IsClassic(group.Family);
        var nextHop = 0;
        ReadOnlySpan<byte> attributes = group.Attributes is null || group.First == End
            ? []
            : _attributes.AsSpan(0, AttributeEncoding.Write(_attributes, group.Attributes.Value, shape, isClassic, out nextHop));
        for (var item = group.First; item != End;)
        {
            var message = block.BeginMessage(shape.LongestSent);
            var size = (isClassic, group.Attributes) switch
            {
                (true, null) => WriteWithdrawn(message, ref item),
                (true, _) => WriteReachable(message, attributes, ref item),
                (false, null) => WriteMpUnreach(message, group.Family, ref item),
                (false, _) => WriteMpReach(message, group.Family, shape.NextHopSize(group.Family), attributes, ref item, out nextHop),
            };
            block.EndMessage(size, group.Family, isClassic && nextHop != 0 ? UpdateFrame.AttributesAt + nextHop : nextHop);
        }
    }

    private int WriteWithdrawn(Span<byte> message, ref int item)
    {
        var begin = UpdateFrame.WithdrawnAt + sizeof(ushort);
        var size = WritePrefixes(message[begin..^sizeof(ushort)], ref item);
        BinaryPrimitives.WriteUInt16BigEndian(message[UpdateFrame.WithdrawnAt..], (ushort)size);
        BinaryPrimitives.WriteUInt16BigEndian(message[(begin + size)..], 0);
        return begin + size + sizeof(ushort);
    }

    private int WriteReachable(Span<byte> message, ReadOnlySpan<byte> attributes, ref int item)
    {
        WriteAttributesSize(message, attributes.Length);
        attributes.CopyTo(message[UpdateFrame.AttributesAt..]);
        var begin = UpdateFrame.AttributesAt + attributes.Length;
        return begin + WritePrefixes(message[begin..], ref item);
    }

    // RFC 4760 §4.
    private int WriteMpUnreach(Span<byte> message, BgpFamily family, ref int item)
    {
        var value = LongValue(message);
        var size = UpdateFrame.WriteFamily(value, family);
        size += WritePrefixes(value[size..], ref item);
        size += WriteValueHeader(message, AttributeEncoding.MpUnreach, size);
        WriteAttributesSize(message, size);
        return UpdateFrame.AttributesAt + size;
    }

    // RFC 4760 §3; first of the attributes, so that an error in others can be told from one in the routes (RFC 7606 §5.1).
    private int WriteMpReach(Span<byte> message, BgpFamily family, int nextHopSize, ReadOnlySpan<byte> attributes, ref int item, out int nextHop)
    {
        var value = LongValue(message);
        var size = UpdateFrame.WriteFamily(value, family);
        value[size++] = (byte)nextHopSize;
        nextHop = size;
        value.Slice(size, nextHopSize).Clear();
        size += nextHopSize;
        value[size++] = 0; // reserved
        size += WritePrefixes(value[size..^attributes.Length], ref item);
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

    private int WritePrefixes(Span<byte> destination, ref int item)
    {
        var at = 0;
        for (; item != End; item = _items[item].Next)
        {
            var prefix = _items[item].Entry.Prefix;
            if (prefix.WireSize > destination.Length - at)
                break;
            at += prefix.WriteTo(destination[at..]);
        }

        return at;
    }
}

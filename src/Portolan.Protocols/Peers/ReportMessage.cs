using System.Buffers.Binary;

namespace Portolan.Protocols.Peers;

/// <summary>What an entry of a <see cref="ReportMessage"/> is.</summary>
public enum ReportEntryType : byte
{
    /// <summary>A Service that the node's proxy has not programmed: 8 bytes, the digest of its name.</summary>
    Unprogrammed = 1,

    /// <summary>A policy under which the node is held back: its name in UTF-8, 1..253 bytes.</summary>
    HeldBack = 2,

    /// <summary>An address that nobody announces any more because somebody else claims it: 4 or 16 bytes.</summary>
    Yielded = 3,
}

/// <summary>An entry of a <see cref="ReportMessage"/>: <c>| type (1) | length (1) | value |</c>.</summary>
/// <param name="type">What it is.</param>
/// <param name="value">The value.</param>
public readonly ref struct ReportEntry(ReportEntryType type, ReadOnlySpan<byte> value)
{
    /// <summary>What it is; types that are not known are passed over.</summary>
    public ReportEntryType Type { get; } = type;

    /// <summary>The value; of the types that are known it has a length that they allow.</summary>
    public ReadOnlySpan<byte> Value { get; } = value;
}

/// <summary>
/// What a speaker says of its own node, or a part of it: the payload of a <see cref="PeerItemType.Report"/> record.
/// <code>| parts (1) | conditions (2) | standing (8) | entry … |</code>
/// Of several parts (0 and up, by the item's part) the entries count together; the rest is in each.
/// </summary>
public ref struct ReportMessage
{
    /// <summary>The most parts of a report.</summary>
    public const int MaxParts = 8;

    /// <summary>Bytes before the first entry.</summary>
    public const int HeaderSize = 11;

    private ReadOnlySpan<byte> _rest;

    private ReportMessage(byte parts, ushort conditions, long standing, ReadOnlySpan<byte> entries)
    {
        (Parts, Conditions, Standing) = (parts, conditions, standing);
        _rest = entries;
        Current = default;
    }

    /// <summary>How many parts the report has: 1..<see cref="MaxParts"/>.</summary>
    public byte Parts { get; }

    /// <summary>The node's conditions, a bit each.</summary>
    public ushort Conditions { get; }

    /// <summary>When the report last changed, milliseconds since 1970: negated where things only got better; 0: unknown.</summary>
    public long Standing { get; }

    /// <summary>The present entry.</summary>
    public ReportEntry Current { get; private set; }

    /// <summary>For <c>foreach</c>.</summary>
    public readonly ReportMessage GetEnumerator() => this;

    /// <summary>Goes on to the next entry.</summary>
    public bool MoveNext()
    {
        if (_rest.IsEmpty)
            return false;
        Current = new ReportEntry((ReportEntryType)_rest[0], _rest.Slice(2, _rest[1]));
        _rest = _rest[(2 + _rest[1])..];
        return true;
    }

    /// <summary>Reads a record's payload.</summary>
    public static bool TryParse(ReadOnlySpan<byte> payload, out ReportMessage message)
    {
        message = default;
        if (payload.Length < HeaderSize || payload[0] is 0 or > MaxParts)
            return false;
        var entries = payload[HeaderSize..];
        for (var rest = entries; !rest.IsEmpty; rest = rest[(2 + rest[1])..])
            if (rest.Length < 2 || rest.Length < 2 + rest[1] || !Allows((ReportEntryType)rest[0], rest[1]))
                return false;
        message = new ReportMessage(payload[0], BinaryPrimitives.ReadUInt16BigEndian(payload[1..]), BinaryPrimitives.ReadInt64BigEndian(payload[3..]), entries);
        return true;
    }

    /// <summary>Writes the <see cref="HeaderSize"/> bytes before the entries.</summary>
    public static void WriteHeader(Span<byte> destination, byte parts, ushort conditions, long standing)
    {
        destination[0] = parts;
        BinaryPrimitives.WriteUInt16BigEndian(destination[1..], conditions);
        BinaryPrimitives.WriteInt64BigEndian(destination[3..], standing);
    }

    /// <summary>Writes an entry.</summary>
    /// <param name="destination">Where to.</param>
    /// <param name="type">What it is.</param>
    /// <param name="value">The value, of a length that the type allows.</param>
    /// <param name="size">How many bytes.</param>
    /// <returns>False when there is no room for it.</returns>
    public static bool TryWriteEntry(Span<byte> destination, ReportEntryType type, ReadOnlySpan<byte> value, out int size)
    {
        size = 2 + value.Length;
        if (destination.Length < size || value.Length > byte.MaxValue)
            return false;
        destination[0] = (byte)type;
        destination[1] = (byte)value.Length;
        value.CopyTo(destination[2..]);
        return true;
    }

    private static bool Allows(ReportEntryType type, byte length) => type switch
    {
        ReportEntryType.Unprogrammed => length == 8,
        ReportEntryType.HeldBack => length is > 0 and <= 253,
        ReportEntryType.Yielded => length is 4 or 16,
        _ => true,
    };
}

using System.Buffers.Binary;

namespace Portolan.Protocols.Peers;

/// <summary>
/// What one speaker tells all others, whoever hands it on: the body of an item from <see cref="PeerItemType.Verdicts"/> on.
/// <code>| origin (8) | incarnation (8) | sequence (8) | payload |</code>
/// Of one origin, type and part the record with the highest incarnation counts, among those the one with the highest sequence.
/// An incarnation is the wall clock at the origin's start, in microseconds; an origin that learns that others remember a higher one of itself goes beyond it.
/// </summary>
public readonly ref struct PeerRecord
{
    /// <summary>Bytes before the payload.</summary>
    public const int HeaderSize = 24;

    /// <summary>The longest payload in bytes: a record fits a datagram of its own.</summary>
    public const int MaxPayloadSize = PeerDatagram.MaxItemsSize - PeerItems.HeaderSize - HeaderSize;

    private PeerRecord(ulong origin, ulong incarnation, ulong sequence, ReadOnlySpan<byte> payload)
    {
        (Origin, Incarnation, Sequence) = (origin, incarnation, sequence);
        Payload = payload;
    }

    /// <summary>The node whose speaker says it.</summary>
    public ulong Origin { get; }

    /// <summary>The origin's life.</summary>
    public ulong Incarnation { get; }

    /// <summary>The record's number in that life.</summary>
    public ulong Sequence { get; }

    /// <summary>What is said.</summary>
    public ReadOnlySpan<byte> Payload { get; }

    /// <summary>Reads an item's body.</summary>
    public static bool TryParse(ReadOnlySpan<byte> body, out PeerRecord record)
    {
        record = default;
        if (body.Length is < HeaderSize or > HeaderSize + MaxPayloadSize)
            return false;
        record = new PeerRecord(
            BinaryPrimitives.ReadUInt64BigEndian(body),
            BinaryPrimitives.ReadUInt64BigEndian(body[8..]),
            BinaryPrimitives.ReadUInt64BigEndian(body[16..]),
            body[HeaderSize..]);
        return true;
    }

    /// <summary>Writes the <see cref="HeaderSize"/> bytes before a payload.</summary>
    public static void WriteHeader(Span<byte> destination, ulong origin, ulong incarnation, ulong sequence)
    {
        BinaryPrimitives.WriteUInt64BigEndian(destination, origin);
        BinaryPrimitives.WriteUInt64BigEndian(destination[8..], incarnation);
        BinaryPrimitives.WriteUInt64BigEndian(destination[16..], sequence);
    }
}

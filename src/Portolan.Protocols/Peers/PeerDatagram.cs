using System.Buffers.Binary;

namespace Portolan.Protocols.Peers;

/// <summary>
/// A datagram between two speakers: who sends it to whom, which of his it is, and items.
/// <code>
/// | version 1 | flags | 0 (2) | sender (8) | receiver (8) | boot (8) | sequence (8) | item … | tag (16, if flags has 1) |
/// </code>
/// Nodes are named as <see cref="PeerNode"/> does. A boot is a random number that a speaker takes when it starts; the sequence counts its datagrams.
/// The tag is over all bytes before it. The receiver is named so that nobody can show a datagram to another node than it was meant for.
/// </summary>
public readonly ref struct PeerDatagram
{
    /// <summary>The longest datagram in bytes: it fits an Ethernet frame with room for a tunnel's headers.</summary>
    public const int MaxSize = 1400;

    /// <summary>Bytes before the first item.</summary>
    public const int HeaderSize = 36;

    /// <summary>Bytes for items, at most.</summary>
    public const int MaxItemsSize = MaxSize - HeaderSize - PeerKey.TagSize;

    internal const byte Version = 1;
    internal const byte Authenticated = 1;

    private PeerDatagram(ReadOnlySpan<byte> bytes, int tagSize)
    {
        Sender = BinaryPrimitives.ReadUInt64BigEndian(bytes[4..]);
        Receiver = BinaryPrimitives.ReadUInt64BigEndian(bytes[12..]);
        Boot = BinaryPrimitives.ReadUInt64BigEndian(bytes[20..]);
        Sequence = BinaryPrimitives.ReadUInt64BigEndian(bytes[28..]);
        Items = new PeerItems(bytes[HeaderSize..^tagSize]);
    }

    /// <summary>The node that sent it.</summary>
    public ulong Sender { get; }

    /// <summary>The node that it is meant for.</summary>
    public ulong Receiver { get; }

    /// <summary>The sender's present life.</summary>
    public ulong Boot { get; }

    /// <summary>Its number among the sender's.</summary>
    public ulong Sequence { get; }

    /// <summary>What is in it.</summary>
    public PeerItems Items { get; }

    /// <summary>Reads a UDP payload.</summary>
    /// <param name="bytes">The payload.</param>
    /// <param name="key">The key it must be signed with; null: it must not be signed.</param>
    /// <param name="datagram">What was read; it refers to <paramref name="bytes"/>.</param>
    public static PeerRejection TryParse(ReadOnlySpan<byte> bytes, PeerKey? key, out PeerDatagram datagram)
    {
        datagram = default;
        var tagSize = key is null ? 0 : PeerKey.TagSize;
        if (bytes.Length < HeaderSize)
            return PeerRejection.TooShort;
        if (bytes.Length > MaxSize)
            return PeerRejection.TooLong;
        if (bytes[0] != Version || (bytes[1] & ~Authenticated) != 0 || bytes[2] != 0 || bytes[3] != 0)
            return PeerRejection.WrongVersion;
        var isAuthenticated = (bytes[1] & Authenticated) != 0;
        if (key is null && isAuthenticated)
            return PeerRejection.UnexpectedAuthentication;
        if (key is not null && !isAuthenticated)
            return PeerRejection.MissingAuthentication;
        if (bytes.Length < HeaderSize + tagSize)
            return PeerRejection.TooShort;
        if (key is not null && !key.Verify(bytes[..^tagSize], bytes[^tagSize..]))
            return PeerRejection.BadTag;
        if (!PeerItems.AreWhole(bytes[HeaderSize..^tagSize]))
            return PeerRejection.BadItem;
        datagram = new PeerDatagram(bytes, tagSize);
        return PeerRejection.None;
    }
}

/// <summary>Writes a <see cref="PeerDatagram"/>, item by item.</summary>
public ref struct PeerDatagramWriter
{
    private readonly Span<byte> _buffer;

    /// <param name="buffer">At least <see cref="PeerDatagram.MaxSize"/> bytes.</param>
    public PeerDatagramWriter(Span<byte> buffer)
    {
        _buffer = buffer[..PeerDatagram.MaxSize];
        Size = PeerDatagram.HeaderSize;
    }

    /// <summary>Bytes written, the header's among them.</summary>
    public int Size { get; private set; }

    /// <summary>Whether there is no item in it.</summary>
    public readonly bool IsEmpty => Size == PeerDatagram.HeaderSize;

    /// <summary>Adds an item.</summary>
    /// <returns>False when there is no room for it any more.</returns>
    public bool TryAdd(PeerItemType type, byte part, scoped ReadOnlySpan<byte> body)
    {
        if (body.Length > PeerDatagram.MaxSize - PeerKey.TagSize - PeerItems.HeaderSize - Size)
            return false;
        _buffer[Size] = (byte)type;
        _buffer[Size + 1] = part;
        BinaryPrimitives.WriteUInt16BigEndian(_buffer[(Size + 2)..], (ushort)body.Length);
        body.CopyTo(_buffer[(Size + PeerItems.HeaderSize)..]);
        Size += PeerItems.HeaderSize + body.Length;
        return true;
    }

    /// <summary>Writes the header and the tag.</summary>
    /// <returns>The datagram's length in bytes.</returns>
    public readonly int Seal(ulong sender, ulong receiver, ulong boot, ulong sequence, PeerKey? key)
    {
        _buffer[0] = PeerDatagram.Version;
        _buffer[1] = key is null ? (byte)0 : PeerDatagram.Authenticated;
        _buffer[2] = _buffer[3] = 0;
        BinaryPrimitives.WriteUInt64BigEndian(_buffer[4..], sender);
        BinaryPrimitives.WriteUInt64BigEndian(_buffer[12..], receiver);
        BinaryPrimitives.WriteUInt64BigEndian(_buffer[20..], boot);
        BinaryPrimitives.WriteUInt64BigEndian(_buffer[28..], sequence);
        if (key is null)
            return Size;
        key.Sign(_buffer[..Size], _buffer[Size..]);
        return Size + PeerKey.TagSize;
    }
}

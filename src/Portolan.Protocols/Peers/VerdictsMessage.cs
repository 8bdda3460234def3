using System.Buffers.Binary;

namespace Portolan.Protocols.Peers;

/// <summary>What a speaker says of a node: <c>| node (8) | bit 7: dead; bits 0–1: 1 up, 2 down, 3 stopped |</c>.</summary>
/// <param name="Node">The node, as <see cref="PeerNode"/> names it.</param>
/// <param name="Sight">1: its session with it is up; 2: down; 3: it said goodbye.</param>
/// <param name="IsDead">Whether it has concluded that the node is dead.</param>
public readonly record struct PeerVerdict(ulong Node, byte Sight, bool IsDead);

/// <summary>
/// Which nodes a speaker sees: the payload of a <see cref="PeerItemType.Verdicts"/> record.
/// <code>| flags: 1 ready | (node (8), sight (1)) … |</code>
/// Ready means that the speaker knows enough to announce, so that others may count on it. Of a node that is not listed it has heard nothing.
/// </summary>
public ref struct VerdictsMessage
{
    /// <summary>The most nodes in one message.</summary>
    public const int MaxCount = (PeerRecord.MaxPayloadSize - 1) / EntrySize;

    private const int EntrySize = 9;
    private const byte Ready = 1;
    private const byte Dead = 0x80;
    private ReadOnlySpan<byte> _rest;

    private VerdictsMessage(bool isReady, ReadOnlySpan<byte> entries)
    {
        IsReady = isReady;
        _rest = entries;
        Current = default;
    }

    /// <summary>Whether the speaker can announce.</summary>
    public bool IsReady { get; }

    /// <summary>The present verdict.</summary>
    public PeerVerdict Current { get; private set; }

    /// <summary>For <c>foreach</c>.</summary>
    public readonly VerdictsMessage GetEnumerator() => this;

    /// <summary>Goes on to the next verdict.</summary>
    public bool MoveNext()
    {
        if (_rest.IsEmpty)
            return false;
        Current = new PeerVerdict(BinaryPrimitives.ReadUInt64BigEndian(_rest), (byte)(_rest[8] & 3), (_rest[8] & Dead) != 0);
        _rest = _rest[EntrySize..];
        return true;
    }

    /// <summary>Reads a record's payload.</summary>
    public static bool TryParse(ReadOnlySpan<byte> payload, out VerdictsMessage message)
    {
        message = default;
        if (payload.IsEmpty || (payload[0] & ~Ready) != 0 || (payload.Length - 1) % EntrySize != 0)
            return false;
        for (var i = 9; i < payload.Length; i += EntrySize)
            if ((payload[i] & ~(Dead | 3)) != 0 || (payload[i] & 3) == 0)
                return false;
        message = new VerdictsMessage(payload[0] == Ready, payload[1..]);
        return true;
    }

    /// <summary>Writes a record's payload.</summary>
    /// <param name="destination">At least <see cref="PeerRecord.MaxPayloadSize"/> bytes.</param>
    /// <param name="isReady">Whether the speaker can announce.</param>
    /// <param name="verdicts">At most <see cref="MaxCount"/> are written.</param>
    /// <returns>How many bytes.</returns>
    public static int Write(Span<byte> destination, bool isReady, ReadOnlySpan<PeerVerdict> verdicts)
    {
        destination[0] = isReady ? Ready : (byte)0;
        var size = 1;
        foreach (var verdict in verdicts[..Math.Min(verdicts.Length, MaxCount)])
        {
            BinaryPrimitives.WriteUInt64BigEndian(destination[size..], verdict.Node);
            destination[size + 8] = (byte)(verdict.Sight & 3 | (verdict.IsDead ? Dead : 0));
            size += EntrySize;
        }

        return size;
    }
}

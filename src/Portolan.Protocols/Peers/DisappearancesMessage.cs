using System.Buffers.Binary;

namespace Portolan.Protocols.Peers;

/// <summary>
/// How often a speaker saw nodes go away without a goodbye within the hour: the payload of a <see cref="PeerItemType.Disappearances"/> record.
/// <code>| (node (8), count (1)) … |</code>
/// A node that comes back learns from it how restless it has been: it has forgotten, and others have not.
/// </summary>
public ref struct DisappearancesMessage
{
    /// <summary>The most nodes in one message.</summary>
    public const int MaxCount = PeerRecord.MaxPayloadSize / EntrySize;

    private const int EntrySize = 9;
    private ReadOnlySpan<byte> _rest;

    private DisappearancesMessage(ReadOnlySpan<byte> entries)
    {
        _rest = entries;
        Current = default;
    }

    /// <summary>The present entry: a node and how often it went, not zero.</summary>
    public (ulong Node, byte Count) Current { get; private set; }

    /// <summary>For <c>foreach</c>.</summary>
    public readonly DisappearancesMessage GetEnumerator() => this;

    /// <summary>Goes on to the next entry.</summary>
    public bool MoveNext()
    {
        if (_rest.IsEmpty)
            return false;
        Current = (BinaryPrimitives.ReadUInt64BigEndian(_rest), _rest[8]);
        _rest = _rest[EntrySize..];
        return true;
    }

    /// <summary>Reads a record's payload.</summary>
    public static bool TryParse(ReadOnlySpan<byte> payload, out DisappearancesMessage message)
    {
        message = default;
        if (payload.Length % EntrySize != 0)
            return false;
        for (var i = 8; i < payload.Length; i += EntrySize)
            if (payload[i] == 0)
                return false;
        message = new DisappearancesMessage(payload);
        return true;
    }

    /// <summary>Writes a record's payload.</summary>
    /// <param name="destination">At least <see cref="PeerRecord.MaxPayloadSize"/> bytes.</param>
    /// <param name="disappearances">At most <see cref="MaxCount"/> are written.</param>
    /// <returns>How many bytes.</returns>
    public static int Write(Span<byte> destination, ReadOnlySpan<(ulong Node, byte Count)> disappearances)
    {
        var size = 0;
        foreach (var (node, count) in disappearances[..Math.Min(disappearances.Length, MaxCount)])
        {
            BinaryPrimitives.WriteUInt64BigEndian(destination[size..], node);
            destination[size + 8] = count;
            size += EntrySize;
        }

        return size;
    }
}

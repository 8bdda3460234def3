using System.Buffers.Binary;

namespace Portolan.Protocols.Peers;

/// <summary>What an item is. From <see cref="Verdicts"/> on they are records (<see cref="PeerRecord"/>), passed on from node to node.</summary>
public enum PeerItemType : byte
{
    /// <summary>Asks the receiver to show that it speaks in the present: <see cref="PeerChallenge"/>.</summary>
    Challenge = 1,

    /// <summary>Shows it: <see cref="PeerAnswer"/>.</summary>
    Answer = 2,

    /// <summary>What the sender holds, in short: <see cref="PeerDigest"/>.</summary>
    Digest = 3,

    /// <summary>Which nodes a speaker sees: <see cref="VerdictsMessage"/>.</summary>
    Verdicts = 16,

    /// <summary>What a speaker says of its own node: <see cref="ReportMessage"/>.</summary>
    Report = 17,

    /// <summary>How often nodes went away: <see cref="DisappearancesMessage"/>.</summary>
    Disappearances = 18,

    /// <summary>What a speaker found when it asked for an announced address as a client would.</summary>
    QueryResults = 19,

    /// <summary>Which clients asked for an address.</summary>
    Askers = 20,
}

/// <summary>A piece of a datagram: <c>| type (1) | part (1) | length (2) | body |</c>.</summary>
/// <param name="type">What it is.</param>
/// <param name="part">Which of several of its type.</param>
/// <param name="body">The rest.</param>
public readonly ref struct PeerItem(PeerItemType type, byte part, ReadOnlySpan<byte> body)
{
    /// <summary>What it is; types that are not known are passed over.</summary>
    public PeerItemType Type { get; } = type;

    /// <summary>Which of several of its type.</summary>
    public byte Part { get; } = part;

    /// <summary>The rest.</summary>
    public ReadOnlySpan<byte> Body { get; } = body;

    /// <summary>Whether it is a record.</summary>
    public bool IsRecord => Type >= PeerItemType.Verdicts;
}

/// <summary>The items of a datagram, one after another.</summary>
public ref struct PeerItems
{
    internal const int HeaderSize = 4;

    private ReadOnlySpan<byte> _rest;

    internal PeerItems(ReadOnlySpan<byte> bytes)
    {
        _rest = bytes;
        Current = default;
    }

    /// <summary>The present item.</summary>
    public PeerItem Current { get; private set; }

    /// <summary>For <c>foreach</c>.</summary>
    public readonly PeerItems GetEnumerator() => this;

    /// <summary>Goes on to the next item.</summary>
    public bool MoveNext()
    {
        if (_rest.IsEmpty)
            return false;
        var end = HeaderSize + BinaryPrimitives.ReadUInt16BigEndian(_rest[2..]);
        Current = new PeerItem((PeerItemType)_rest[0], _rest[1], _rest[HeaderSize..end]);
        _rest = _rest[end..];
        return true;
    }

    internal static bool AreWhole(ReadOnlySpan<byte> bytes)
    {
        while (!bytes.IsEmpty)
        {
            if (bytes.Length < HeaderSize)
                return false;
            var end = HeaderSize + BinaryPrimitives.ReadUInt16BigEndian(bytes[2..]);
            if (bytes.Length < end)
                return false;
            bytes = bytes[end..];
        }

        return true;
    }
}

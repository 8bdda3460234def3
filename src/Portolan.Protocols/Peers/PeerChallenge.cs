using System.Buffers.Binary;

namespace Portolan.Protocols.Peers;

/// <summary>Asks a node for a sign that its datagrams are of the present: <c>| nonce (8) | incarnation (8) |</c>.</summary>
/// <param name="Nonce">A random number that the answer must carry.</param>
/// <param name="Incarnation">The highest incarnation of the receiver that the sender remembers, or zero.</param>
public readonly record struct PeerChallenge(ulong Nonce, ulong Incarnation)
{
    /// <summary>Bytes on the wire.</summary>
    public const int Size = 16;

    /// <summary>Reads an item's body.</summary>
    public static bool TryParse(ReadOnlySpan<byte> body, out PeerChallenge challenge)
    {
        challenge = default;
        if (body.Length != Size)
            return false;
        challenge = new PeerChallenge(BinaryPrimitives.ReadUInt64BigEndian(body), BinaryPrimitives.ReadUInt64BigEndian(body[8..]));
        return true;
    }

    /// <summary>Writes exactly <see cref="Size"/> bytes.</summary>
    public void WriteTo(Span<byte> destination)
    {
        BinaryPrimitives.WriteUInt64BigEndian(destination, Nonce);
        BinaryPrimitives.WriteUInt64BigEndian(destination[8..], Incarnation);
    }
}

/// <summary>Answers a <see cref="PeerChallenge"/>: <c>| nonce (8) |</c>.</summary>
/// <param name="Nonce">The challenge's.</param>
public readonly record struct PeerAnswer(ulong Nonce)
{
    /// <summary>Bytes on the wire.</summary>
    public const int Size = 8;

    /// <summary>Reads an item's body.</summary>
    public static bool TryParse(ReadOnlySpan<byte> body, out PeerAnswer answer)
    {
        answer = body.Length == Size ? new PeerAnswer(BinaryPrimitives.ReadUInt64BigEndian(body)) : default;
        return body.Length == Size;
    }

    /// <summary>Writes exactly <see cref="Size"/> bytes.</summary>
    public void WriteTo(Span<byte> destination) => BinaryPrimitives.WriteUInt64BigEndian(destination, Nonce);
}

using System.Buffers.Binary;
using System.Security.Cryptography;
using System.Text;

namespace Portolan.Protocols.Peers;

/// <summary>The key that signs what speakers tell each other: HMAC-SHA256 (RFC 2104), cut to <see cref="TagSize"/> bytes.</summary>
public sealed class PeerKey
{
    /// <summary>Bytes of a tag.</summary>
    public const int TagSize = 16;

    private readonly byte[] _key;

    private PeerKey(byte[] key) => _key = key;

    /// <summary>
    /// The key that a secret of any length gives: a digest of it, bound to this use, so that what this protocol shows of it
    /// helps nobody with another use of the same secret.
    /// </summary>
    public static PeerKey Derive(ReadOnlySpan<byte> sharedSecret) => new(HMACSHA256.HashData(sharedSecret, Encoding.ASCII.GetBytes("portolan peers")));

    /// <summary>Writes the tag of some bytes.</summary>
    internal void Sign(ReadOnlySpan<byte> bytes, Span<byte> tag)
    {
        Span<byte> digest = stackalloc byte[HMACSHA256.HashSizeInBytes];
        HMACSHA256.HashData(_key, bytes, digest);
        digest[..TagSize].CopyTo(tag);
    }

    /// <summary>Whether this is the tag of the bytes.</summary>
    internal bool Verify(ReadOnlySpan<byte> bytes, ReadOnlySpan<byte> tag)
    {
        Span<byte> expected = stackalloc byte[TagSize];
        Sign(bytes, expected);
        return CryptographicOperations.FixedTimeEquals(expected, tag);
    }
}

/// <summary>A node's name in 8 bytes.</summary>
public static class PeerNode
{
    /// <summary>The first 8 bytes of the SHA-256 of the name, most significant first.</summary>
    public static ulong IdOf(string name)
    {
        Span<byte> digest = stackalloc byte[SHA256.HashSizeInBytes];
        SHA256.HashData(Encoding.UTF8.GetBytes(name), digest);
        return BinaryPrimitives.ReadUInt64BigEndian(digest);
    }
}

using System.Buffers.Binary;
using System.Diagnostics.CodeAnalysis;
using System.Security.Cryptography;
using System.Text;

namespace Portolan.Protocols.Bfd;

/// <summary>
/// A shared secret and how it signs: keyed or meticulous keyed SHA1 (RFC 5880 §4.4, §6.7.4). The authentication section has 28 bytes:
/// <code>| type 4/5 | length 28 | key id | 0 | sequence number (4) | digest (20) |</code>
/// </summary>
[SuppressMessage("Security", "CA5350", Justification = "RFC 5880 knows no stronger digest; the wire format is fixed.")]
public sealed class BfdKey : IEquatable<BfdKey>
{
    /// <summary>Bytes of the authentication section.</summary>
    public const int SectionSize = 28;

    /// <summary>The longest key in bytes: it takes the digest's place while the packet is hashed.</summary>
    public const int MaxSecretSize = 20;

    private const byte KeyedSha1 = 4;
    private const byte MeticulousSha1 = 5;
    private const int DigestOffset = BfdPacket.Size + 8;

    private readonly byte[] _secret = new byte[MaxSecretSize];

    /// <param name="id">The key's number, the same on both sides.</param>
    /// <param name="secret">1..20 bytes.</param>
    /// <param name="meticulous">Whether each packet has a new sequence number: nothing can be replayed.</param>
    /// <exception cref="ArgumentOutOfRangeException">The secret is empty or longer than 20 bytes.</exception>
    public BfdKey(byte id, ReadOnlySpan<byte> secret, bool meticulous = true)
    {
        ArgumentOutOfRangeException.ThrowIfZero(secret.Length, nameof(secret));
        ArgumentOutOfRangeException.ThrowIfGreaterThan(secret.Length, MaxSecretSize, nameof(secret));
        (Id, IsMeticulous) = (id, meticulous);
        secret.CopyTo(_secret);
    }

    /// <summary>The secret, filled up with zeros to <see cref="MaxSecretSize"/> bytes as it is hashed (RFC 5880 §6.7.4): for the process that signs.</summary>
    public ReadOnlySpan<byte> Secret => _secret;

    /// <summary>The key's number.</summary>
    public byte Id { get; }

    /// <summary>Whether each packet has a new sequence number.</summary>
    public bool IsMeticulous { get; }

    /// <summary>
    /// The key that a secret of any length gives: a digest of it, bound to this use, so that what this protocol shows of it
    /// helps nobody with another use of the same secret.
    /// </summary>
    public static BfdKey Derive(byte id, ReadOnlySpan<byte> sharedSecret, bool meticulous = true)
    {
        Span<byte> digest = stackalloc byte[HMACSHA256.HashSizeInBytes];
        HMACSHA256.HashData(sharedSecret, Encoding.ASCII.GetBytes("portolan bfd"), digest);
        return new BfdKey(id, digest[..MaxSecretSize], meticulous);
    }

    /// <inheritdoc/>
    public bool Equals(BfdKey? other) =>
        other is not null && Id == other.Id && IsMeticulous == other.IsMeticulous && CryptographicOperations.FixedTimeEquals(_secret, other._secret);

    /// <inheritdoc/>
    public override bool Equals(object? obj) => Equals(obj as BfdKey);

    /// <inheritdoc/>
    public override int GetHashCode() => HashCode.Combine(Id, IsMeticulous);

    /// <summary>Writes the section behind a mandatory section that already carries the final length and flags.</summary>
    /// <param name="packet">52 bytes, the first 24 of them written.</param>
    /// <param name="sequence">The sequence number.</param>
    internal void Sign(Span<byte> packet, uint sequence)
    {
        var section = packet[BfdPacket.Size..];
        section[0] = IsMeticulous ? MeticulousSha1 : KeyedSha1;
        section[1] = SectionSize;
        section[2] = Id;
        section[3] = 0;
        BinaryPrimitives.WriteUInt32BigEndian(section[4..], sequence);
        _secret.CopyTo(packet[DigestOffset..]);
        Span<byte> digest = stackalloc byte[SHA1.HashSizeInBytes];
        SHA1.HashData(packet[..(BfdPacket.Size + SectionSize)], digest);
        digest.CopyTo(packet[DigestOffset..]);
    }

    /// <summary>Whether the section is of this kind and key; its sequence number then. The digest is not looked at.</summary>
    internal bool TryReadSequence(ReadOnlySpan<byte> packet, out uint sequence)
    {
        sequence = 0;
        if (packet.Length < BfdPacket.Size + SectionSize)
            return false;
        var section = packet[BfdPacket.Size..];
        if (section[0] != (IsMeticulous ? MeticulousSha1 : KeyedSha1) || section[1] != SectionSize || section[2] != Id)
            return false;
        sequence = BinaryPrimitives.ReadUInt32BigEndian(section[4..]);
        return true;
    }

    /// <summary>Whether the digest of a whole control packet (its length field long) is this key's.</summary>
    internal bool Verify(ReadOnlySpan<byte> packet)
    {
        Span<byte> copy = stackalloc byte[BfdPacket.MaxSize];
        copy = copy[..packet.Length];
        packet.CopyTo(copy);
        _secret.CopyTo(copy[DigestOffset..]);
        Span<byte> digest = stackalloc byte[SHA1.HashSizeInBytes];
        SHA1.HashData(copy, digest);
        return CryptographicOperations.FixedTimeEquals(digest, packet.Slice(DigestOffset, SHA1.HashSizeInBytes));
    }
}

using System.Buffers.Binary;
using System.Runtime.CompilerServices;

namespace Portolan.Protocols.Peers;

/// <summary>
/// All records that a speaker holds, in short: for each sixteenth of the origins (by the first four bits of their ids) the sum of what
/// <see cref="Of"/> gives for each record. <c>| sum (8) × 16 |</c>. Two speakers whose sums differ lack something of each other's.
/// </summary>
public struct PeerDigest : IEquatable<PeerDigest>
{
    /// <summary>How many sums there are.</summary>
    public const int Buckets = 16;

    /// <summary>Bytes on the wire.</summary>
    public const int Size = Buckets * sizeof(ulong);

    private Sums _sums;

    /// <summary>The sum of a bucket, 0..15.</summary>
    public readonly ulong this[int bucket] => _sums[bucket];

    /// <summary>The bucket that an origin's records are in.</summary>
    public static int BucketOf(ulong origin) => (int)(origin >> 60);

    /// <summary>Adds a record.</summary>
    public void Add(ulong origin, byte type, byte part, ulong incarnation, ulong sequence) =>
        _sums[BucketOf(origin)] += Of(origin, type, part, incarnation, sequence);

    /// <summary>Takes a record out again.</summary>
    public void Remove(ulong origin, byte type, byte part, ulong incarnation, ulong sequence) =>
        _sums[BucketOf(origin)] -= Of(origin, type, part, incarnation, sequence);

    /// <summary>Reads an item's body.</summary>
    public static bool TryParse(ReadOnlySpan<byte> body, out PeerDigest digest)
    {
        digest = default;
        if (body.Length != Size)
            return false;
        for (var bucket = 0; bucket < Buckets; bucket++)
            digest._sums[bucket] = BinaryPrimitives.ReadUInt64BigEndian(body[(bucket * sizeof(ulong))..]);
        return true;
    }

    /// <summary>Writes exactly <see cref="Size"/> bytes.</summary>
    public readonly void WriteTo(Span<byte> destination)
    {
        for (var bucket = 0; bucket < Buckets; bucket++)
            BinaryPrimitives.WriteUInt64BigEndian(destination[(bucket * sizeof(ulong))..], _sums[bucket]);
    }

    /// <inheritdoc/>
    public readonly bool Equals(PeerDigest other) => ((ReadOnlySpan<ulong>)_sums).SequenceEqual(other._sums);

    /// <inheritdoc/>
    public override readonly bool Equals(object? obj) => obj is PeerDigest other && Equals(other);

    /// <inheritdoc/>
    public override readonly int GetHashCode() => _sums[0].GetHashCode();

    /// <summary>Whether the sums are equal.</summary>
    public static bool operator ==(PeerDigest left, PeerDigest right) => left.Equals(right);

    /// <summary>Whether a sum differs.</summary>
    public static bool operator !=(PeerDigest left, PeerDigest right) => !left.Equals(right);

    // A record's fields, mixed twice (the finalizer of SplitMix64): it guards against loss, not against malice, which the tag does.
    private static ulong Of(ulong origin, byte type, byte part, ulong incarnation, ulong sequence) =>
        Mix(Mix(Mix(origin ^ ((ulong)type << 8 | part)) ^ incarnation) ^ sequence);

    private static ulong Mix(ulong value)
    {
        value = unchecked((value ^ value >> 30) * 0xbf58476d1ce4e5b9);
        value = unchecked((value ^ value >> 27) * 0x94d049bb133111eb);
        return value ^ value >> 31;
    }

    [InlineArray(Buckets)]
    private struct Sums
    {
        private ulong _first;
    }
}

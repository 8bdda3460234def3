using System.Buffers.Binary;

namespace Portolan.Lab.Nodes.Spdy;

/// <summary>Control frame types of SPDY/3.1 (SPDY draft 3.1, §2.6).</summary>
internal enum SpdyFrameType : ushort
{
    SynStream = 1,
    SynReply = 2,
    RstStream = 3,
    Settings = 4,
    Ping = 6,
    GoAway = 7,
    Headers = 8,
    WindowUpdate = 9,
}

[Flags]
internal enum SpdyFlags : byte
{
    None = 0,

    /// <summary>The sender will send nothing more on this stream.</summary>
    Fin = 1,
}

/// <summary>
/// The first eight bytes of every frame (§2.2): a control frame has the top bit set, version and type; a data frame has its stream's number.
/// <code>
/// |1| version:15 | type:16 |      |0| stream:31 |
/// | flags:8 | length:24    |      | flags:8 | length:24 |
/// </code>
/// </summary>
/// <param name="IsControl">The top bit.</param>
/// <param name="Type">Of a control frame.</param>
/// <param name="Stream">Of a data frame.</param>
/// <param name="Flags">What they mean depends on the type; <see cref="SpdyFlags.Fin"/> is the same for all.</param>
/// <param name="Length">Bytes that follow, 0..16777215.</param>
internal readonly record struct SpdyFrameHeader(bool IsControl, SpdyFrameType Type, uint Stream, SpdyFlags Flags, int Length)
{
    public const int Size = 8;
    public const ushort Version = 3;

    /// <returns>False for a control frame of another version.</returns>
    public static bool TryParse(ReadOnlySpan<byte> bytes, out SpdyFrameHeader header)
    {
        header = default;
        if (bytes.Length < Size)
            return false;
        var first = BinaryPrimitives.ReadUInt32BigEndian(bytes);
        var second = BinaryPrimitives.ReadUInt32BigEndian(bytes[4..]);
        var isControl = first >> 31 != 0;
        if (isControl && (first >> 16 & 0x7FFF) != Version)
            return false;
        header = new SpdyFrameHeader(isControl, isControl ? (SpdyFrameType)(first & 0xFFFF) : 0, isControl ? 0 : first, (SpdyFlags)(second >> 24), (int)(second & 0xFFFFFF));
        return true;
    }

    public void WriteTo(Span<byte> destination)
    {
        BinaryPrimitives.WriteUInt32BigEndian(destination, IsControl ? 0x8000_0000u | (uint)Version << 16 | (ushort)Type : Stream & 0x7FFF_FFFF);
        BinaryPrimitives.WriteUInt32BigEndian(destination[4..], (uint)Flags << 24 | (uint)Length);
    }
}

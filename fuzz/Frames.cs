using System.Buffers.Binary;

namespace Portolan.Fuzz;

/// <summary>Takes a client's bytes apart at the borders of frames; what is no whole frame is the last piece.</summary>
internal static class Frames
{
    /// <summary>RFC 6455 §5.2.</summary>
    public static List<byte[]> SplitWebSocket(ReadOnlySpan<byte> bytes)
    {
        var frames = new List<byte[]>();
        while (bytes.Length >= 2)
        {
            long length = bytes[1] & 0x7F;
            var head = 2;
            if (length == 126 && bytes.Length >= 4) (length, head) = (BinaryPrimitives.ReadUInt16BigEndian(bytes[2..]), 4);
            else if (length == 127 && bytes.Length >= 10) (length, head) = ((long)Math.Min(BinaryPrimitives.ReadUInt64BigEndian(bytes[2..]), int.MaxValue), 10);
            if ((bytes[1] & 0x80) != 0) head += 4;
            Take(frames, ref bytes, head + length);
        }

        if (bytes.Length > 0) frames.Add(bytes.ToArray());
        return frames;
    }

    /// <summary>SPDY draft 3.1 §2.2.</summary>
    public static List<byte[]> SplitSpdy(ReadOnlySpan<byte> bytes)
    {
        var frames = new List<byte[]>();
        while (bytes.Length >= 8) Take(frames, ref bytes, 8 + (BinaryPrimitives.ReadUInt32BigEndian(bytes[4..]) & 0xFFFFFF));
        if (bytes.Length > 0) frames.Add(bytes.ToArray());
        return frames;
    }

    private static void Take(List<byte[]> frames, ref ReadOnlySpan<byte> bytes, long length)
    {
        var count = (int)Math.Min(length, bytes.Length);
        frames.Add(bytes[..count].ToArray());
        bytes = bytes[count..];
    }
}

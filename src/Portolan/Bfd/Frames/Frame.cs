using System.Buffers.Binary;

namespace Portolan.Bfd.Frames;

/// <summary>What a frame between speaker and bfd process is about.</summary>
internal enum FrameKind : byte
{
    /// <summary>The first of each side: <see cref="Hello"/>.</summary>
    Hello = 1,

    /// <summary>To the bfd process: hold this session so, <see cref="WishFrame"/>.</summary>
    Want = 2,

    /// <summary>To the bfd process: hold it no more, <see cref="ForgetFrame"/>.</summary>
    Forget = 3,

    /// <summary>To the speaker: a session changed, <see cref="TransitionFrame"/>.</summary>
    Transition = 4,

    /// <summary>To the speaker: an address is listened on, or cannot be, <see cref="ListenFrame"/>.</summary>
    Listening = 5,

    /// <summary>To the speaker, now and then: what the loop counts, <see cref="FiguresFrame"/>.</summary>
    Figures = 6,

    /// <summary>To the speaker, now and then: how it is with a session, <see cref="SessionFrame"/>.</summary>
    Session = 7,
}

/// <summary>
/// The unit of the conversation between speaker and bfd process, on a unix stream socket, numbers in network order:
/// <code>| length of the body (2) | kind (1) | body |</code>
/// </summary>
internal static class Frame
{
    public const int HeaderSize = 3;

    /// <summary>The longest body of any kind, in bytes.</summary>
    public const int MaxBody = 253;

    /// <summary>The longest frame in bytes.</summary>
    public const int MaxSize = HeaderSize + MaxBody;

    /// <summary>The next whole frame at the start of the bytes.</summary>
    /// <param name="bytes">What has been received.</param>
    /// <param name="kind">Its kind, known or not.</param>
    /// <param name="body">Its body.</param>
    /// <returns>The frame's size; 0 where it is not whole yet; -1 where it is none.</returns>
    public static int TryRead(ReadOnlySpan<byte> bytes, out FrameKind kind, out ReadOnlySpan<byte> body)
    {
        kind = default;
        body = default;
        if (bytes.Length < HeaderSize)
            return 0;
        var length = BinaryPrimitives.ReadUInt16BigEndian(bytes);
        if (length > MaxBody)
            return -1;
        if (bytes.Length < HeaderSize + length)
            return 0;
        kind = (FrameKind)bytes[2];
        body = bytes.Slice(HeaderSize, length);
        return HeaderSize + length;
    }

    /// <summary>Puts the header before a body that has been written at <see cref="HeaderSize"/>.</summary>
    /// <returns>The frame's size.</returns>
    public static int Finish(Span<byte> frame, FrameKind kind, int body)
    {
        BinaryPrimitives.WriteUInt16BigEndian(frame, checked((ushort)body));
        frame[2] = (byte)kind;
        return HeaderSize + body;
    }
}

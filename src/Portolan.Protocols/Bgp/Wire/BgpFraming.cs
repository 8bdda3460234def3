using System.Buffers.Binary;

namespace Portolan.Protocols.Bgp.Wire;

/// <summary>The type of a message (RFC 4271 §4.1, RFC 2918 §3).</summary>
public enum BgpMessageType : byte
{
    /// <summary>OPEN.</summary>
    Open = 1,

    /// <summary>UPDATE.</summary>
    Update = 2,

    /// <summary>NOTIFICATION.</summary>
    Notification = 3,

    /// <summary>KEEPALIVE.</summary>
    Keepalive = 4,

    /// <summary>ROUTE-REFRESH.</summary>
    RouteRefresh = 5,
}

/// <summary>What lies at the start of the bytes that were received.</summary>
public enum BgpFrame : byte
{
    /// <summary>The start of a message: more must be read.</summary>
    Incomplete,

    /// <summary>A whole message.</summary>
    Complete,

    /// <summary>No message: the session ends.</summary>
    Malformed,
}

/// <summary>Where messages begin and end in the stream: 19 bytes of header, then the body (RFC 4271 §4.1).</summary>
/// <remarks>
/// <code>
/// | 16 times 0xff | length (2), header included | type (1) |
/// </code>
/// </remarks>
public static class BgpFraming
{
    /// <summary>Bytes of the header, and of a whole KEEPALIVE.</summary>
    public const int HeaderSize = 19;

    /// <summary>The longest message in bytes, where nothing else was agreed on.</summary>
    public const int Longest = 4096;

    /// <summary>The longest message in bytes with extended messages (RFC 8654).</summary>
    public const int LongestExtended = 65535;

    private const int MarkerSize = 16;

    /// <summary>Looks for one message and makes every check that needs no more than its header (RFC 4271 §6.1).</summary>
    /// <param name="buffer">What was received and not yet consumed; it must have room for <paramref name="longest"/> bytes.</param>
    /// <param name="longest">The longest message that the peer may send: <see cref="Longest"/> or <see cref="LongestExtended"/>.</param>
    /// <param name="type">The message's type, once it is complete.</param>
    /// <param name="length">The message's length with its header, once that is known and good; else 0.</param>
    /// <param name="error">What to answer when it is malformed.</param>
    public static BgpFrame TryRead(ReadOnlySpan<byte> buffer, int longest, out BgpMessageType type, out int length, out BgpError error)
    {
        (type, length, error) = (default, 0, BgpError.None);

        // A peer that speaks something else is told so at its first byte, not after it has said 19.
        if (buffer[..Math.Min(buffer.Length, MarkerSize)].ContainsAnyExcept((byte)0xff))
        {
            error = BgpError.Header(HeaderSubcode.NotSynchronized, "the marker is not all ones");
            return BgpFrame.Malformed;
        }

        if (buffer.Length < HeaderSize)
            return BgpFrame.Incomplete;
        var said = BinaryPrimitives.ReadUInt16BigEndian(buffer[MarkerSize..]);
        var code = buffer[MarkerSize + 2];
        if (said < HeaderSize || said > longest)
            error = BadLength(said, code);
        else if (code is < (byte)BgpMessageType.Open or > (byte)BgpMessageType.RouteRefresh)
            error = BgpError.Header(HeaderSubcode.BadType, $"there is no message of type {code}", new[] { code });
        else if (!Allows((BgpMessageType)code, said))
            error = BadLength(said, code);
        if (!error.IsNone)
            return BgpFrame.Malformed;

        length = said;
        if (buffer.Length < said)
            return BgpFrame.Incomplete;
        type = (BgpMessageType)code;
        if (type is BgpMessageType.RouteRefresh && said != RouteRefreshMessage.Size)
        {
            error = RouteRefreshMessage.BadLength(buffer[..said]);
            return BgpFrame.Malformed;
        }

        return BgpFrame.Complete;
    }

    /// <summary>Writes a header.</summary>
    /// <param name="destination">At least <see cref="HeaderSize"/> bytes.</param>
    /// <param name="type">The message's type.</param>
    /// <param name="length">The message's length with its header: 19..65535.</param>
    public static void WriteHeader(Span<byte> destination, BgpMessageType type, int length)
    {
        destination[..MarkerSize].Fill(0xff);
        BinaryPrimitives.WriteUInt16BigEndian(destination[MarkerSize..], (ushort)length);
        destination[MarkerSize + 2] = (byte)type;
    }

    /// <summary>Writes a KEEPALIVE.</summary>
    /// <returns><see cref="HeaderSize"/>.</returns>
    public static int WriteKeepalive(Span<byte> destination)
    {
        WriteHeader(destination, BgpMessageType.Keepalive, HeaderSize);
        return HeaderSize;
    }

    /// <summary>The answer to a length that cannot be.</summary>
    internal static BgpError BadLength(int length, byte type)
    {
        var data = new byte[2];
        BinaryPrimitives.WriteUInt16BigEndian(data, (ushort)length);
        return BgpError.Header(HeaderSubcode.BadLength, $"a message of type {type} with {length} bytes", data);
    }

    // OPEN and KEEPALIVE stay short when others need not (RFC 8654 §4). The length of a ROUTE-REFRESH has an error of its own.
    private static bool Allows(BgpMessageType type, int length) => type switch
    {
        BgpMessageType.Open => length is >= OpenMessage.MinSize and <= Longest,
        BgpMessageType.Update => length >= UpdateMessage.MinSize,
        BgpMessageType.Notification => length >= NotificationMessage.MinSize,
        BgpMessageType.Keepalive => length == HeaderSize,
        _ => true,
    };
}

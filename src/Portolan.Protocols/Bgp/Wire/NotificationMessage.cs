namespace Portolan.Protocols.Bgp.Wire;

/// <summary>A NOTIFICATION (RFC 4271 §4.5): the last that is said on a session. It is never answered, whatever it holds.</summary>
/// <param name="Code">The error code; those that are not known are kept as they are.</param>
/// <param name="Subcode">The subcode.</param>
/// <param name="Data">What the sender put behind it.</param>
/// <remarks>
/// <code>
/// | header (19) | code (1) | subcode (1) | data … |
/// </code>
/// </remarks>
public readonly record struct NotificationMessage(BgpErrorCode Code, byte Subcode, ReadOnlyMemory<byte> Data)
{
    /// <summary>Bytes of a message without data.</summary>
    public const int MinSize = BgpFraming.HeaderSize + 2;

    /// <summary>The most data that is sent: a NOTIFICATION stays within 4096 bytes, so that it can be sent before anything was agreed on.</summary>
    public const int MaxDataSize = BgpFraming.Longest - MinSize;

    /// <summary>Whether it is a Hard Reset (RFC 8538 §3.1): routes are not to be kept.</summary>
    public bool IsHardReset => Code is BgpErrorCode.Cease && Subcode == (byte)CeaseSubcode.HardReset;

    /// <summary>What a Hard Reset is sent for, where it says so; else the message itself.</summary>
    public NotificationMessage Cause =>
        IsHardReset && Data.Length >= 2 ? new NotificationMessage((BgpErrorCode)Data.Span[0], Data.Span[1], Data[2..]) : this;

    /// <summary>What the peer's operator had to say (RFC 9003), or null. Free of control characters.</summary>
    public string? Communication =>
        Cause is { Code: BgpErrorCode.Cease } cause && ShutdownCommunication.IsCarriedBy((CeaseSubcode)cause.Subcode) && ShutdownCommunication.TryDecode(cause.Data.Span, out var text) ? text : null;

    /// <summary>Reads a message, with its header.</summary>
    /// <returns>False when it is too short to hold a code.</returns>
    public static bool TryParse(ReadOnlySpan<byte> message, out NotificationMessage notification)
    {
        notification = default;
        if (message.Length < MinSize)
            return false;
        notification = new NotificationMessage((BgpErrorCode)message[BgpFraming.HeaderSize], message[BgpFraming.HeaderSize + 1], message[MinSize..].ToArray());
        return true;
    }

    /// <summary>Writes the message that tells of an error, with its header. Data beyond <see cref="MaxDataSize"/> is left out.</summary>
    /// <param name="destination">Room for <see cref="MinSize"/> and the data; <see cref="BgpFraming.Longest"/> bytes are always enough.</param>
    /// <param name="error">The error, not <see cref="BgpError.None"/>.</param>
    /// <returns>How many bytes.</returns>
    public static int Write(Span<byte> destination, BgpError error)
    {
        var data = error.Data.Span[..Math.Min(error.Data.Length, MaxDataSize)];
        BgpFraming.WriteHeader(destination, BgpMessageType.Notification, MinSize + data.Length);
        destination[BgpFraming.HeaderSize] = (byte)error.Code;
        destination[BgpFraming.HeaderSize + 1] = error.Subcode;
        data.CopyTo(destination[MinSize..]);
        return MinSize + data.Length;
    }

    /// <summary>For people: <c>Cease/Hard Reset: Cease/Administrative Shutdown: "maintenance"</c>.</summary>
    public override string ToString()
    {
        var text = BgpErrorText.Of(Code, Subcode);
        if (Cause is var cause && cause != this)
            text = $"{text}: {BgpErrorText.Of(cause.Code, cause.Subcode)}";
        return Communication is { } said ? $"{text}: \"{said}\"" : text;
    }

    /// <summary>As much of what was wrong as can be sent back.</summary>
    internal static byte[] Excerpt(ReadOnlySpan<byte> bytes) => bytes[..Math.Min(bytes.Length, MaxDataSize)].ToArray();
}

using Portolan.Protocols.Arp;

namespace Portolan.Protocols.Ndp;

/// <summary>The two messages by which neighbours find each other (ICMPv6 type).</summary>
public enum NeighborMessageType : byte
{
    /// <summary>Who has the target?</summary>
    Solicitation = 135,

    /// <summary>The sender has the target.</summary>
    Advertisement = 136,
}

/// <summary>The flags of an advertisement (RFC 4861 §4.4), the first byte after the checksum; a solicitation has none.</summary>
[Flags]
public enum NeighborFlags : byte
{
    /// <summary>None of them.</summary>
    None = 0,

    /// <summary>O: replaces the hardware address that the neighbour has remembered.</summary>
    Override = 0x20,

    /// <summary>S: answers a solicitation, and so proves that the target is reachable.</summary>
    Solicited = 0x40,

    /// <summary>R: the sender is a router.</summary>
    Router = 0x80,
}

/// <summary>A neighbour solicitation or advertisement: they have one layout (RFC 4861 §4.3, §4.4).</summary>
/// <param name="Type">Which of them.</param>
/// <param name="Flags">An advertisement's flags.</param>
/// <param name="Target">The address asked for, or announced.</param>
/// <param name="LinkAddress">The option with the asker's, or the target's, hardware address, where there is one.</param>
/// <remarks>
/// <code>
///  0    1    2        4     5              8       24
///  |type|code|checksum|flags| reserved     | target | options: type, length / 8, …
/// </code>
/// </remarks>
public readonly record struct NeighborMessage(NeighborMessageType Type, NeighborFlags Flags, IPv6 Target, MacAddress? LinkAddress)
{
    /// <summary>Bytes without options.</summary>
    public const int FixedSize = 24;

    /// <summary>Bytes with the one option that we write: the most that <see cref="WriteTo"/> writes.</summary>
    public const int MaxSize = FixedSize + OptionSize;

    private const int OptionSize = 8;
    private const byte SourceLinkAddress = 1;
    private const byte TargetLinkAddress = 2;
    private const NeighborFlags AllFlags = NeighborFlags.Override | NeighborFlags.Solicited | NeighborFlags.Router;

    /// <summary>Bytes on the wire as <see cref="WriteTo"/> writes it.</summary>
    public int Size => LinkAddress is null ? FixedSize : MaxSize;

    private byte OptionType => Type is NeighborMessageType.Solicitation ? SourceLinkAddress : TargetLinkAddress;

    /// <summary>Reads a message; what follows the last option is not allowed. The checksum is the frame's matter.</summary>
    /// <returns><see cref="NdpRejection.None"/>, or why the bytes are no such message (RFC 4861 §7.1.1, §7.1.2).</returns>
    public static NdpRejection TryParse(ReadOnlySpan<byte> bytes, out NeighborMessage message)
    {
        message = default;
        if (bytes.Length < FixedSize)
            return NdpRejection.TooShort;
        var parsed = new NeighborMessage((NeighborMessageType)bytes[0], NeighborFlags.None, IPv6.Read(bytes[8..]), null);
        if (parsed.Type is not (NeighborMessageType.Solicitation or NeighborMessageType.Advertisement))
            return NdpRejection.UnknownType;
        if (bytes[1] != 0)
            return NdpRejection.BadCode;
        if (parsed.Target.IsMulticast)
            return NdpRejection.BadTarget;
        if (parsed.Type is NeighborMessageType.Advertisement)
            parsed = parsed with { Flags = (NeighborFlags)bytes[4] & AllFlags };

        // Each round takes 8 bytes at least.
        for (var options = bytes[FixedSize..]; options.Length > 0;)
        {
            var length = options.Length < 2 ? 0 : options[1] * 8;
            if (length == 0 || length > options.Length)
                return NdpRejection.BadOption;
            if (options[0] == parsed.OptionType && length == OptionSize)
                parsed = parsed with { LinkAddress = MacAddress.Read(options[2..]) };
            options = options[length..];
        }

        message = parsed;
        return NdpRejection.None;
    }

    /// <summary>Writes exactly <see cref="Size"/> bytes, the checksum as zero.</summary>
    public void WriteTo(Span<byte> destination)
    {
        destination[..8].Clear();
        destination[0] = (byte)Type;
        destination[4] = (byte)Flags;
        Target.WriteTo(destination[8..]);
        if (LinkAddress is not { } link)
            return;
        destination[FixedSize] = OptionType;
        destination[FixedSize + 1] = OptionSize / 8;
        link.WriteTo(destination[(FixedSize + 2)..]);
    }
}

using System.Buffers.Binary;

namespace Portolan.Protocols.Bgp.Wire;

/// <summary>An OPEN (RFC 4271 §4.2).</summary>
/// <param name="Asn">The AS number, from the four-octet capability where there is one (RFC 6793).</param>
/// <param name="HoldTime">Seconds: 0, or 3..65535.</param>
/// <param name="Identifier">The BGP identifier as a number, not 0 (RFC 6286).</param>
/// <param name="Capabilities">What the side can do.</param>
/// <remarks>
/// <code>
/// | header (19) | version (1) | AS (2) | hold time (2) | identifier (4) | length (1) | parameters … |
/// </code>
/// </remarks>
public sealed record OpenMessage(uint Asn, ushort HoldTime, uint Identifier, Capabilities Capabilities)
{
    /// <summary>Bytes of a message without optional parameters.</summary>
    public const int MinSize = ParametersOffset + 1;

    /// <summary>The most bytes that <see cref="WriteTo"/> writes: all capabilities fit into one parameter of the short form.</summary>
    public const int MaxSize = MinSize + byte.MaxValue;

    /// <summary>What stands in the two-octet field for a number that has no room in it (RFC 6793 §9).</summary>
    public const ushort AsTrans = 23456;

    private const int ParametersOffset = BgpFraming.HeaderSize + 9;
    private const byte Version = 4;
    private const byte CapabilitiesParameter = 2;
    private static readonly byte[] SupportedVersion = [0, Version];

    /// <summary>Reads a message, with its header, and makes the checks of RFC 4271 §6.2 that need no knowledge of the peer.</summary>
    /// <returns>False when the session ends for it; <paramref name="error"/> is the answer.</returns>
    public static bool TryParse(ReadOnlySpan<byte> message, out OpenMessage? open, out BgpError error)
    {
        open = null;
        if (message.Length is < MinSize or > BgpFraming.Longest)
        {
            error = BgpFraming.BadLength(message.Length, (byte)BgpMessageType.Open);
            return false;
        }

        var body = message[BgpFraming.HeaderSize..];
        var (asn, holdTime, identifier) = ((uint)BinaryPrimitives.ReadUInt16BigEndian(body[1..]), BinaryPrimitives.ReadUInt16BigEndian(body[3..]), BinaryPrimitives.ReadUInt32BigEndian(body[5..]));
        if (body[0] != Version)
        {
            error = BgpError.Open(OpenSubcode.UnsupportedVersion, $"version {body[0]}", SupportedVersion);
            return false;
        }

        // The parameters come before the checks of the numbers: the AS number may be among them.
        var capabilities = new CapabilityReader();
        error = ReadParameters(message[ParametersOffset..], capabilities);
        if (!error.IsNone)
            return false;
        asn = capabilities.FourOctetAsn ?? asn;
        error = (asn, holdTime, identifier) switch
        {
            (0, _, _) => BgpError.Open(OpenSubcode.BadPeerAs, "AS number 0"),
            (_, 1 or 2, _) => BgpError.Open(OpenSubcode.UnacceptableHoldTime, $"a hold time of {holdTime} s"),
            (_, _, 0) => BgpError.Open(OpenSubcode.BadIdentifier, "identifier 0.0.0.0"),
            _ => BgpError.None,
        };
        if (!error.IsNone)
            return false;
        open = new OpenMessage(asn, holdTime, identifier, capabilities.ToCapabilities());
        return true;
    }

    /// <summary>Writes the message, with its header. Capabilities go into one parameter; there is none without any (RFC 5492 §4).</summary>
    /// <param name="destination">At least <see cref="MaxSize"/> bytes.</param>
    /// <returns>How many bytes.</returns>
    public int WriteTo(Span<byte> destination)
    {
        var body = destination[BgpFraming.HeaderSize..];
        body[0] = Version;
        BinaryPrimitives.WriteUInt16BigEndian(body[1..], Asn > ushort.MaxValue ? AsTrans : (ushort)Asn);
        BinaryPrimitives.WriteUInt16BigEndian(body[3..], HoldTime);
        BinaryPrimitives.WriteUInt32BigEndian(body[5..], Identifier);
        var size = CapabilityWriter.Write(destination[(MinSize + 2)..], Capabilities);
        var parameters = size == 0 ? 0 : 2 + size;
        destination[ParametersOffset] = (byte)parameters;
        if (size != 0)
            (destination[MinSize], destination[MinSize + 1]) = (CapabilitiesParameter, (byte)size);
        BgpFraming.WriteHeader(destination, BgpMessageType.Open, MinSize + parameters);
        return MinSize + parameters;
    }

    // | length (1) | type (1), length (1), value … |, or, where the first type is 255, | any length (1) | 255 | length (2) | type (1), length (2), value … | (RFC 9072 §2).
    private static BgpError ReadParameters(ReadOnlySpan<byte> field, CapabilityReader capabilities)
    {
        const byte Extended = 255;
        var isExtended = field.Length > 1 && field[0] != 0 && field[1] == Extended;
        var header = isExtended ? 3 : 2;
        if (isExtended && field.Length < 4)
            return Malformed("the extended length of the optional parameters is cut off", field);
        var length = isExtended ? BinaryPrimitives.ReadUInt16BigEndian(field[2..]) : field[0];
        var rest = field[(isExtended ? 4 : 1)..];
        if (length != rest.Length)
            return Malformed($"{rest.Length} bytes of optional parameters, and a length of {length}", default);

        while (!rest.IsEmpty)
        {
            if (rest.Length < header)
                return Malformed("an optional parameter is cut off", rest);
            var size = isExtended ? BinaryPrimitives.ReadUInt16BigEndian(rest[1..]) : rest[1];
            if (rest.Length < header + size)
                return Malformed($"an optional parameter of {size} bytes is cut off", rest);
            if (rest[0] != CapabilitiesParameter)
                return BgpError.Open(OpenSubcode.UnsupportedParameter, $"optional parameter {rest[0]}");
            if (capabilities.Read(rest.Slice(header, size)) is { IsNone: false } error)
                return error;
            rest = rest[(header + size)..];
        }

        return BgpError.None;
    }

    private static BgpError Malformed(string reason, ReadOnlySpan<byte> data) =>
        BgpError.Open(OpenSubcode.Unspecific, reason, NotificationMessage.Excerpt(data));
}

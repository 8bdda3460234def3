using System.Buffers.Binary;

namespace Portolan.Protocols.Bgp.Wire;

/// <summary>
/// A received UPDATE (RFC 4271 §4.3), read by one who keeps no routes: its framing, attributes and prefixes are checked as RFC 7606 demands, and counted.
/// It refers to the message's bytes.
/// </summary>
/// <remarks>
/// <code>
/// | header (19) | length (2) | withdrawn prefixes … | length (2) | path attributes … | announced prefixes … |
/// </code>
/// Prefixes of other families than IPv4 unicast stand in the attributes MP_REACH_NLRI and MP_UNREACH_NLRI (RFC 4760).
/// </remarks>
public readonly ref struct UpdateMessage
{
    /// <summary>Bytes of a message that says nothing: the End-of-RIB marker of IPv4 unicast (RFC 4724 §2).</summary>
    public const int MinSize = BgpFraming.HeaderSize + 4;

    internal const int FieldCount = 4;

    private readonly UpdateReader _read;

    private UpdateMessage(UpdateReader read) => _read = read;

    /// <summary>The family whose routes have all been sent (RFC 4724 §2), or null when the message is no such marker.</summary>
    public BgpFamily? EndOfRib => _read.EndOfRib;

    /// <summary>What was wrong with the routes, though not with the session (RFC 7606: treat-as-withdraw, attribute discard), or null.</summary>
    public string? Tolerated => _read.Tolerated;

    /// <summary>Every announced and withdrawn prefix.</summary>
    public UpdatePrefixes Prefixes => new(this);

    /// <summary>The path attributes, as they came.</summary>
    public BgpAttributes Attributes => new(_read.Attributes);

    /// <summary>How many prefixes of a family are announced.</summary>
    public int Announced(BgpFamily family) => family is BgpFamily.IPv4Unicast ? _read.AnnouncedIPv4 : _read.AnnouncedIPv6;

    /// <summary>How many prefixes of a family are withdrawn.</summary>
    public int Withdrawn(BgpFamily family) => family is BgpFamily.IPv4Unicast ? _read.WithdrawnIPv4 : _read.WithdrawnIPv6;

    /// <summary>Reads a message, with its header.</summary>
    /// <returns>False when the session ends for it; <paramref name="error"/> is the answer.</returns>
    public static bool TryParse(ReadOnlySpan<byte> message, out UpdateMessage update, out BgpError error)
    {
        update = default;
        if (message.Length is < MinSize or > BgpFraming.LongestExtended)
        {
            error = BgpFraming.BadLength(message.Length, (byte)BgpMessageType.Update);
            return false;
        }

        var body = message[BgpFraming.HeaderSize..];
        var withdrawn = BinaryPrimitives.ReadUInt16BigEndian(body);
        if (withdrawn > body.Length - 4)
        {
            error = BgpError.Update(UpdateSubcode.MalformedAttributes, $"{withdrawn} bytes of withdrawn routes in a message of {message.Length}");
            return false;
        }

        var attributes = BinaryPrimitives.ReadUInt16BigEndian(body[(2 + withdrawn)..]);
        if (attributes > body.Length - 4 - withdrawn)
        {
            error = BgpError.Update(UpdateSubcode.MalformedAttributes, $"{withdrawn} bytes of withdrawn routes and {attributes} of attributes in a message of {message.Length}");
            return false;
        }

        var reader = new UpdateReader(body.Slice(2, withdrawn), body.Slice(4 + withdrawn, attributes), body[(4 + withdrawn + attributes)..]);
        error = reader.Read();
        if (!error.IsNone)
            return false;
        update = new UpdateMessage(reader);
        return true;
    }

    /// <summary>The fields that hold prefixes: 0 and 1 withdrawn, 2 and 3 announced; empty where the family is none of ours.</summary>
    internal ReadOnlySpan<byte> Field(int field, out BgpFamily family, out bool isAnnounced)
    {
        isAnnounced = field >= 2;
        var said = field switch
        {
            1 => _read.MpWithdrawnFamily,
            3 => _read.MpAnnouncedFamily,
            _ => BgpFamily.IPv4Unicast,
        };
        family = said ?? default;
        if (said is null)
            return default;
        return field switch
        {
            0 => _read.Withdrawn,
            1 => _read.MpWithdrawn,
            2 => _read.Announced,
            _ => _read.MpAnnounced,
        };
    }
}

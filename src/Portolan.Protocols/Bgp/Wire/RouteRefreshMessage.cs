using System.Buffers.Binary;

namespace Portolan.Protocols.Bgp.Wire;

/// <summary>What a ROUTE-REFRESH is for (RFC 7313 §3.2).</summary>
public enum RouteRefreshSubtype : byte
{
    /// <summary>Asks for all routes of the family anew.</summary>
    Request = 0,

    /// <summary>They begin (BoRR).</summary>
    Begin = 1,

    /// <summary>That was all of them (EoRR).</summary>
    End = 2,
}

/// <summary>A ROUTE-REFRESH, 23 bytes (RFC 2918 §3, RFC 7313 §3.2).</summary>
/// <param name="Afi">The address family.</param>
/// <param name="Subtype">What it is for; others than those named are to be ignored.</param>
/// <param name="Safi">The subsequent address family.</param>
/// <remarks>
/// <code>
/// | header (19) | AFI (2) | subtype (1) | SAFI (1) |
/// </code>
/// </remarks>
public readonly record struct RouteRefreshMessage(ushort Afi, RouteRefreshSubtype Subtype, byte Safi)
{
    /// <summary>Bytes of the message with its header.</summary>
    public const int Size = BgpFraming.HeaderSize + 4;

    private const byte InvalidLength = 1;

    /// <summary>About one of our families.</summary>
    public RouteRefreshMessage(BgpFamily family, RouteRefreshSubtype subtype)
        : this(family.Afi(), subtype, BgpFamilyCodes.Unicast)
    {
    }

    /// <summary>The family, or null when it is none that we have.</summary>
    public BgpFamily? Family => BgpFamilyCodes.Find(Afi, Safi);

    /// <summary>Whether the message says nothing to us: an unknown family (RFC 2918 §4) or subtype (RFC 7313 §5).</summary>
    public bool IsIgnored => Family is null || Subtype > RouteRefreshSubtype.End;

    /// <summary>Reads a message, with its header.</summary>
    /// <returns>False when its length is wrong; <paramref name="error"/> is the answer.</returns>
    public static bool TryParse(ReadOnlySpan<byte> message, out RouteRefreshMessage refresh, out BgpError error)
    {
        (refresh, error) = (default, BgpError.None);
        if (message.Length != Size)
        {
            error = BadLength(message);
            return false;
        }

        var body = message[BgpFraming.HeaderSize..];
        refresh = new RouteRefreshMessage(BinaryPrimitives.ReadUInt16BigEndian(body), (RouteRefreshSubtype)body[2], body[3]);
        return true;
    }

    /// <summary>Writes the message, with its header.</summary>
    /// <returns><see cref="Size"/>.</returns>
    public int WriteTo(Span<byte> destination)
    {
        BgpFraming.WriteHeader(destination, BgpMessageType.RouteRefresh, Size);
        BinaryPrimitives.WriteUInt16BigEndian(destination[BgpFraming.HeaderSize..], Afi);
        destination[BgpFraming.HeaderSize + 2] = (byte)Subtype;
        destination[BgpFraming.HeaderSize + 3] = Safi;
        return Size;
    }

    // The whole message goes back, or as much as a NOTIFICATION takes (RFC 7313 §5).
    internal static BgpError BadLength(ReadOnlySpan<byte> message) =>
        new(BgpErrorCode.RouteRefresh, InvalidLength, NotificationMessage.Excerpt(message), $"a ROUTE-REFRESH with {message.Length} bytes");
}

using System.Buffers.Binary;
using Portolan.Protocols.Bgp.Wire;

namespace Portolan.Protocols.Bgp.Routes;

/// <summary>What all UPDATEs have in common (RFC 4271 §4.1, §4.3).</summary>
/// <remarks>
/// <code>
///  0             16           18       19      21              21 + w
/// | marker (16) | length (2) | 2 (1) | w (2) | withdrawn (w) | a (2) | attributes (a) | routes … |
/// </code>
/// </remarks>
internal static class UpdateFrame
{
    /// <summary>Where the length of the withdrawn routes stands.</summary>
    public const int WithdrawnAt = 19;

    /// <summary>Where the attributes begin in a message with no withdrawn routes.</summary>
    public const int AttributesAt = 23;

    /// <summary>Bytes of AFI and SAFI.</summary>
    public const int FamilySize = 3;

    private const int MarkerSize = 16;
    private const byte Update = 2;
    private const byte Unicast = 1;

    public static void WriteHeader(Span<byte> message, int size)
    {
        message[..MarkerSize].Fill(0xff);
        BinaryPrimitives.WriteUInt16BigEndian(message[MarkerSize..], (ushort)size);
        message[MarkerSize + 2] = Update;
    }

    /// <returns><see cref="FamilySize"/>.</returns>
    public static int WriteFamily(Span<byte> destination, BgpFamily family)
    {
        BinaryPrimitives.WriteUInt16BigEndian(destination, family is BgpFamily.IPv4Unicast ? (ushort)1 : (ushort)2);
        destination[2] = Unicast;
        return FamilySize;
    }
}

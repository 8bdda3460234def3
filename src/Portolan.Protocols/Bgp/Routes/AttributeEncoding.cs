using System.Buffers.Binary;

namespace Portolan.Protocols.Bgp.Routes;

/// <summary>Writes path attributes as they stand in an UPDATE, in the order of their type codes (RFC 4271 §5).</summary>
internal static class AttributeEncoding
{
    public const byte MpReach = 14;
    public const byte MpUnreach = 15;
    public const byte Optional = 0x80;
    public const byte ExtendedLength = 0x10;

    /// <summary>At least as many bytes as <see cref="Write"/> ever writes.</summary>
    public const int MaxSize = 3584;

    private const byte Transitive = 0x40;
    private const byte Origin = 1;
    private const byte AsPath = 2;
    private const byte NextHopType = 3;
    private const byte Med = 4;
    private const byte LocalPref = 5;
    private const byte Communities = 8;
    private const byte ExtendedCommunities = 16;
    private const byte As4Path = 17;
    private const byte LargeCommunities = 32;

    private const byte AsSequence = 2;
    private const ushort AsTrans = 23456;

    // Two-octet AS specific, not transitive; link bandwidth.
    private const ushort LinkBandwidth = 0x4004;

    /// <summary>Writes all attributes but those of RFC 4760.</summary>
    /// <param name="destination">At least <see cref="MaxSize"/> bytes.</param>
    /// <param name="attributes">What to say.</param>
    /// <param name="shape">To whom.</param>
    /// <param name="hasNextHop">Whether NEXT_HOP is among them: with IPv4 routes in their classic place, and nowhere else.</param>
    /// <param name="nextHop">Where the four bytes of the next hop go; 0 without.</param>
    /// <returns>How many bytes.</returns>
    public static int Write(Span<byte> destination, PathAttributes attributes, in EncodingShape shape, bool hasNextHop, out int nextHop)
    {
        var at = WriteHeader(destination, Transitive, Origin, 1);
        destination[at++] = 0; // IGP
        at += WriteAsPath(destination[at..], attributes, shape);
        nextHop = 0;
        if (hasNextHop)
        {
            at += WriteHeader(destination[at..], Transitive, NextHopType, sizeof(uint));
            nextHop = at;
            at += sizeof(uint);
        }

        if (attributes.Med is { } med)
            at += WriteNumber(destination[at..], Optional, Med, med);
        if (shape.IsInternal)
            at += WriteNumber(destination[at..], Transitive, LocalPref, attributes.GracefulShutdown ? 0 : attributes.LocalPref ?? PathAttributes.DefaultLocalPref);
        at += WriteCommunities(destination[at..], attributes);
        at += WriteExtendedCommunities(destination[at..], attributes, shape);
        at += WriteAs4Path(destination[at..], attributes, shape);
        return at + WriteLargeCommunities(destination[at..], attributes);
    }

    /// <summary>Writes flags, type and length; the extended length only where it must be, as some routers frown on it.</summary>
    /// <returns>3 or 4.</returns>
    public static int WriteHeader(Span<byte> destination, byte flags, byte type, int length)
    {
        destination[1] = type;
        if (length > byte.MaxValue)
        {
            destination[0] = (byte)(flags | ExtendedLength);
            BinaryPrimitives.WriteUInt16BigEndian(destination[2..], (ushort)length);
            return 4;
        }

        destination[0] = flags;
        destination[2] = (byte)length;
        return 3;
    }

    private static int WriteNumber(Span<byte> destination, byte flags, byte type, uint value)
    {
        var at = WriteHeader(destination, flags, type, sizeof(uint));
        BinaryPrimitives.WriteUInt32BigEndian(destination[at..], value);
        return at + sizeof(uint);
    }

    private static int WriteAsPath(Span<byte> destination, PathAttributes attributes, in EncodingShape shape)
    {
        // What begins here has passed no AS yet when it reaches an internal peer (RFC 4271 §5.1.2).
        if (shape.IsInternal)
            return WriteHeader(destination, Transitive, AsPath, 0);
        return WritePath(destination, AsPath, Transitive, attributes, shape, shape.FourOctetAsn);
    }

    // Where the path of two-byte numbers says less than there is (RFC 6793 §4.2.2).
    private static int WriteAs4Path(Span<byte> destination, PathAttributes attributes, in EncodingShape shape)
    {
        if (shape.IsInternal || shape.FourOctetAsn || shape.LocalAsn <= ushort.MaxValue && shape.RealAsn is null or <= ushort.MaxValue)
            return 0;
        return WritePath(destination, As4Path, Optional | Transitive, attributes, shape, true);
    }

    private static int WritePath(Span<byte> destination, byte type, byte flags, PathAttributes attributes, in EncodingShape shape, bool fourOctets)
    {
        var locals = 1 + attributes.Prepend;
        var count = shape.RealAsn is null ? locals : locals + 1;
        var at = WriteHeader(destination, flags, type, 2 + count * (fourOctets ? sizeof(uint) : sizeof(ushort)));
        destination[at++] = AsSequence;
        destination[at++] = (byte)count;
        for (var i = 0; i < count; i++)
        {
            var asn = i < locals ? shape.LocalAsn : shape.RealAsn.GetValueOrDefault();
            if (fourOctets)
                BinaryPrimitives.WriteUInt32BigEndian(destination[at..], asn);
            else
                BinaryPrimitives.WriteUInt16BigEndian(destination[at..], TwoOctets(asn));
            at += fourOctets ? sizeof(uint) : sizeof(ushort);
        }

        return at;
    }

    private static ushort TwoOctets(uint asn) => asn <= ushort.MaxValue ? (ushort)asn : AsTrans;

    private static int WriteCommunities(Span<byte> destination, PathAttributes attributes)
    {
        var isAdded = attributes.GracefulShutdown && !attributes.Communities.Contains(PathAttributes.GracefulShutdownCommunity);
        var count = attributes.Communities.Count + (isAdded ? 1 : 0);
        if (count == 0)
            return 0;
        var at = WriteHeader(destination, Optional | Transitive, Communities, sizeof(uint) * count);
        for (var i = 0; i < attributes.Communities.Count; i++)
        {
            var community = attributes.Communities[i];
            if (isAdded && community > PathAttributes.GracefulShutdownCommunity)
            {
                at = Put(destination, at, PathAttributes.GracefulShutdownCommunity);
                isAdded = false;
            }

            at = Put(destination, at, community);
        }

        return isAdded ? Put(destination, at, PathAttributes.GracefulShutdownCommunity) : at;
    }

    private static int WriteExtendedCommunities(Span<byte> destination, PathAttributes attributes, in EncodingShape shape)
    {
        var count = attributes.ExtendedCommunities.Count + (attributes.LinkBandwidth is null ? 0 : 1);
        if (count == 0)
            return 0;
        var at = WriteHeader(destination, Optional | Transitive, ExtendedCommunities, sizeof(ulong) * count);
        if (attributes.LinkBandwidth is { } bandwidth)
        {
            at = Put(destination, at, (uint)LinkBandwidth << 16 | TwoOctets(shape.LocalAsn));
            at = Put(destination, at, BitConverter.SingleToUInt32Bits(bandwidth));
        }

        for (var i = 0; i < attributes.ExtendedCommunities.Count; i++)
            at = Put(destination, Put(destination, at, (uint)(attributes.ExtendedCommunities[i] >> 32)), (uint)attributes.ExtendedCommunities[i]);
        return at;
    }

    private static int WriteLargeCommunities(Span<byte> destination, PathAttributes attributes)
    {
        if (attributes.LargeCommunities.Count == 0)
            return 0;
        var at = WriteHeader(destination, Optional | Transitive, LargeCommunities, LargeCommunity.Size * attributes.LargeCommunities.Count);
        for (var i = 0; i < attributes.LargeCommunities.Count; i++)
        {
            var community = attributes.LargeCommunities[i];
            at = Put(destination, Put(destination, Put(destination, at, community.Administrator), community.Function), community.Parameter);
        }

        return at;
    }

    private static int Put(Span<byte> destination, int at, uint value)
    {
        BinaryPrimitives.WriteUInt32BigEndian(destination[at..], value);
        return at + sizeof(uint);
    }
}

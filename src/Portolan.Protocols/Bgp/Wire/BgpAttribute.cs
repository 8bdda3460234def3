using System.Buffers.Binary;

namespace Portolan.Protocols.Bgp.Wire;

/// <summary>The flags of a path attribute (RFC 4271 §4.3).</summary>
[Flags]
public enum BgpAttributeFlags : byte
{
    /// <summary>Well-known, and its length has one byte.</summary>
    None = 0,

    /// <summary>The length has two bytes.</summary>
    ExtendedLength = 0x10,

    /// <summary>Somebody on the way did not know it.</summary>
    Partial = 0x20,

    /// <summary>Passed on also by those who do not know it.</summary>
    Transitive = 0x40,

    /// <summary>Not every speaker knows it.</summary>
    Optional = 0x80,
}

/// <summary>The types of path attributes that are known (IANA "BGP Path Attributes").</summary>
public enum BgpAttributeType : byte
{
    /// <summary>ORIGIN (RFC 4271 §5.1.1).</summary>
    Origin = 1,

    /// <summary>AS_PATH (RFC 4271 §5.1.2).</summary>
    AsPath = 2,

    /// <summary>NEXT_HOP (RFC 4271 §5.1.3).</summary>
    NextHop = 3,

    /// <summary>MULTI_EXIT_DISC (RFC 4271 §5.1.4).</summary>
    MultiExitDiscriminator = 4,

    /// <summary>LOCAL_PREF (RFC 4271 §5.1.5).</summary>
    LocalPreference = 5,

    /// <summary>ATOMIC_AGGREGATE (RFC 4271 §5.1.6).</summary>
    AtomicAggregate = 6,

    /// <summary>AGGREGATOR (RFC 4271 §5.1.7).</summary>
    Aggregator = 7,

    /// <summary>COMMUNITIES (RFC 1997).</summary>
    Communities = 8,

    /// <summary>ORIGINATOR_ID (RFC 4456 §8).</summary>
    OriginatorId = 9,

    /// <summary>CLUSTER_LIST (RFC 4456 §8).</summary>
    ClusterList = 10,

    /// <summary>MP_REACH_NLRI (RFC 4760 §3).</summary>
    MpReach = 14,

    /// <summary>MP_UNREACH_NLRI (RFC 4760 §4).</summary>
    MpUnreach = 15,

    /// <summary>EXTENDED COMMUNITIES (RFC 4360).</summary>
    ExtendedCommunities = 16,

    /// <summary>AS4_PATH (RFC 6793 §3).</summary>
    As4Path = 17,

    /// <summary>AS4_AGGREGATOR (RFC 6793 §3).</summary>
    As4Aggregator = 18,

    /// <summary>LARGE_COMMUNITY (RFC 8092 §3).</summary>
    LargeCommunities = 32,
}

/// <summary>A path attribute as it stands in an UPDATE: <c>| flags (1) | type (1) | length (1 or 2) | value |</c> (RFC 4271 §4.3).</summary>
public readonly ref struct BgpAttribute
{
    private readonly int _header;

    private BgpAttribute(ReadOnlySpan<byte> bytes, int header)
    {
        Bytes = bytes;
        _header = header;
    }

    /// <summary>All of it, as an error's data wants it.</summary>
    public ReadOnlySpan<byte> Bytes { get; }

    /// <summary>The flags; the lower four bits are as they came.</summary>
    public BgpAttributeFlags Flags => (BgpAttributeFlags)Bytes[0];

    /// <summary>The type, known or not.</summary>
    public BgpAttributeType Type => (BgpAttributeType)Bytes[1];

    /// <summary>The value.</summary>
    public ReadOnlySpan<byte> Value => Bytes[_header..];

    /// <summary>Reads the first attribute of a field.</summary>
    /// <returns>False when it goes beyond the field.</returns>
    public static bool TryRead(ReadOnlySpan<byte> source, out BgpAttribute attribute)
    {
        attribute = default;
        if (source.Length < 3)
            return false;
        var isExtended = ((BgpAttributeFlags)source[0] & BgpAttributeFlags.ExtendedLength) != 0;
        var header = isExtended ? 4 : 3;
        if (source.Length < header)
            return false;
        var length = isExtended ? BinaryPrimitives.ReadUInt16BigEndian(source[2..]) : source[2];
        if (source.Length < header + length)
            return false;
        attribute = new BgpAttribute(source[..(header + length)], header);
        return true;
    }
}

/// <summary>The path attributes of an UPDATE, one after the other, for <c>foreach</c>; ends before one that goes beyond the field.</summary>
public ref struct BgpAttributes
{
    private ReadOnlySpan<byte> _rest;

    internal BgpAttributes(ReadOnlySpan<byte> field)
    {
        _rest = field;
        Current = default;
    }

    /// <summary>The present attribute.</summary>
    public BgpAttribute Current { get; private set; }

    /// <summary>What has not been gone over.</summary>
    internal readonly ReadOnlySpan<byte> Rest => _rest;

    /// <summary>For <c>foreach</c>.</summary>
    public readonly BgpAttributes GetEnumerator() => this;

    /// <summary>Goes on to the next attribute.</summary>
    public bool MoveNext()
    {
        if (!BgpAttribute.TryRead(_rest, out var attribute))
            return false;
        Current = attribute;
        _rest = _rest[attribute.Bytes.Length..];
        return true;
    }
}

using System.Buffers.Binary;

namespace Portolan.Protocols.Bgp.Wire;

/// <summary>
/// Goes over the three fields of an UPDATE. What makes it impossible to tell which prefixes the message is about ends the session; what is wrong with
/// the routes alone is remembered, and the session goes on (RFC 7606 §3).
/// </summary>
internal ref struct UpdateReader(ReadOnlySpan<byte> withdrawn, ReadOnlySpan<byte> attributes, ReadOnlySpan<byte> announced)
{
    private SeenAttributes _seen;
    private BgpAttribute _reach;
    private BgpAttribute _unreach;
    private UpdateSubcode _subcode;
    private ReadOnlySpan<byte> _offender;

    public ReadOnlySpan<byte> Withdrawn { get; } = withdrawn;

    public ReadOnlySpan<byte> Attributes { get; } = attributes;

    public ReadOnlySpan<byte> Announced { get; } = announced;

    public ReadOnlySpan<byte> MpWithdrawn { get; private set; }

    public BgpFamily? MpWithdrawnFamily { get; private set; }

    public ReadOnlySpan<byte> MpAnnounced { get; private set; }

    public BgpFamily? MpAnnouncedFamily { get; private set; }

    public int AnnouncedIPv4 { get; private set; }

    public int AnnouncedIPv6 { get; private set; }

    public int WithdrawnIPv4 { get; private set; }

    public int WithdrawnIPv6 { get; private set; }

    public string? Tolerated { get; private set; }

    public BgpFamily? EndOfRib { get; private set; }

    /// <returns>None, or why the session ends.</returns>
    public BgpError Read()
    {
        var others = 0;
        var rest = new BgpAttributes(Attributes);
        while (rest.MoveNext())
        {
            if (rest.Current.Type is not BgpAttributeType.MpUnreach)
                others++;
            if (Take(rest.Current) is { IsNone: false } error)
                return error;
        }

        if (!rest.Rest.IsEmpty)
        {
            // Where the attributes end is known all the same (RFC 7606 §4), but not which prefixes were in what is missing of them.
            others++;
            if (rest.Rest.Length > 1 && (BgpAttributeType)rest.Rest[1] is BgpAttributeType.MpReach or BgpAttributeType.MpUnreach)
                return BgpError.Update(UpdateSubcode.MalformedAttributes, $"attribute {rest.Rest[1]} goes beyond the attributes");
            Tolerate(UpdateSubcode.MalformedAttributes, "an attribute goes beyond the attributes", default);
        }

        if (Count() is { IsNone: false } invalid)
            return invalid;
        var hasReachable = !Announced.IsEmpty || !MpAnnounced.IsEmpty;
        if (hasReachable)
            RequireMandatory();

        // Prefixes may have been meant that were not found (RFC 7606 §5.2).
        if (_subcode != 0 && others > 0 && !hasReachable)
            return BgpError.Update(_subcode, $"{Tolerated}, and there is no prefix", NotificationMessage.Excerpt(_offender));
        if (Withdrawn.IsEmpty && Announced.IsEmpty && others == 0 && MpWithdrawn.IsEmpty)
            EndOfRib = Attributes.IsEmpty ? BgpFamily.IPv4Unicast : MpWithdrawnFamily;
        return BgpError.None;
    }

    private BgpError Take(BgpAttribute attribute)
    {
        var type = (byte)attribute.Type;
        var isNew = _seen.Add(type);
        switch (attribute.Type)
        {
            case BgpAttributeType.MpReach or BgpAttributeType.MpUnreach when !isNew:
                return BgpError.Update(UpdateSubcode.MalformedAttributes, $"attribute {type} comes twice");
            case BgpAttributeType.MpReach:
                return TakeReach(attribute);
            case BgpAttributeType.MpUnreach:
                return TakeUnreach(attribute);
        }

        if (!isNew)
            Tolerated ??= $"attribute {type} comes twice";
        else if (AttributeRules.IsUnknownWellKnown(attribute))
            return BgpError.Update(UpdateSubcode.UnrecognizedWellKnown, $"attribute {type} is not known", NotificationMessage.Excerpt(attribute.Bytes));
        else if (!AttributeRules.FlagsFit(attribute))
            Refuse(attribute, UpdateSubcode.AttributeFlags, $"attribute {type} with flags 0x{(byte)attribute.Flags:x2}");
        else if (!AttributeRules.LengthFits(attribute))
            Refuse(attribute, UpdateSubcode.AttributeLength, $"attribute {type} with {attribute.Value.Length} bytes");
        return BgpError.None;
    }

    // | AFI (2) | SAFI (1) | length (1) | next hop | reserved (1) | prefixes … |
    private BgpError TakeReach(BgpAttribute attribute)
    {
        var value = attribute.Value;
        if (!AttributeRules.FlagsFit(attribute) || value.Length < 5 || value.Length < 5 + value[3])
            return Incorrect(attribute);
        var family = BgpFamilyCodes.Find(BinaryPrimitives.ReadUInt16BigEndian(value), value[2]);
        if (!NextHopFits(family, value[3]))
            return Incorrect(attribute);
        _reach = attribute;
        MpAnnouncedFamily = family;
        MpAnnounced = value[(5 + value[3])..];
        return BgpError.None;
    }

    // | AFI (2) | SAFI (1) | prefixes … |
    private BgpError TakeUnreach(BgpAttribute attribute)
    {
        var value = attribute.Value;
        if (!AttributeRules.FlagsFit(attribute) || value.Length < 3)
            return Incorrect(attribute);
        _unreach = attribute;
        MpWithdrawnFamily = BgpFamilyCodes.Find(BinaryPrimitives.ReadUInt16BigEndian(value), value[2]);
        MpWithdrawn = value[3..];
        return BgpError.None;
    }

    // Prefixes of families that are none of ours are passed over.
    private BgpError Count()
    {
        if (!TryCount(Withdrawn, BgpFamily.IPv4Unicast, out var withdrawn) || !TryCount(Announced, BgpFamily.IPv4Unicast, out var announced))
            return BgpError.Update(UpdateSubcode.InvalidNetwork, "a prefix is too long");
        if (!TryCount(MpWithdrawn, MpWithdrawnFamily, out var mpWithdrawn))
            return Incorrect(_unreach);
        if (!TryCount(MpAnnounced, MpAnnouncedFamily, out var mpAnnounced))
            return Incorrect(_reach);
        (WithdrawnIPv4, WithdrawnIPv6) = MpWithdrawnFamily is BgpFamily.IPv6Unicast ? (withdrawn, mpWithdrawn) : (withdrawn + mpWithdrawn, 0);
        (AnnouncedIPv4, AnnouncedIPv6) = MpAnnouncedFamily is BgpFamily.IPv6Unicast ? (announced, mpAnnounced) : (announced + mpAnnounced, 0);
        return BgpError.None;
    }

    private void RequireMandatory()
    {
        if (!_seen.Has(BgpAttributeType.Origin))
            Tolerate(UpdateSubcode.MissingWellKnown, "ORIGIN is missing", default);
        if (!_seen.Has(BgpAttributeType.AsPath))
            Tolerate(UpdateSubcode.MissingWellKnown, "AS_PATH is missing", default);
        if (!Announced.IsEmpty && !_seen.Has(BgpAttributeType.NextHop))
            Tolerate(UpdateSubcode.MissingWellKnown, "NEXT_HOP is missing", default);
    }

    private void Refuse(BgpAttribute attribute, UpdateSubcode subcode, string reason)
    {
        if (AttributeRules.IsDiscardedAlone(attribute.Type))
            Tolerated ??= reason;
        else
            Tolerate(subcode, reason, attribute.Bytes);
    }

    // The first that makes the routes void counts for more than what was only dropped from them.
    private void Tolerate(UpdateSubcode subcode, string reason, ReadOnlySpan<byte> offender)
    {
        if (_subcode != 0)
            return;
        (_subcode, Tolerated) = (subcode, reason);
        _offender = offender;
    }

    private static BgpError Incorrect(BgpAttribute attribute) =>
        BgpError.Update(UpdateSubcode.OptionalAttribute, $"attribute {(byte)attribute.Type} is malformed", NotificationMessage.Excerpt(attribute.Bytes));

    // An IPv6 next hop may have a link-local one beside it (RFC 2545 §3), for IPv4 prefixes as well (RFC 8950 §3).
    private static bool NextHopFits(BgpFamily? family, byte length) => family switch
    {
        BgpFamily.IPv4Unicast => length is 4 or 16 or 32,
        BgpFamily.IPv6Unicast => length is 16 or 32,
        _ => true,
    };

    private static bool TryCount(ReadOnlySpan<byte> field, BgpFamily? family, out int count)
    {
        count = 0;
        for (; family is { } known && !field.IsEmpty; count++)
        {
            if (!BgpPrefix.TryRead(field, known, out var prefix))
                return false;
            field = field[prefix.WireSize..];
        }

        return true;
    }
}

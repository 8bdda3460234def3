namespace Portolan.Protocols.Bgp.Wire;

/// <summary>What is demanded of a path attribute by itself: its flags and its length (RFC 7606 §3, §7).</summary>
internal static class AttributeRules
{
    private const BgpAttributeFlags Kind = BgpAttributeFlags.Optional | BgpAttributeFlags.Transitive;

    /// <summary>Whether it claims to be known to everybody and is not (RFC 4271 §6.3).</summary>
    public static bool IsUnknownWellKnown(BgpAttribute attribute) => (attribute.Flags & BgpAttributeFlags.Optional) == 0 && attribute.Type is
        0 or (> BgpAttributeType.ClusterList and < BgpAttributeType.MpReach) or (> BgpAttributeType.As4Aggregator and < BgpAttributeType.LargeCommunities) or > BgpAttributeType.LargeCommunities;

    /// <summary>Whether the Optional and Transitive bits are those of the type; of unknown types, they may be any.</summary>
    public static bool FlagsFit(BgpAttribute attribute) => (attribute.Flags & Kind) is var kind && attribute.Type switch
    {
        BgpAttributeType.Origin or BgpAttributeType.AsPath or BgpAttributeType.NextHop or BgpAttributeType.LocalPreference or BgpAttributeType.AtomicAggregate =>
            kind is BgpAttributeFlags.Transitive,
        BgpAttributeType.MultiExitDiscriminator or BgpAttributeType.OriginatorId or BgpAttributeType.ClusterList or BgpAttributeType.MpReach or BgpAttributeType.MpUnreach =>
            kind is BgpAttributeFlags.Optional,
        BgpAttributeType.Aggregator or BgpAttributeType.Communities or BgpAttributeType.ExtendedCommunities or BgpAttributeType.As4Path or BgpAttributeType.As4Aggregator
            or BgpAttributeType.LargeCommunities => kind is Kind,
        _ => true,
    };

    /// <summary>Whether the value can have this length; those of unknown types can have any.</summary>
    public static bool LengthFits(BgpAttribute attribute) => attribute.Value.Length is var length && attribute.Type switch
    {
        BgpAttributeType.Origin => length == 1,
        BgpAttributeType.NextHop or BgpAttributeType.MultiExitDiscriminator or BgpAttributeType.LocalPreference or BgpAttributeType.OriginatorId => length == 4,
        BgpAttributeType.AtomicAggregate => length == 0,
        // With two or four bytes of AS number, as the session agreed.
        BgpAttributeType.Aggregator => length is 6 or 8,
        BgpAttributeType.As4Aggregator => length == 8,
        BgpAttributeType.Communities or BgpAttributeType.ClusterList => length > 0 && length % 4 == 0,
        BgpAttributeType.ExtendedCommunities => length > 0 && length % 8 == 0,
        BgpAttributeType.LargeCommunities => length > 0 && length % 12 == 0,
        _ => true,
    };

    /// <summary>Whether the attribute alone is dropped when it is wrong, and the routes stay (RFC 7606 §7.6, §7.7, RFC 6793 §6).</summary>
    public static bool IsDiscardedAlone(BgpAttributeType type) =>
        type is BgpAttributeType.AtomicAggregate or BgpAttributeType.Aggregator or BgpAttributeType.As4Path or BgpAttributeType.As4Aggregator;
}

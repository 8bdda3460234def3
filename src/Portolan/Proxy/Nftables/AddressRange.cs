using Portolan.Core.Addresses;

namespace Portolan.Proxy.Nftables;

/// <summary>Addresses of one family from the first to the last, inclusively.</summary>
internal readonly record struct AddressRange(IpAddress First, IpAddress Last)
{
    /// <summary>What these prefixes of one family cover together, in order; overlapping and adjacent ones become one range.</summary>
    internal static List<AddressRange> Of(IEnumerable<IpPrefix> prefixes)
    {
        var ranges = new List<AddressRange>();
        foreach (var prefix in prefixes.OrderBy(prefix => prefix.Address).ThenBy(prefix => prefix.Length))
        {
            if (ranges is [.., var before] && (prefix.Address <= before.Last || Next(before.Last) == prefix.Address))
                ranges[^1] = before with { Last = prefix.Last > before.Last ? prefix.Last : before.Last };
            else
                ranges.Add(new AddressRange(prefix.Address, prefix.Last));
        }

        return ranges;
    }

    /// <summary>The address after; null after the family's highest.</summary>
    internal static IpAddress? Next(IpAddress address) =>
        address.Value == (address.IsIPv4 ? uint.MaxValue : UInt128.MaxValue) ? null : IpAddress.Of(address.Family, address.Value + 1);
}

/// <summary>Where a range of addresses starts, or the first address after it: how the kernel keeps ranges of single fields.</summary>
internal readonly record struct RangeEdge(IpAddress Address, bool IsEnd)
{
    /// <summary>The edges of what these prefixes of one family cover together. A range up to the family's highest address has no end.</summary>
    internal static IEnumerable<RangeEdge> Of(IEnumerable<IpPrefix> prefixes)
    {
        foreach (var range in AddressRange.Of(prefixes))
        {
            yield return new RangeEdge(range.First, false);
            if (AddressRange.Next(range.Last) is { } end)
                yield return new RangeEdge(end, true);
        }
    }
}

using Portolan.Core.Addresses;
using Portolan.Core.Forwarding;

namespace Portolan.Proxy.Ipvs;

/// <summary>
/// The order in which <c>ipvsadm</c> lists (libipvs: <c>ipvs_cmp_services</c>, <c>ipvs_cmp_dests</c>). It takes the difference of two 32-bit words for a signed number,
/// so that 192.168.0.1 comes before 10.0.0.1 and three addresses may each come before the next in a circle: then the result depends on the way of sorting,
/// which is the C library's, a merge sort.
/// </summary>
internal static class IpvsadmOrder
{
    /// <summary>By mark, family, protocol, address and port.</summary>
    internal static int Compare(KernelVirtualServer left, KernelVirtualServer right)
    {
        var (a, b) = (left.Ipvs!.Key, right.Ipvs!.Key);
        return a.FirewallMark != b.FirewallMark ? (int)(a.FirewallMark - b.FirewallMark)
            : a.Family != b.Family ? left.Address.Family.CompareTo(right.Address.Family)
            : a.Protocol != b.Protocol ? a.Protocol - b.Protocol
            : Compare(left.Address, right.Address) is not 0 and var byAddress ? byAddress
            : a.Port - b.Port;
    }

    /// <summary>By address and port.</summary>
    internal static int Compare(RealServer left, RealServer right) => Compare(left.Address, right.Address) is not 0 and var byAddress ? byAddress : left.Port - right.Port;

    /// <summary>The items in order.</summary>
    internal static List<T> Sort<T>(List<T> items, Comparison<T> compare)
    {
        if (items.Count <= 1)
            return items;
        var (first, second) = (Sort(items[..(items.Count / 2)], compare), Sort(items[(items.Count / 2)..], compare));
        var sorted = new List<T>(items.Count);
        for (int i = 0, j = 0; sorted.Count < items.Count;)
            sorted.Add(j == second.Count || (i < first.Count && compare(first[i], second[j]) <= 0) ? first[i++] : second[j++]);
        return sorted;
    }

    private static int Compare(IpAddress left, IpAddress right)
    {
        for (var shift = left.Bits - 32; shift >= 0; shift -= 32)
        {
            if ((int)((uint)(left.Value >> shift) - (uint)(right.Value >> shift)) is not 0 and var difference)
                return difference;
        }

        return 0;
    }
}

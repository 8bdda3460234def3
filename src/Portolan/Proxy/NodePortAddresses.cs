using Portolan.Core.Addresses;

namespace Portolan.Proxy;

/// <summary>At which of the node's own addresses node ports answer (<c>--nodeport-addresses</c>).</summary>
internal static class NodePortAddresses
{
    private static readonly IpAddress LoopbackV6 = IpAddress.V6(1);
    private static readonly IpPrefix[] Loopback = [IpPrefix.Containing(IpAddress.Parse("127.0.0.0"), 8), IpPrefix.Containing(LoopbackV6, 128)];

    /// <summary>The prefixes asked for; a family without one means all of it. Never loopback: replies could not find their way back.</summary>
    internal static IReadOnlyList<IpPrefix> From(IReadOnlyCollection<IpPrefix> asked)
    {
        var prefixes = new List<IpPrefix>();
        foreach (var loopback in Loopback)
        {
            var family = loopback.Address.Family;
            var ofFamily = asked.Where(prefix => prefix.Address.Family == family).ToList();
            foreach (var prefix in ofFamily.Count > 0 ? ofFamily : [IpPrefix.Containing(IpAddress.Of(family, 0), 0)])
                prefixes.AddRange(Without(prefix, loopback));
        }

        return prefixes;
    }

    /// <summary>A block without the loopback addresses in it.</summary>
    internal static IEnumerable<IpPrefix> ButLoopback(IpPrefix prefix) => Without(prefix, Loopback[prefix.Address.IsIPv4 ? 0 : 1]);

    private static IEnumerable<IpPrefix> Without(IpPrefix prefix, IpPrefix hole)
    {
        if (hole.Contains(prefix.Address) && prefix.Length >= hole.Length)
            yield break;
        if (!prefix.Contains(hole.Address))
        {
            yield return prefix;
            yield break;
        }

        // Halve until the hole itself is what is left; the halves beside it stay.
        while (prefix.Length < hole.Length)
        {
            var lower = IpPrefix.Containing(prefix.Address, prefix.Length + 1);
            var upper = IpPrefix.Containing(prefix.Last, prefix.Length + 1);
            (var beside, prefix) = lower.Contains(hole.Address) ? (upper, lower) : (lower, upper);
            yield return beside;
        }
    }
}

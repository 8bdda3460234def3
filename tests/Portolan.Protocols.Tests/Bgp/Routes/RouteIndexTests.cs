using CsCheck;
using Portolan.Protocols.Bgp.Routes;
using Portolan.Protocols.Bgp.Wire;

namespace Portolan.Protocols.Tests.Bgp.Routes;

public sealed class RouteIndexTests
{
    // Neighbouring host routes of both families, and shorter ones with the same address.
    private static readonly BgpPrefix[] Prefixes =
    [
        .. Enumerable.Range(0, 300).Select(Sample.IPv4),
        .. Enumerable.Range(0, 300).Select(Sample.IPv6),
        .. Enumerable.Range(8, 25).Select(length => new BgpPrefix(BgpFamily.IPv4Unicast, 0x0a000000u, length)),
        .. Enumerable.Range(0, 129).Select(length => new BgpPrefix(BgpFamily.IPv6Unicast, 0, length)),
    ];

    [Fact]
    public void FindsWhatWasAdded_AndNothingElse() => Gen.Int[0, Prefixes.Length - 1].Array[0, 2000].Sample(
        steps =>
        {
            var (index, expected) = (new RouteIndex(), new Dictionary<BgpPrefix, RouteEntry>());
            foreach (var prefix in steps.Select(step => Prefixes[step]))
            {
                Assert.Same(expected.GetValueOrDefault(prefix), index.Find(prefix));
                if (expected.Remove(prefix, out var known))
                    index.Remove(known);
                else
                    index.Add(expected[prefix] = new RouteEntry(prefix, 1));
            }

            Assert.Equal(expected.Count, index.Count);
            foreach (var prefix in Prefixes)
                Assert.Same(expected.GetValueOrDefault(prefix), index.Find(prefix));
        },
        iter: 200);
}

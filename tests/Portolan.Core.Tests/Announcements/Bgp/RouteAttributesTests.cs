using CsCheck;
using Portolan.Core.Announcements.Bgp;
using Portolan.Core.Configuration;

namespace Portolan.Core.Tests.Announcements.Bgp;

public sealed class RouteAttributesTests
{
    private static readonly Gen<BgpCommunity> Communities = Gen.Select(Gen.Bool, Gen.OneOf(Gen.Const(1u), Gen.Const(64512u), Gen.Const(65535u)), Gen.UInt[0, 200], (large, administrator, data) =>
        new BgpCommunity(large, administrator, data, large ? data : 0));

    private static readonly Gen<RouteAttributes> Attributes = Gen.Select(Gen.UInt[0, 3], Gen.UInt[0, 3], Gen.Int[0, 2], Communities.Array[0, 150], Gen.Int[0, 3], (localPref, med, prepend, communities, bandwidth) =>
        new RouteAttributes
        {
            LocalPref = localPref == 0 ? null : localPref,
            Med = med == 0 ? null : med - 1,
            Prepend = prepend,
            Communities = communities,
            LinkBandwidth = bandwidth == 0 ? null : bandwidth - 1,
        });

    [Fact]
    public void AreEqualByValue_InWhateverOrderTheCommunitiesAreGiven()
    {
        var (one, two) = (Of("64512:1"), Of("64512:2"));
        var attributes = new RouteAttributes { Communities = [two, one, two], Med = 1, LinkBandwidth = 1.5f };
        Assert.Equal(new RouteAttributes { Communities = [one, two], Med = 1, LinkBandwidth = 1.5f }, attributes);
        Assert.Equal(new RouteAttributes { Communities = [one, two], Med = 1, LinkBandwidth = 1.5f }.GetHashCode(), attributes.GetHashCode());
        Assert.Equal([one, two], attributes.Communities);
        Assert.NotEqual(attributes with { Communities = [one] }, attributes);
        Assert.NotEqual(attributes with { Med = null }, attributes);
        Assert.NotEqual(attributes with { LocalPref = 0 }, attributes);
        Assert.NotEqual(attributes with { Prepend = 1 }, attributes);
        Assert.NotEqual(attributes with { LinkBandwidth = null }, attributes);
        Assert.Equal("med 1 communities 64512:1,64512:2 linkBandwidth 1.5", attributes.ToString());
    }

    [Fact]
    public void HoldNoMoreCommunitiesThanAMessageHas_AndTheWellKnownOnesAmongThem()
    {
        var attributes = new RouteAttributes
        {
            Communities = [.. Enumerable.Range(0, 1000).Select(i => new BgpCommunity(true, 1, 1, (uint)i)), Of("65535:65281"), Of("large:65535:1:1")],
        };
        Assert.Equal(255, attributes.Communities.Count);
        Assert.Equal((Of("65535:65281"), Of("large:1:1:0"), Of("large:1:1:253")), (attributes.Communities[0], attributes.Communities[1], attributes.Communities[^1]));
    }

    [Fact]
    public void UniteTheSame_InWhateverOrder() => Gen.Select(Attributes, Attributes, Attributes).Sample((a, b, c) =>
    {
        Assert.Equal(a, a.Union(a));
        Assert.Equal(a.Union(b), b.Union(a));
        Assert.Equal(a.Union(b).Union(c), a.Union(b.Union(c)));
        var all = a.Communities.Concat(b.Communities).Distinct().ToList();
        if (all.Count <= RouteAttributes.MostCommunities)
            Assert.Equal(all.Order(), a.Union(b).Communities);
        Assert.Equal(new[] { a.LinkBandwidth, b.LinkBandwidth }.Max(), a.Union(b).LinkBandwidth);
        Assert.Equal(new[] { a.LocalPref, b.LocalPref }.Max(), a.Union(b).LocalPref);
    });

    private static BgpCommunity Of(string text) => BgpCommunity.Parse(text, out var community) is null ? community : throw new FormatException(text);
}

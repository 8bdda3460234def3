using Portolan.Protocols.Bgp.Routes;

namespace Portolan.Protocols.Tests.Bgp.Routes;

public sealed class PathAttributesTests
{
    [Fact]
    public void AreEqual_WhenTheySayTheSame()
    {
        var some = Full();
        Assert.Equal(some, Full());
        Assert.Equal(some.GetHashCode(), Full().GetHashCode());
        Assert.Equal(some, some with { Communities = [2, 1, 2] });
        Assert.Equal(new PathAttributes(), PathAttributes.Default);

        PathAttributes[] others =
        [
            some with { Med = null },
            some with { LocalPref = 8 },
            some with { Prepend = 0 },
            some with { Communities = [1] },
            some with { LargeCommunities = [new(1, 2, 4)] },
            some with { ExtendedCommunities = [] },
            some with { LinkBandwidth = 2 },
            some with { GracefulShutdown = true },
        ];
        Assert.All(others, other => Assert.NotEqual(some, other));
        Assert.Equal(others.Length, others.Distinct().Count());
    }

    [Fact]
    public void KeepListsInOrder_EachValueOnce()
    {
        var attributes = new PathAttributes
        {
            Communities = [0xffff0000, 1, 0xffff0000],
            LargeCommunities = [new(2, 0, 0), new(1, 9, 9), new(1, 10, 0), new(1, 9, 8)],
            ExtendedCommunities = [ulong.MaxValue, 0, 0],
        };
        Assert.Equal([1, 0xffff0000], attributes.Communities);
        Assert.Equal([new(1, 9, 8), new(1, 9, 9), new(1, 10, 0), new(2, 0, 0)], attributes.LargeCommunities);
        Assert.Equal([0, ulong.MaxValue], attributes.ExtendedCommunities);
    }

    [Fact]
    public void RefuseWhatNoMessageHolds()
    {
        Assert.Throws<ArgumentOutOfRangeException>(() => new PathAttributes { Prepend = PathAttributes.MaxPrepend + 1 });
        Assert.Throws<ArgumentOutOfRangeException>(() => new PathAttributes { Prepend = -1 });
        Assert.Throws<ArgumentOutOfRangeException>(() => new PathAttributes { Communities = Numbers(PathAttributes.MaxCommunities + 1, i => (uint)i) });
        Assert.Throws<ArgumentOutOfRangeException>(() => new PathAttributes { ExtendedCommunities = Numbers(PathAttributes.MaxExtendedCommunities + 1, i => (ulong)i) });
        Assert.Throws<ArgumentOutOfRangeException>(() =>
            new PathAttributes { LargeCommunities = Numbers(PathAttributes.MaxLargeCommunities + 1, i => new LargeCommunity(1, 1, (uint)i)) });
        Assert.Throws<ArgumentOutOfRangeException>(() => new PathAttributes { LinkBandwidth = float.NaN });
        Assert.Throws<ArgumentOutOfRangeException>(() => new PathAttributes { LinkBandwidth = float.PositiveInfinity });
        Assert.Throws<ArgumentOutOfRangeException>(() => new PathAttributes { LinkBandwidth = -1 });
    }

    [Theory]
    [InlineData(true, true)]
    [InlineData(true, false)]
    [InlineData(false, true)]
    [InlineData(false, false)]
    public void LeaveRoomForARoute_WhenAllIsSaid(bool isInternal, bool fourOctetAsn)
    {
        var most = new PathAttributes
        {
            Med = 1,
            Prepend = PathAttributes.MaxPrepend,
            Communities = Numbers(PathAttributes.MaxCommunities, i => (uint)i),
            LargeCommunities = Numbers(PathAttributes.MaxLargeCommunities, i => new LargeCommunity(1, 1, (uint)i)),
            ExtendedCommunities = Numbers(PathAttributes.MaxExtendedCommunities, i => (ulong)i),
            LinkBandwidth = 1,
            GracefulShutdown = true,
        };
        var hop = NextHop.IPv6(NextHopForm.GlobalAndLinkLocal, Sample.Global, Sample.LinkLocal);
        var terms = Sample.External with { IsInternal = isInternal, FourOctetAsn = fourOctetAsn, LocalAsn = 4_200_000_000, RealAsn = 1, IPv4NextHop = hop, IPv6NextHop = hop };
        var table = new RouteTable();
        for (var i = 0; i < 100; i++)
        {
            table.Set(Sample.IPv4(i), most);
            table.Set(Sample.IPv6(i), most);
        }

        var view = new PeerView(terms).Receive(table.Dump(terms));
        Assert.Equal(200, view.Routes.Count);
        Assert.InRange(view.Longest, 3500, 4096);
    }

    [Fact]
    public void ShowALargeCommunityAsPeopleWriteIt() => Assert.Equal("65001:1:2", new LargeCommunity(65001, 1, 2).ToString());

    private static PathAttributes Full() => new()
    {
        Med = 1,
        LocalPref = 7,
        Prepend = 1,
        Communities = [1, 2],
        LargeCommunities = [new(1, 2, 3)],
        ExtendedCommunities = [9],
        LinkBandwidth = 1,
    };

    private static T[] Numbers<T>(int count, Func<int, T> make) => [.. Enumerable.Range(1, count).Select(make)];
}

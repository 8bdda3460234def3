using Portolan.Protocols.Bgp.Routes;
using Portolan.Protocols.Bgp.Wire;

namespace Portolan.Protocols.Tests.Bgp.Routes;

public sealed class UpdateBytesTests
{
    private const string Marker = "ffffffffffffffffffffffffffffffff";

    [Fact]
    public void AnnouncesIPv4_InItsClassicPlace() =>
        Assert.Equal(
            Hex.Bytes(Marker + "0030 02 0000 0014 400101 00 400206 0201 0000fde9 400304 0a000001 20 c0000201"),
            Sample.Table(Sample.IPv4()).Dump(Sample.External));

    [Fact]
    public void AnnouncesIPv6_FirstOfTheAttributes() =>
        Assert.Equal(
            Hex.Bytes(Marker + "004d 02 0000 0036 800e26 0002 01 10 20010db8000000000000000000000001 00 80 20010db8000100000000000000000001"
                + "400101 00 400206 0201 0000fde9"),
            Sample.Table(Sample.IPv6()).Dump(Sample.External));

    [Fact]
    public void AnnouncesIPv4_OverAnIPv6NextHop() =>
        Assert.Equal(
            Hex.Bytes(Marker + "0051 02 0000 003a 800e2a 0001 01 20 20010db8000000000000000000000001 fe800000000000000000000000000002 00 20 c0000201"
                + "400101 00 400206 0201 0000fde9"),
            Sample.Table(Sample.IPv4()).Dump(Sample.External with
            {
                IPv4NextHop = NextHop.IPv6(NextHopForm.GlobalAndLinkLocal, Sample.Global, Sample.LinkLocal),
            }));

    [Fact]
    public void WritesEveryAttribute_ToAnInternalPeer()
    {
        var table = new RouteTable();
        table.Set(Sample.IPv4(), new PathAttributes
        {
            Med = 5,
            LocalPref = 200,
            Prepend = 3, // means nothing here
            Communities = [0xfde90002, 0xfde90001, 0xfde90002],
            ExtendedCommunities = [0x0002_fde9_0000_0064],
            LinkBandwidth = 125_000_000, // one gigabit
            LargeCommunities = [new LargeCommunity(65001, 1, 2)],
        });
        Assert.Equal(
            Hex.Bytes(Marker + "0065 02 0000 0049 400101 00 400200 400304 0a000001 800404 00000005 400504 000000c8 c00808 fde90001 fde90002"
                + "c01010 4004fde9 4cee6b28 0002fde9 00000064 c0200c 0000fde9 00000001 00000002 20 c0000201"),
            table.Dump(Sample.Internal));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void AsksForGrace_WhereTheRouteIsAboutToGo(bool isInternal)
    {
        var table = new RouteTable();
        table.Set(Sample.IPv4(), new PathAttributes { LocalPref = 200, GracefulShutdown = true, Communities = [0x0001_0001, 0xffff_ff01] });
        Assert.Equal(
            Hex.Bytes(Marker + (isInternal
                ? "0040 02 0000 0024 400101 00 400200 400304 0a000001 400504 00000000 c0080c 00010001 ffff0000 ffffff01 20 c0000201"
                : "003f 02 0000 0023 400101 00 400206 0201 0000fde9 400304 0a000001 c0080c 00010001 ffff0000 ffffff01 20 c0000201")),
            table.Dump(isInternal ? Sample.Internal : Sample.External));
    }

    [Fact]
    public void SaysGracefulShutdownOnce()
    {
        var table = new RouteTable();
        table.Set(Sample.IPv4(), new PathAttributes { GracefulShutdown = true, Communities = [0xffff0000] });
        Assert.Equal("4294901760", Assert.Single(new PeerView(Sample.External).Receive(table.Dump(Sample.External)).Routes).Value.Communities);
    }

    [Fact]
    public void LengthensThePath()
    {
        var table = new RouteTable();
        table.Set(Sample.IPv4(), new PathAttributes { Prepend = 2 });
        Assert.Equal(
            Hex.Bytes(Marker + "003c 02 0000 0020 400101 00 400212 0204 0000fdea 0000fdea 0000fdea 0000fde9 400304 0a000001 20 c0000201"),
            table.Dump(Sample.External with { LocalAsn = 65002, RealAsn = Sample.Asn }));
    }

    [Fact]
    public void WritesTwoOctetsToPeersThatKnowNoMore_AndTheRestBesides() =>
        Assert.Equal(
            Hex.Bytes(Marker + "0037 02 0000 001b 400101 00 400204 0201 5ba0 400304 0a000001 c01106 0201 fa56ea00 20 c0000201"),
            Sample.Table(Sample.IPv4()).Dump(Sample.External with { LocalAsn = 4_200_000_000, FourOctetAsn = false }));

    [Fact]
    public void WritesNothingBesides_WhereTwoOctetsSayAll() =>
        Assert.Equal(
            Hex.Bytes(Marker + "002e 02 0000 0012 400101 00 400204 0201 fde9 400304 0a000001 20 c0000201"),
            Sample.Table(Sample.IPv4()).Dump(Sample.External with { FourOctetAsn = false }));

    [Theory]
    [InlineData(63, "c008 fc")]
    [InlineData(64, "d008 0100")]
    public void ExtendsALength_OnlyWhereItMust(int communities, string header)
    {
        var table = new RouteTable();
        table.Set(Sample.IPv4(), new PathAttributes { Communities = [.. Enumerable.Range(1, communities).Select(i => (uint)i)] });
        Assert.Equal(Hex.Bytes(header + "00000001"), table.Dump(Sample.External).AsSpan(43, Hex.Bytes(header).Length + 4).ToArray());
    }

    [Theory]
    [InlineData(4, "001c 02 0005 20 c0000201 0000")]
    [InlineData(4, "002e 02 0000 0017 800f14 0002 01 80 20010db8000100000000000000000001", true)]
    [InlineData(16, "0022 02 0000 000b 800f08 0001 01 20 c0000201")]
    public void Withdraws(int nextHopSize, string expected, bool isIPv6 = false)
    {
        var prefix = isIPv6 ? Sample.IPv6() : Sample.IPv4();
        var table = Sample.Table(prefix);
        using var reader = table.Read(nextHopSize == 4 ? Sample.External : Sample.External with { IPv4NextHop = Sample.External.IPv6NextHop });
        Assert.NotEmpty(reader.Drain());
        table.Withdraw(prefix);
        Assert.Equal(Hex.Bytes(Marker + expected), reader.Drain());
    }

    [Theory]
    [InlineData(BgpFamily.IPv4Unicast, "0017 02 0000 0000")]
    [InlineData(BgpFamily.IPv6Unicast, "001d 02 0000 0006 800f03 0002 01")]
    public void EndsARib(BgpFamily family, string expected)
    {
        var bytes = new byte[EndOfRib.MaxSize];
        bytes.AsSpan().Fill(0xaa);
        Assert.Equal(Hex.Bytes(Marker + expected), bytes[..EndOfRib.WriteTo(bytes, family)]);
    }

    [Theory]
    [InlineData(NextHopForm.Global, "20010db8000000000000000000000001")]
    [InlineData(NextHopForm.GlobalAndLinkLocal, "20010db8000000000000000000000001 fe800000000000000000000000000002")]
    [InlineData(NextHopForm.LinkLocal, "fe800000000000000000000000000002")]
    [InlineData(NextHopForm.LinkLocalTwice, "fe800000000000000000000000000002 fe800000000000000000000000000002")]
    [InlineData(NextHopForm.UnspecifiedAndLinkLocal, "00000000000000000000000000000000 fe800000000000000000000000000002")]
    public void WritesANextHop_InEveryDialect(NextHopForm form, string expected)
    {
        var hop = NextHop.IPv6(form, Sample.Global, Sample.LinkLocal);
        var view = new PeerView(Sample.External).Receive(Sample.Table(Sample.IPv4(), Sample.IPv6()).Dump(Sample.External with
        {
            IPv4NextHop = hop,
            IPv6NextHop = hop,
        }));
        Assert.Equal([Sample.IPv4(), Sample.IPv6()], view.Routes.Keys);
        Assert.All(view.Routes.Values, told => Assert.Equal(Convert.ToHexString(Hex.Bytes(expected)), told.NextHop));
    }

    [Fact]
    public void RefusesANextHopWithoutItsAddresses()
    {
        Assert.Throws<ArgumentException>(() => NextHop.IPv6(NextHopForm.Global, default, Sample.LinkLocal));
        Assert.Throws<ArgumentException>(() => NextHop.IPv6(NextHopForm.LinkLocal, Sample.Global, Sample.Global));
        Assert.Throws<ArgumentException>(() => NextHop.IPv6(NextHopForm.GlobalAndLinkLocal, Sample.Global, default));
        Assert.Throws<ArgumentException>(() => NextHop.IPv6(NextHopForm.IPv4, Sample.Global, Sample.LinkLocal));
        Assert.Throws<ArgumentException>(() => Sample.External with { IPv6NextHop = NextHop.IPv4(1) });
    }
}

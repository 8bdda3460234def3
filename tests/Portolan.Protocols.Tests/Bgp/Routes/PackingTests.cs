using System.Buffers.Binary;
using Portolan.Protocols.Bgp.Routes;
using Portolan.Protocols.Bgp.Wire;

namespace Portolan.Protocols.Tests.Bgp.Routes;

public sealed class PackingTests
{
    private const int Many = 100_000;

    [Theory]
    [InlineData(BgpFamily.IPv4Unicast, 124)] // 810 beside 20 bytes of attributes
    [InlineData(BgpFamily.IPv6Unicast, 422)] // 237
    public void FillsMessages_WithManyRoutes(BgpFamily family, int messages)
    {
        var table = Table(family, Many);
        var view = new PeerView(Sample.External).Receive(table.Dump(Sample.External));
        Assert.Equal((Many, messages), (view.Routes.Count, view.Messages));
        Assert.InRange(view.Longest, 4080, 4096);
    }

    [Theory]
    [InlineData(BgpFamily.IPv4Unicast, 123)] // 814
    [InlineData(BgpFamily.IPv6Unicast, 419)] // 239
    public void FillsMessages_WithManyWithdrawals(BgpFamily family, int messages)
    {
        var table = Table(family, Many);
        using var reader = table.Read(Sample.External);
        var view = new PeerView(Sample.External).Receive(reader.Drain());
        var before = view.Messages;
        for (var i = 0; i < Many; i++)
            table.Withdraw(Prefix(family, i));
        view.Receive(reader.Drain());
        Assert.Empty(view.Routes);
        Assert.Equal(messages, view.Messages - before);
    }

    [Fact]
    public void WritesOneMessage_WhereThePeerTakesLongOnes()
    {
        var terms = Sample.External with { LongestSent = 65535 };
        var view = new PeerView(terms).Receive(Table(BgpFamily.IPv4Unicast, 13_000).Dump(terms));
        Assert.Equal((13_000, 1), (view.Routes.Count, view.Messages));
        Assert.Equal(23 + 20 + 13_000 * 5, view.Longest);
    }

    [Fact]
    public void PacksByAttributes_WithdrawalsFirst()
    {
        var table = new RouteTable();
        using var reader = table.Read(Sample.External);
        for (var i = 0; i < 100; i++)
            table.Set(Sample.IPv4(i), PathAttributes.Default);
        reader.Drain();
        for (var i = 0; i < 100; i++)
        {
            if (i % 4 == 0)
                table.Withdraw(Sample.IPv4(i));
            else
                table.Set(Sample.IPv4(i), new PathAttributes { Med = (uint)i % 4 });
        }

        var bytes = reader.Drain();
        Assert.Equal(4, new PeerView(Sample.External).Receive(bytes).Messages);
        Assert.Equal(25 * 5, BinaryPrimitives.ReadUInt16BigEndian(bytes.AsSpan(19)));
    }

    [Fact]
    public void PacksPrefixesOfAnyLength()
    {
        var table = new RouteTable();
        for (var length = 0; length <= 128; length++)
        {
            table.Set(new BgpPrefix(BgpFamily.IPv6Unicast, UInt128.MaxValue, length), PathAttributes.Default);
            if (length <= 32)
                table.Set(new BgpPrefix(BgpFamily.IPv4Unicast, uint.MaxValue, length), PathAttributes.Default);
        }

        var view = new PeerView(Sample.External).Receive(table.Dump(Sample.External));
        Assert.Equal(table.ToArray().Select(route => route.Prefix).ToHashSet(), view.Routes.Keys.ToHashSet());
        Assert.Equal(2, view.Messages);
    }

    [Fact]
    public void CopiesWholeMessages_AsManyAsThereIsRoomFor()
    {
        using var reader = Fill(new RouteTable(1024 * 1024), BgpFamily.IPv4Unicast, Many).Read(Sample.External);
        var view = new PeerView(Sample.External);
        var buffer = new byte[10_000];
        for (int size; (size = reader.Fill(buffer)) > 0;)
        {
            Assert.Equal(Many, reader.Pending);
            Assert.False(reader.IsSynchronized);
            Assert.InRange(size, 2 * 4093, 2 * 4096);
            view.Receive(buffer.AsSpan(0, size));
            if (view.Messages == 122)
                break;
        }

        Assert.Equal(0, reader.Fill(new byte[1000]));
        view.Receive(buffer.AsSpan(0, reader.Fill(buffer)));
        Assert.Equal((0, true, true), (reader.Pending, reader.IsSynchronized, reader.IsCaughtUp));
        Assert.Equal((Many, 124), (view.Routes.Count, view.Messages));
    }

    [Fact]
    public void LosesNothing_WhereABlockEndsWithAFullMessage()
    {
        var table = new RouteTable();
        for (var i = 0; i < 30_000; i++)
        {
            table.Set(Sample.IPv4(i), PathAttributes.Default);
            if (i % 7 == 0)
                table.Set(Sample.IPv6(i), PathAttributes.Default);
        }

        foreach (var terms in (EncodingTerms[])[Sample.External, Sample.External with { IPv4NextHop = null }, Sample.External with { IPv6NextHop = null }])
        {
            var view = new PeerView(terms).Receive(table.Dump(terms));
            Assert.Equal(
                table.ToArray().Select(route => route.Prefix).Where(prefix => terms.Families.HasFlag(prefix.Family is BgpFamily.IPv4Unicast ? BgpFamilies.IPv4Unicast : BgpFamilies.IPv6Unicast)).ToHashSet(),
                view.Routes.Keys.ToHashSet());
        }
    }

    private static RouteTable Table(BgpFamily family, int count) => Fill(new RouteTable(), family, count);

    private static RouteTable Fill(RouteTable table, BgpFamily family, int count)
    {
        for (var i = 0; i < count; i++)
            table.Set(Prefix(family, i), PathAttributes.Default);
        return table;
    }

    private static BgpPrefix Prefix(BgpFamily family, int number) => family is BgpFamily.IPv4Unicast ? Sample.IPv4(number) : Sample.IPv6(number);
}

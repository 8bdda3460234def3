using Portolan.Core.Addresses;
using Portolan.Core.Forwarding;

namespace Portolan.Core.Tests.Forwarding;

public sealed class MaglevTableTests
{
    private static RealServer[] Servers(int count, int seed = 0) =>
        [.. Enumerable.Range(0, count).Select(i => new RealServer(IpAddress.V4(0x0a090000 + (uint)((seed * 1000) + i)), 8080))];

    private static int[] Ones(int count) => [.. Enumerable.Repeat(1, count)];

    private static ushort[] Build(RealServer[] servers, int size) => MaglevTable.Build(servers, Ones(servers.Length), size);

    private static int[] Shares(ushort[] table, int servers)
    {
        var shares = new int[servers];
        foreach (var server in table)
            shares[server]++;
        return shares;
    }

    [Theory]
    [InlineData(1, 251)]
    [InlineData(2, 251)]
    [InlineData(10, 1021)]
    [InlineData(40, 4093)]
    [InlineData(100, 16381)]
    [InlineData(250, 65521)]
    [InlineData(600, 65521)]
    public void SharesEvenly_WithAHundredSlotsEach(int servers, int size)
    {
        for (var seed = 0; seed < 5; seed++)
        {
            var shares = Shares(Build(Servers(servers, seed), size), servers);
            Assert.InRange(shares.Max() / ((double)size / servers), 1, 1.01);
            Assert.InRange(shares.Min() / ((double)size / servers), 0.99, 1);
        }
    }

    // The one's own share moves in any case. What else moves depends on the number of slots for each: equal shares have this price.
    [Theory]
    [InlineData(10, 1021, 3)]
    [InlineData(10, 4093, 1.3)]
    [InlineData(10, 16381, 0.6)]
    [InlineData(100, 16381, 1.6)]
    [InlineData(100, 65521, 1)]
    [InlineData(250, 65521, 1)]
    public void MovesLittleElse_WhenOneComesOrGoes(int count, int size, double percent)
    {
        var moved = new List<double>();
        for (var seed = 0; seed < 20; seed++)
        {
            var all = Servers(count, seed);
            var gone = seed * 7 % count;
            RealServer[] fewer = [.. all.Where((_, i) => i != gone)];
            var (with, without) = (Build(all, size), Build(fewer, size));
            var others = 0;
            for (var slot = 0; slot < size; slot++)
            {
                if (with[slot] != gone && all[with[slot]] != fewer[without[slot]])
                    others++;
            }

            moved.Add((double)others / size);
        }

        Assert.InRange(moved.Average() * 100, 0, percent);
        TestContext.Current.TestOutputHelper?.WriteLine($"{count} real servers, {size} slots: {moved.Average() * 100:f2} % move besides");
    }

    [Fact]
    public void GivesSharesByWeight()
    {
        int[] weights = [1, 2, 0, 10, 3];
        var shares = Shares(MaglevTable.Build(Servers(5), weights, 4093), 5);
        for (var i = 0; i < weights.Length; i++)
            Assert.InRange(shares[i], Math.Floor(4093 * weights[i] / 16.0 * 0.99) - 1, Math.Ceiling(4093 * weights[i] / 16.0 * 1.01) + 1);
    }

    [Fact]
    public void LeavesNobodyWithoutASlot_WhoHasAWeight() =>
        Assert.All(Shares(MaglevTable.Build(Servers(20), [1, .. Enumerable.Repeat(1000, 19)], 251), 20), share => Assert.True(share > 0));

    [Fact]
    public void MovesClientsOnlyTowardsAServer_WhoseWeightGrows()
    {
        var servers = Servers(10);
        var before = MaglevTable.Build(servers, [1, .. Enumerable.Repeat(10, 9)], 1021);
        var wrong = 0;
        for (var tenth = 2; tenth <= 10; tenth++)
        {
            var after = MaglevTable.Build(servers, [tenth, .. Enumerable.Repeat(10, 9)], 1021);
            for (var slot = 0; slot < after.Length; slot++)
            {
                if (after[slot] != before[slot] && after[slot] != 0)
                    wrong++;
            }

            before = after;
        }

        Assert.InRange(wrong / 1021.0 / 9, 0, 0.02);
    }

    // The table is part of what the nodes of a cluster agree on, also while some run another release.
    [Fact]
    public void IsTheSameInEveryRelease()
    {
        var table = Build([new RealServer(IpAddress.Parse("10.9.0.2"), 8080), new RealServer(IpAddress.Parse("10.9.0.3"), 8080), new RealServer(IpAddress.Parse("fd00:9::4"), 8080)], 251);
        Assert.Equal("11011110112202220010000220002222022222211110111101", string.Concat(table)[..50]);
    }

    [Theory]
    [InlineData(4093, 1, 4093)]
    [InlineData(4093, 409, 4093)]
    [InlineData(4093, 410, 16381)]
    [InlineData(251, 25, 251)]
    [InlineData(251, 26, 1021)]
    [InlineData(65521, 60000, 65521)]
    public void GrowsOnlyWhereSharesWouldBeUseless(int asked, int servers, int size) => Assert.Equal(size, MaglevTable.SizeFor(asked, servers));
}

using CsCheck;
using Portolan.Core.Addresses;
using Portolan.Core.Configuration;

namespace Portolan.Core.Tests.Configuration;

public sealed class ValueTests
{
    [Theory]
    [InlineData("90s", 90)]
    [InlineData("1m30s", 90)]
    [InlineData("1.5h", 5400)]
    [InlineData("0", 0)]
    [InlineData("0s", 0)]
    [InlineData("500ms", 0.5)]
    [InlineData("1h0m1s", 3601)]
    [InlineData("-3s", -3)]
    [InlineData("2540400h10m10s", 9145440610)]
    public void ReadsADuration(string text, double seconds)
    {
        Assert.True(GoDuration.TryParse(text, out var duration));
        Assert.Equal(seconds, duration.TotalSeconds);
    }

    [Theory]
    [InlineData("")]
    [InlineData(null)]
    [InlineData("90")]
    [InlineData("s")]
    [InlineData("-")]
    [InlineData("1 s")]
    [InlineData("1..5s")]
    [InlineData(".s")]
    [InlineData("1d")]
    [InlineData("9999999999h")]
    [InlineData("1s2")]
    public void RefusesWhatIsNoDuration(string? text) => Assert.False(GoDuration.TryParse(text, out _));

    [Fact]
    public void NoTextMakesItThrow() => Gen.String[Gen.Char["0123456789.smhunµ-+ "], 0, 30].Sample(text =>
    {
        Assert.True(GoDuration.TryParse(text, out var duration) || duration == default);
        Assert.True(BgpCommunity.Parse(text, out var community) is null || community == default);
    });

    [Theory]
    [InlineData("0:0")]
    [InlineData("65535:65281")]
    [InlineData("large:4294967295:0:1")]
    public void ACommunityIsWrittenAsItIsRead(string text)
    {
        Assert.Null(BgpCommunity.Parse(text, out var community));
        Assert.Equal(text, community.ToString());
    }

    [Theory]
    [InlineData("192.168.100.240-192.168.100.249", 29)]
    [InlineData("10.0.0.0/24", 24)]
    [InlineData("10.0.0.1-10.0.0.1", 32)]
    [InlineData("10.0.0.255-10.0.1.0", 32)]
    [InlineData("0.0.0.0-255.255.255.255", 0)]
    [InlineData("0.0.0.1-255.255.255.255", 1)]
    [InlineData("128.0.0.1-255.255.255.255", 2)]
    [InlineData("::/0", 0)]
    [InlineData("::1-ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", 1)]
    [InlineData("fd00::5-fd00::20", 124)]
    public void TheShortestPrefixOfARangeIsThatOfItsLargestBlock(string text, int expected)
    {
        Assert.Null(IpRange.Parse(text, out var range));
        Assert.Equal(expected, range.ShortestPrefix);
    }

    [Fact]
    public void TheShortestPrefixIsFoundByTryingEveryBlock() => Gen.Select(Gen.UInt[0, 600], Gen.UInt[0, 600]).Sample((a, b) =>
    {
        var range = new IpRange(IpAddress.V4(Math.Min(a, b)), IpAddress.V4(Math.Max(a, b)));
        var expected = Enumerable.Range(0, 33).First(length => Enumerable.Range(0, 601).Any(start =>
        {
            var block = IpPrefix.Containing(IpAddress.V4((uint)start), length);
            return range.Contains(block.Address) && range.Contains(block.Last);
        }));
        Assert.Equal(expected, range.ShortestPrefix);
    }, iter: 50);
}

using Portolan.Protocols.Bgp.Wire;

namespace Portolan.Protocols.Tests.Bgp.Wire;

public sealed class RouteRefreshMessageTests
{
    [Theory]
    [InlineData("0001 00 01", BgpFamily.IPv4Unicast, RouteRefreshSubtype.Request)]
    [InlineData("0002 00 01", BgpFamily.IPv6Unicast, RouteRefreshSubtype.Request)]
    [InlineData("0001 01 01", BgpFamily.IPv4Unicast, RouteRefreshSubtype.Begin)]
    [InlineData("0002 02 01", BgpFamily.IPv6Unicast, RouteRefreshSubtype.End)]
    public void ReadsAndWrites(string body, BgpFamily family, RouteRefreshSubtype subtype)
    {
        var bytes = Message.Of(BgpMessageType.RouteRefresh, body);
        Assert.True(RouteRefreshMessage.TryParse(bytes, out var refresh, out _));
        Assert.Equal(new RouteRefreshMessage(family, subtype), refresh);
        Assert.Equal((family, false), (refresh.Family, refresh.IsIgnored));
        var written = new byte[RouteRefreshMessage.Size];
        Assert.Equal(23, refresh.WriteTo(written));
        Assert.Equal(bytes, written);
    }

    [Theory]
    [InlineData("0001 03 01")] // a subtype that there is not (RFC 7313 §5)
    [InlineData("0001 ff 01")]
    [InlineData("0001 00 80")] // VPNv4
    [InlineData("0019 00 46")] // EVPN
    [InlineData("0000 00 00")]
    public void IsIgnored_WhenItSaysNothingToUs(string body)
    {
        Assert.True(RouteRefreshMessage.TryParse(Message.Of(BgpMessageType.RouteRefresh, body), out var refresh, out _));
        Assert.True(refresh.IsIgnored);
    }

    [Theory]
    [InlineData("0001 00")]
    [InlineData("0001 00 01 00")]
    public void IsRefused_WhenItsLengthIsWrong(string body)
    {
        var bytes = Message.Of(BgpMessageType.RouteRefresh, body);
        Assert.False(RouteRefreshMessage.TryParse(bytes, out _, out var error));
        Assert.Equal((BgpErrorCode.RouteRefresh, 1), (error.Code, (int)error.Subcode));
        Assert.Equal(bytes, error.Data.ToArray());
    }
}

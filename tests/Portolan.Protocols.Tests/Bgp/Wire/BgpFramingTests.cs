using Portolan.Protocols.Bgp.Wire;

namespace Portolan.Protocols.Tests.Bgp.Wire;

public sealed class BgpFramingTests
{
    private const string M = Message.Marker;

    [Theory]
    [InlineData("fe", 1, "")] // The first byte that is no marker is enough
    [InlineData("ffff47", 1, "")]
    [InlineData("fffffffffffffffffffffffffffffffe 0013 04", 1, "")]
    [InlineData(M + "0000 04", 2, "0000")]
    [InlineData(M + "0012 04", 2, "0012")] // shorter than a header
    [InlineData(M + "1001 02", 2, "1001")] // 4097
    [InlineData(M + "ffff 02", 2, "ffff")]
    [InlineData(M + "001c 01", 2, "001c")] // one less than each type has at least
    [InlineData(M + "0016 02", 2, "0016")]
    [InlineData(M + "0014 03", 2, "0014")]
    [InlineData(M + "0014 04", 2, "0014")] // a KEEPALIVE with a body
    [InlineData(M + "0013 00", 3, "00")]
    [InlineData(M + "0013 06", 3, "06")]
    [InlineData(M + "0017 ff", 3, "ff")]
    [InlineData(M + "0012 06", 2, "0012")] // the length is looked at first
    public void RefusesABadHeader_BeforeThereIsABody(string bytes, int subcode, string data)
    {
        Assert.Equal(BgpFrame.Malformed, BgpFraming.TryRead(Hex.Bytes(bytes), BgpFraming.Longest, out _, out var length, out var error));
        Assert.Equal((BgpErrorCode.MessageHeader, subcode), (error.Code, (int)error.Subcode));
        Assert.Equal(Hex.Bytes(data), error.Data.ToArray());
        Assert.Equal(0, length);
    }

    [Theory]
    [InlineData(M + "0013 04", BgpMessageType.Keepalive, 19)]
    [InlineData(M + "0013 04 ffff", BgpMessageType.Keepalive, 19)] // and the start of another
    [InlineData(M + "0017 02 0000 0000", BgpMessageType.Update, 23)]
    [InlineData(M + "0015 03 06 02", BgpMessageType.Notification, 21)]
    [InlineData(M + "0017 05 0001 00 01", BgpMessageType.RouteRefresh, 23)]
    [InlineData(M + "001d 01" + Message.OpenStart + "00", BgpMessageType.Open, 29)]
    public void FindsAMessage(string bytes, BgpMessageType expected, int expectedLength)
    {
        Assert.Equal(BgpFrame.Complete, BgpFraming.TryRead(Hex.Bytes(bytes), BgpFraming.Longest, out var type, out var length, out var error));
        Assert.Equal((expected, expectedLength), (type, length));
        Assert.True(error.IsNone);
    }

    [Fact]
    public void WaitsForMore_WhileAMessageIsNotWhole()
    {
        var bytes = Message.Of(BgpMessageType.Open, Message.OpenStart + "00");
        for (var received = 0; received < bytes.Length; received++)
        {
            Assert.Equal(BgpFrame.Incomplete, BgpFraming.TryRead(bytes.AsSpan(0, received), BgpFraming.Longest, out _, out var length, out var error));
            Assert.Equal(received < BgpFraming.HeaderSize ? 0 : 29, length);
            Assert.True(error.IsNone);
        }
    }

    [Fact]
    public void TakesLongMessages_WhenAgreedOn()
    {
        var bytes = new byte[BgpFraming.LongestExtended];
        BgpFraming.WriteHeader(bytes, BgpMessageType.Update, bytes.Length);
        Assert.Equal(BgpFrame.Complete, BgpFraming.TryRead(bytes, BgpFraming.LongestExtended, out _, out var length, out _));
        Assert.Equal(65535, length);
        Assert.Equal(BgpFrame.Malformed, BgpFraming.TryRead(bytes, BgpFraming.Longest, out _, out _, out _));
    }

    [Theory]
    [InlineData("1000 01", BgpFrame.Incomplete)]
    [InlineData("1001 01", BgpFrame.Malformed)] // RFC 8654 §4 leaves OPEN and KEEPALIVE as they were
    [InlineData("1001 04", BgpFrame.Malformed)]
    [InlineData("1001 02", BgpFrame.Incomplete)]
    [InlineData("1001 03", BgpFrame.Incomplete)]
    public void TakesOnlySomeTypesLong_WhenAgreedOn(string lengthAndType, BgpFrame expected) =>
        Assert.Equal(expected, BgpFraming.TryRead(Hex.Bytes(M + lengthAndType), BgpFraming.LongestExtended, out _, out _, out _));

    [Theory]
    [InlineData(M + "0013 05")]
    [InlineData(M + "0016 05 0001 00")]
    [InlineData(M + "0018 05 0001 00 01 00")]
    public void SendsARouteRefreshBack_WhenItsLengthIsWrong(string bytes)
    {
        var message = Hex.Bytes(bytes);
        Assert.Equal(BgpFrame.Malformed, BgpFraming.TryRead(message, BgpFraming.Longest, out _, out _, out var error));
        Assert.Equal((BgpErrorCode.RouteRefresh, 1), (error.Code, (int)error.Subcode));
        Assert.Equal(message, error.Data.ToArray());
        if (message.Length > BgpFraming.HeaderSize)
            Assert.Equal(BgpFrame.Incomplete, BgpFraming.TryRead(message.AsSpan(..^1), BgpFraming.Longest, out _, out _, out _));
    }

    [Fact]
    public void SendsTheStartOfARouteRefreshBack_WhenItIsLongerThanANotification()
    {
        var message = new byte[5000];
        BgpFraming.WriteHeader(message, BgpMessageType.RouteRefresh, message.Length);
        Assert.Equal(BgpFrame.Malformed, BgpFraming.TryRead(message, BgpFraming.LongestExtended, out _, out _, out var error));
        Assert.Equal(message[..4075], error.Data.ToArray());
        Assert.Equal(4096, NotificationMessage.Write(new byte[4096], error));
    }

    [Fact]
    public void WritesAKeepalive()
    {
        var bytes = new byte[BgpFraming.HeaderSize];
        Assert.Equal(19, BgpFraming.WriteKeepalive(bytes));
        Assert.Equal(Hex.Bytes(M + "0013 04"), bytes);
    }
}

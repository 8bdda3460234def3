using Portolan.Core.Addresses;
using Portolan.Protocols.Arp;
using Portolan.Protocols.Peers;
using Portolan.Speaker.Layer2.Truth;

namespace Portolan.Tests.Speaker;

public sealed class WireReportsTests
{
    private static readonly MacAddress First = MacAddress.Read([2, 0, 0, 0, 0, 1]);
    private static readonly MacAddress Second = MacAddress.Read([2, 0, 0, 0, 0, 2]);

    [Fact]
    public void SaysWhatItIs()
    {
        var payload = WireReports.Write([First], [new QueryFinding(IpAddress.V4(0xc0a864f0), []), new QueryFinding(IpAddress.Parse("fd00::1", null), [First, Second])]);
        Assert.Equal(
            Convert.FromHexString(
                "01" + "06" + "020000000001"
                + "02" + "04" + "c0a864f0"
                + "03" + "16" + "020000000001" + "fd000000000000000000000000000001"
                + "03" + "16" + "020000000002" + "fd000000000000000000000000000001"),
            payload);
    }

    [Fact]
    public void ReadsWhatOthersSay_AndForgetsIt()
    {
        var reports = new WireReports();
        reports.On("n2", WireReports.Write([Second], [new QueryFinding(IpAddress.V4(1), [First, Second])]));
        reports.On("n3", WireReports.Write([First], []));
        Assert.Equal(("n2", "n3"), (reports.NodeOf(Second), reports.NodeOf(First)));
        Assert.Equal([("n2", new QueryFinding(IpAddress.V4(1), [First, Second]))], reports.Others);
        reports.On("n2", []);
        Assert.Null(reports.NodeOf(Second));
        Assert.Empty(reports.Others);
    }

    [Theory]
    [InlineData("01")]
    [InlineData("0105020000000001")]
    [InlineData("0203c0a864")]
    [InlineData("0306020000000001")]
    [InlineData("0204c0a8")]
    public void BelievesNothingOfWhatItCannotRead(string payload)
    {
        var reports = new WireReports();
        reports.On("n2", [.. WireReports.Write([Second], []), .. Convert.FromHexString(payload)]);
        Assert.Null(reports.NodeOf(Second));
        Assert.False(WireMessage.TryParse(Convert.FromHexString(payload), out _));
    }

    [Fact]
    public void PassesOverWhatItDoesNotKnow()
    {
        var reports = new WireReports();
        reports.On("n2", [99, 1, 7, .. WireReports.Write([Second], [])]);
        Assert.Equal("n2", reports.NodeOf(Second));
    }

    [Fact]
    public void LeavesOutWhatDoesNotFit()
    {
        var payload = WireReports.Write([First], Enumerable.Range(0, 1000).Select(i => new QueryFinding(IpAddress.V4((uint)i), [])));
        Assert.InRange(payload.Length, 1000, PeerRecord.MaxPayloadSize);
        Assert.True(WireMessage.TryParse(payload, out _));
    }
}

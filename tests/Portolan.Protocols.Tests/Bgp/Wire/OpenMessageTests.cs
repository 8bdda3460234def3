using CsCheck;
using Portolan.Protocols.Bgp.Wire;

namespace Portolan.Protocols.Tests.Bgp.Wire;

public sealed class OpenMessageTests
{
    private const string Start = Message.OpenStart;

    // As FRR lays it out: every capability in a parameter of its own. IPv4 unicast, route refresh (128 and 2), enhanced route refresh, AS 65001,
    // extended messages, ADD-PATH, the host's name, graceful restart with R and N bits and 120 s for no family.
    private const string Frr = Start + "3a 0206 0104 0001 00 01  0202 8000  0202 0200  0202 4600  0206 4104 0000fde9  0202 0600  0206 4504 0001 01 01"
        + "020a 4908 06 726f75746572 00  0204 4002 c078";

    [Fact]
    public void ReadsCapabilitiesFromManyParameters()
    {
        var open = Read(Frr);
        Assert.Equal((65001u, (ushort)180, 0xc0a86401), (open.Asn, open.HoldTime, open.Identifier));
        Assert.Equal(
            new Capabilities
            {
                Families = BgpFamilies.IPv4Unicast,
                RouteRefresh = true,
                EnhancedRouteRefresh = true,
                ExtendedMessage = true,
                FourOctetAsn = 65001,
                GracefulRestart = new GracefulRestart(IsRestarting: true, KeepsAfterNotification: true, 120, []),
                Others = [69, 73],
            },
            open.Capabilities);
    }

    // AS 4200000001, 90 s, 10.0.0.1; both families, route refresh, IPv4 by IPv6, graceful restart, the AS number, enhanced route refresh, link-local next hops.
    private const string Ours = "04 5ba0 005a 0a000001 2e 02 2c 0104 0001 00 01  0104 0002 00 01  0200  0506 0001 0001 0002"
        + "400a 403c 0001 01 80 0002 01 00  4104 fa56ea01  4600  4d00";

    private static readonly OpenMessage OurOpen = new(4200000001, 90, 0x0a000001, new Capabilities
    {
        Families = BgpFamilies.IPv4Unicast | BgpFamilies.IPv6Unicast,
        RouteRefresh = true,
        EnhancedRouteRefresh = true,
        ExtendedNextHop = true,
        FourOctetAsn = 4200000001,
        GracefulRestart = new GracefulRestart(IsRestarting: false, KeepsAfterNotification: true, 60, [new(BgpFamily.IPv4Unicast, true), new(BgpFamily.IPv6Unicast, false)]),
        LinkLocalNextHop = true,
    });

    [Fact]
    public void WritesCapabilitiesIntoOneParameter() => Assert.Equal(Message.Of(BgpMessageType.Open, Ours), Written(OurOpen));

    [Fact]
    public void ReadsCapabilitiesFromOneParameter() => Assert.Equal(OurOpen, Read(Ours));

    [Fact]
    public void WritesNoParameter_WhenThereIsNoCapability() =>
        Assert.Equal(Message.Of(BgpMessageType.Open, Start + "00"), Written(new OpenMessage(65001, 180, 0xc0a86401, new Capabilities())));

    [Theory]
    [InlineData("03 fde9 00b4 c0a86401 00", OpenSubcode.UnsupportedVersion, "0004")]
    [InlineData("05 0000 0001 00000000 00", OpenSubcode.UnsupportedVersion, "0004")] // first of all
    [InlineData("04 0000 00b4 c0a86401 00", OpenSubcode.BadPeerAs, "")]
    [InlineData("04 5ba0 00b4 c0a86401 08 0206 4104 00000000", OpenSubcode.BadPeerAs, "")] // RFC 7607
    [InlineData("04 fde9 0001 c0a86401 00", OpenSubcode.UnacceptableHoldTime, "")]
    [InlineData("04 fde9 0002 c0a86401 00", OpenSubcode.UnacceptableHoldTime, "")]
    [InlineData("04 fde9 00b4 00000000 00", OpenSubcode.BadIdentifier, "")]
    [InlineData(Start + "01", OpenSubcode.Unspecific, "")] // more parameters said than there are
    [InlineData(Start + "00 0202 0200", OpenSubcode.Unspecific, "")] // and fewer
    [InlineData(Start + "02 0202 0200", OpenSubcode.Unspecific, "")]
    [InlineData(Start + "01 02", OpenSubcode.Unspecific, "02")]
    [InlineData(Start + "03 0202 02", OpenSubcode.Unspecific, "020202")]
    [InlineData(Start + "03 0101 00", OpenSubcode.UnsupportedParameter, "")] // authentication, long gone
    [InlineData(Start + "06 0202 0200 0300", OpenSubcode.UnsupportedParameter, "")]
    [InlineData(Start + "06 0202 0200 ff00", OpenSubcode.UnsupportedParameter, "")] // 255 means something only in the first place
    [InlineData(Start + "03 0201 01", OpenSubcode.Unspecific, "01")] // a capability that goes beyond its parameter
    [InlineData(Start + "05 0203 0104 00", OpenSubcode.Unspecific, "010400")]
    [InlineData(Start + "07 0205 0103 0001 00", OpenSubcode.Unspecific, "0103000100")]
    [InlineData(Start + "09 0207 0105 0001 00 01 00", OpenSubcode.Unspecific, "01050001000100")]
    [InlineData(Start + "06 0204 4102 fde9", OpenSubcode.Unspecific, "4102fde9")]
    [InlineData(Start + "04 0202 4000", OpenSubcode.Unspecific, "4000")]
    [InlineData(Start + "07 0205 4003 003c 00", OpenSubcode.Unspecific, "4003003c00")]
    [InlineData(Start + "09 0207 0505 0001 0001 00", OpenSubcode.Unspecific, "05050001000100")]
    [InlineData(Start + "ff ff 00", OpenSubcode.Unspecific, "ffff00")] // RFC 9072: no length
    [InlineData(Start + "ff ff 0005 02 0002 0200 00", OpenSubcode.Unspecific, "")]
    [InlineData(Start + "ff ff 0006 02 0002 0200", OpenSubcode.Unspecific, "")]
    [InlineData(Start + "ff ff 0002 02 00", OpenSubcode.Unspecific, "0200")] // a header of three bytes
    [InlineData(Start + "ff ff 0005 02 0003 0200", OpenSubcode.Unspecific, "0200030200")]
    [InlineData(Start + "ff ff 0003 ff 0000", OpenSubcode.UnsupportedParameter, "")]
    public void RefusesAsTheStandardSays(string body, OpenSubcode subcode, string data)
    {
        Assert.False(OpenMessage.TryParse(Message.Of(BgpMessageType.Open, body), out var open, out var error));
        Assert.Null(open);
        Assert.Equal((BgpErrorCode.Open, subcode), (error.Code, (OpenSubcode)error.Subcode));
        Assert.Equal(Hex.Bytes(data), error.Data.ToArray());
        Assert.NotEmpty(error.Reason);
    }

    [Fact]
    public void RefusesAMessageWithoutParametersLength()
    {
        Assert.False(OpenMessage.TryParse(Message.Of(BgpMessageType.Open, Start), out _, out var error));
        Assert.Equal((BgpErrorCode.MessageHeader, (byte)HeaderSubcode.BadLength), (error.Code, error.Subcode));
        Assert.Equal(Hex.Bytes("001c"), error.Data.ToArray());
    }

    [Theory]
    [InlineData("04 5ba0 00b4 c0a86401 08 0206 4104 fa56ea01", 4200000001L)]
    [InlineData("04 fde9 00b4 c0a86401 08 0206 4104 0000fde9", 65001L)]
    [InlineData("04 fde9 00b4 c0a86401 00", 65001L)]
    [InlineData("04 5ba0 00b4 c0a86401 00", 23456L)] // whether that is the peer's is for the configuration to say
    [InlineData("04 5ba0 00b4 c0a86401 10 0206 4104 00000001 0206 4104 00000002", 2L)] // the last holds
    public void TakesTheAsnFromTheCapability_WhenThereIsOne(string body, long expected) => Assert.Equal(expected, Read(body).Asn);

    [Theory]
    [InlineData("04 fde9 0000 c0a86401 00", 0)]
    [InlineData("04 fde9 0003 c0a86401 00", 3)]
    [InlineData("04 fde9 ffff c0a86401 00", 65535)]
    public void TakesHoldTimes(string body, int expected) => Assert.Equal(expected, Read(body).HoldTime);

    [Theory]
    [InlineData("00", BgpFamilies.None, BgpFamilies.IPv4Unicast)] // RFC 4760 §8
    [InlineData("04 0202 0200", BgpFamilies.None, BgpFamilies.IPv4Unicast)]
    [InlineData("08 0206 0104 0002 00 01", BgpFamilies.IPv6Unicast, BgpFamilies.IPv6Unicast)]
    [InlineData("08 0206 0104 0002 ff 01", BgpFamilies.IPv6Unicast, BgpFamilies.IPv6Unicast)] // the reserved byte means nothing
    [InlineData("0e 020c 0104 0001 00 01 0104 0002 00 01", BgpFamilies.IPv4Unicast | BgpFamilies.IPv6Unicast, BgpFamilies.IPv4Unicast | BgpFamilies.IPv6Unicast)]
    [InlineData("08 0206 0104 0019 00 46", BgpFamilies.None, BgpFamilies.None)] // EVPN alone
    [InlineData("08 0206 0104 0001 00 80", BgpFamilies.None, BgpFamilies.None)] // VPNv4 alone
    public void ReadsFamilies(string parameters, BgpFamilies families, BgpFamilies carried)
    {
        var capabilities = Read(Start + parameters).Capabilities;
        Assert.Equal((families, carried), (capabilities.Families, capabilities.Carried));
    }

    [Theory]
    [InlineData("0a 0208 0506 0001 0001 0002", true)]
    [InlineData("10 020e 050c 0001 0080 0002 0001 0001 0002", true)]
    [InlineData("0a 0208 0506 0001 0080 0002", false)]
    [InlineData("0a 0208 0506 0002 0001 0001", false)]
    [InlineData("04 0202 0500", false)]
    public void ReadsNextHopEncodings(string parameters, bool expected) => Assert.Equal(expected, Read(Start + parameters).Capabilities.ExtendedNextHop);

    [Theory]
    [InlineData("04 0202 0200")]
    [InlineData("04 0202 8000")]
    [InlineData("05 0203 0201 77")] // a value where there should be none
    public void ReadsRouteRefresh(string parameters) => Assert.True(Read(Start + parameters).Capabilities.RouteRefresh);

    [Fact]
    public void ReadsTheLastGracefulRestart_WhenThereAreTwo()
    {
        // First 60 s for IPv4; then R, 4095 s, IPv6 with F, IPv4 without, and two families that are none of ours.
        var capabilities = Read(Start + "1e 021c 4006 003c 0001 01 80  4012 8fff 0002 01 80 0001 01 00 0001 80 80 0019 46 00").Capabilities;
        Assert.Equal(
            new GracefulRestart(IsRestarting: true, KeepsAfterNotification: false, 4095, [new(BgpFamily.IPv4Unicast, false), new(BgpFamily.IPv6Unicast, true)]),
            capabilities.GracefulRestart);
    }

    [Fact]
    public void ReadsParametersOfTheExtendedForm()
    {
        Assert.Equal(4200000001u, Read("04 5ba0 00b4 c0a86401 ff ff 0009 02 0006 4104 fa56ea01").Asn);
        Assert.Equal(4200000001u, Read("04 5ba0 00b4 c0a86401 01 ff 0009 02 0006 4104 fa56ea01").Asn); // The short length says nothing
        Assert.Empty(Read(Start + "ff ff 0000").Capabilities.Others);

        // 100 capabilities of three bytes each, which is more than a short parameter holds.
        var many = string.Concat(Enumerable.Range(0, 100).Select(i => $"{(i == 99 ? 2 : 150 + i % 50):x2}0100"));
        var capabilities = Read(Start + "ff ff 012f 02 012c" + many).Capabilities;
        Assert.True(capabilities.RouteRefresh);
        Assert.Equal(Enumerable.Range(150, 50).Select(i => (byte)i), capabilities.Others);
    }

    [Fact]
    public void ReadsWhatItWrote() =>
        Gen.Select(Gen.UInt, Gen.UShort, Gen.UInt, Gen.UShort, Gen.UShort).Sample((asn, holdTime, identifier, time, bits) =>
        {
            bool Bit(int bit) => (bits >> bit & 1) != 0;
            List<RestartFamily> families = [];
            if (Bit(0))
                families.Add(new(BgpFamily.IPv4Unicast, Bit(1)));
            if (Bit(2))
                families.Add(new(BgpFamily.IPv6Unicast, Bit(3)));
            asn = Bit(4) ? asn : asn % 65536;
            var open = new OpenMessage(Math.Max(1, asn), holdTime is 1 or 2 ? (ushort)0 : holdTime, Math.Max(1, identifier), new Capabilities
            {
                Families = (BgpFamilies)(bits >> 5 & 3),
                RouteRefresh = Bit(7),
                EnhancedRouteRefresh = Bit(8),
                ExtendedNextHop = Bit(9),
                ExtendedMessage = Bit(10),
                LinkLocalNextHop = Bit(11),
                FourOctetAsn = asn > 65535 || Bit(12) ? Math.Max(1, asn) : null,
                GracefulRestart = Bit(13) ? new GracefulRestart(Bit(14), Bit(15), (ushort)(time & 4095), families) : null,
            });
            Assert.True(OpenMessage.TryParse(Written(open), out var read, out _));
            Assert.Equal(open, read);
        });

    private static OpenMessage Read(string body)
    {
        Assert.True(OpenMessage.TryParse(Message.Of(BgpMessageType.Open, body), out var open, out var error), error.Reason);
        Assert.True(error.IsNone);
        return open!;
    }

    private static byte[] Written(OpenMessage open)
    {
        var bytes = new byte[OpenMessage.MaxSize];
        return bytes[..open.WriteTo(bytes)];
    }
}

using CsCheck;
using Portolan.Protocols.Bgp.Wire;

namespace Portolan.Protocols.Tests.Bgp.Wire;

public sealed class UpdateMessageTests
{
    // ORIGIN IGP; AS_PATH 65001 with four bytes; NEXT_HOP 192.168.100.100.
    private const string Origin = "40 01 01 00 ";
    private const string AsPath = "40 02 06 0201 0000fde9 ";
    private const string NextHop = "40 03 04 c0a86464 ";
    private const string Mandatory = Origin + AsPath + NextHop;

    // IPv6 unicast, next hop fd00::64 alone, then fd00::f0/128 and fd01::/64.
    private const string ReachIPv6 = "80 0e 2f 0002 01 10 fd000000000000000000000000000064 00 80 fd0000000000000000000000000000f0 40 fd01000000000000";
    private const string UnreachIPv6 = "80 0f 14 0002 01 80 fd0000000000000000000000000000f0";

    // 192.168.100.240/32
    private const string Vip = "20 c0a864f0";

    [Fact]
    public void CountsWhatIsAnnouncedAndWithdrawn()
    {
        var message = Message.Update("18 c0a865 00", ReachIPv6 + UnreachIPv6 + Mandatory, Vip + "10 0a01 09 0a80");
        Assert.True(UpdateMessage.TryParse(message, out var update, out var error), error.Reason);
        Assert.Equal((3, 2), (update.Announced(BgpFamily.IPv4Unicast), update.Withdrawn(BgpFamily.IPv4Unicast)));
        Assert.Equal((2, 1), (update.Announced(BgpFamily.IPv6Unicast), update.Withdrawn(BgpFamily.IPv6Unicast)));
        Assert.Equal(
            ["-192.168.101.0/24", "-0.0.0.0/0", "-fd00::f0/128", "+192.168.100.240/32", "+10.1.0.0/16", "+10.128.0.0/9", "+fd00::f0/128", "+fd01::/64"],
            Prefixes(update));
        Assert.Null(update.EndOfRib);
        Assert.Null(update.Tolerated);
    }

    [Fact]
    public void GoesOverAttributes()
    {
        Assert.True(UpdateMessage.TryParse(Message.Update("", Mandatory + "d0 08 0004 fde90064", Vip), out var update, out _));
        List<(BgpAttributeFlags, BgpAttributeType, string)> read = [];
        foreach (var attribute in update.Attributes)
            read.Add((attribute.Flags, attribute.Type, Convert.ToHexStringLower(attribute.Value)));
        Assert.Equal(
            [
                (BgpAttributeFlags.Transitive, BgpAttributeType.Origin, "00"),
                (BgpAttributeFlags.Transitive, BgpAttributeType.AsPath, "02010000fde9"),
                (BgpAttributeFlags.Transitive, BgpAttributeType.NextHop, "c0a86464"),
                (BgpAttributeFlags.Optional | BgpAttributeFlags.Transitive | BgpAttributeFlags.ExtendedLength, BgpAttributeType.Communities, "fde90064"),
            ],
            read);
    }

    [Theory]
    [InlineData("", "", "", BgpFamily.IPv4Unicast)] // RFC 4724 §2
    [InlineData("", "80 0f 03 0002 01", "", BgpFamily.IPv6Unicast)]
    [InlineData("", "90 0f 0003 0002 01", "", BgpFamily.IPv6Unicast)] // with a length of two bytes, as many send it
    [InlineData("", "80 0f 03 0001 01", "", BgpFamily.IPv4Unicast)]
    [InlineData("", "80 0f 03 0019 46", "", null)] // EVPN
    [InlineData("", UnreachIPv6, "", null)]
    [InlineData(Vip, "", "", null)]
    [InlineData(Vip, "80 0f 03 0002 01", "", null)]
    [InlineData("", Mandatory, Vip, null)]
    [InlineData("", "80 0f 03 0002 01" + Origin, "", null)]
    [InlineData("", "80 0e 15 0002 01 10 fd000000000000000000000000000064 00", "", null)]
    public void KnowsTheEndOfRib(string withdrawn, string attributes, string announced, BgpFamily? expected)
    {
        Assert.True(UpdateMessage.TryParse(Message.Update(withdrawn, attributes, announced), out var update, out var error), error.Reason);
        Assert.Equal(expected, update.EndOfRib);
    }

    [Theory]
    [InlineData("0001 0000", UpdateSubcode.MalformedAttributes, "")] // Withdrawn routes beyond the message
    [InlineData("ffff 0000", UpdateSubcode.MalformedAttributes, "")]
    [InlineData("0000 0001", UpdateSubcode.MalformedAttributes, "")] // attributes beyond it
    [InlineData("0002 0800 0001", UpdateSubcode.MalformedAttributes, "")]
    [InlineData("0001 21 0000", UpdateSubcode.InvalidNetwork, "")] // /33
    [InlineData("0002 20c0 0000", UpdateSubcode.InvalidNetwork, "")] // a prefix that is cut off
    [InlineData("0000 0000 21 c0a864f000", UpdateSubcode.InvalidNetwork, "")]
    [InlineData("0000 0000 20 c0a864", UpdateSubcode.InvalidNetwork, "")]
    [InlineData("0000 000c 800f03 000201 800f03 000201", UpdateSubcode.MalformedAttributes, "")] // RFC 7606 §3 (g)
    [InlineData("0000 0010 800e05 0019460000 800e05 0019460000", UpdateSubcode.MalformedAttributes, "")]
    [InlineData("0000 0005 800f02 0002", UpdateSubcode.OptionalAttribute, "800f02 0002")] // no room for a family
    [InlineData("0000 0007 800e04 00020100", UpdateSubcode.OptionalAttribute, "800e04 00020100")]
    [InlineData("0000 0006 c00f03 000201", UpdateSubcode.OptionalAttribute, "c00f03 000201")] // flags (RFC 7606 §5.3)
    [InlineData("0000 0008 400e05 0019460000", UpdateSubcode.OptionalAttribute, "400e05 0019460000")]
    [InlineData("0000 0008 800e05 0019460100", UpdateSubcode.OptionalAttribute, "800e05 0019460100")] // a next hop beyond the attribute
    [InlineData("0000 000c 800e09 0002010401020304 00", UpdateSubcode.OptionalAttribute, "800e09 0002010401020304 00")] // IPv6 by way of four bytes
    [InlineData("0000 000b 800e08 00010103010203 00", UpdateSubcode.OptionalAttribute, "800e08 00010103010203 00")]
    [InlineData("0000 0007 800f04 000201 81", UpdateSubcode.OptionalAttribute, "800f04 00020181")] // /129
    [InlineData("0000 0008 800f05 000201 10fd", UpdateSubcode.OptionalAttribute, "800f05 000201 10fd")]
    [InlineData("0000 000d 800e0a 0001010401020304 00 21", UpdateSubcode.OptionalAttribute, "800e0a 0001010401020304 00 21")]
    [InlineData("0000 0003 40 0b 00 20 c0a864f0", UpdateSubcode.UnrecognizedWellKnown, "400b00")]
    [InlineData("0000 0003 00 ff 00 20 c0a864f0", UpdateSubcode.UnrecognizedWellKnown, "00ff00")]
    [InlineData("0000 0004 400102 00", UpdateSubcode.MalformedAttributes, "")] // cut off, and no prefix there (RFC 7606 §5.2)
    [InlineData("0000 0001 40", UpdateSubcode.MalformedAttributes, "")]
    [InlineData("0000 0003 800e01 20 c0a864f0", UpdateSubcode.MalformedAttributes, "")] // prefixes were in what is cut off
    [InlineData("0000 0003 900f00 20 c0a864f0", UpdateSubcode.MalformedAttributes, "")]
    [InlineData("0000 0005 400102 0000", UpdateSubcode.AttributeLength, "4001020000")] // malformed, and no prefix there
    [InlineData("0000 0004 800101 00", UpdateSubcode.AttributeFlags, "80010100")]
    public void EndsTheSession_WhenPrefixesCannotBeTold(string body, UpdateSubcode subcode, string data)
    {
        Assert.False(UpdateMessage.TryParse(Message.Of(BgpMessageType.Update, body), out _, out var error));
        Assert.Equal((BgpErrorCode.Update, subcode), (error.Code, (UpdateSubcode)error.Subcode));
        Assert.Equal(Hex.Bytes(data), error.Data.ToArray());
        Assert.NotEmpty(error.Reason);
    }

    [Theory]
    [InlineData(AsPath + NextHop, "ORIGIN is missing")]
    [InlineData(Origin + NextHop, "AS_PATH is missing")]
    [InlineData(Origin + AsPath, "NEXT_HOP is missing")]
    [InlineData("", "ORIGIN is missing")]
    [InlineData(Mandatory + Origin, "attribute 1 comes twice")]
    [InlineData(Mandatory + "c0 63 00 c0 63 00", "attribute 99 comes twice")]
    [InlineData("c0 01 01 00" + AsPath + NextHop, "attribute 1 with flags 0xc0")]
    [InlineData("40 01 00" + AsPath + NextHop, "attribute 1 with 0 bytes")]
    [InlineData(Origin + AsPath + "40 03 10 fd000000000000000000000000000064", "attribute 3 with 16 bytes")]
    [InlineData(Mandatory + "c0 04 04 00000000", "attribute 4 with flags 0xc0")]
    [InlineData(Mandatory + "80 04 03 000000", "attribute 4 with 3 bytes")]
    [InlineData(Mandatory + "40 05 05 0000000000", "attribute 5 with 5 bytes")]
    [InlineData(Mandatory + "40 06 01 00", "attribute 6 with 1 bytes")]
    [InlineData(Mandatory + "c0 07 07 00000000000000", "attribute 7 with 7 bytes")]
    [InlineData(Mandatory + "c0 08 00", "attribute 8 with 0 bytes")]
    [InlineData(Mandatory + "c0 08 06 000000000000", "attribute 8 with 6 bytes")]
    [InlineData(Mandatory + "80 09 05 0000000000", "attribute 9 with 5 bytes")]
    [InlineData(Mandatory + "80 0a 00", "attribute 10 with 0 bytes")]
    [InlineData(Mandatory + "c0 10 04 00000000", "attribute 16 with 4 bytes")]
    [InlineData(Mandatory + "c0 20 08 0000000000000000", "attribute 32 with 8 bytes")]
    [InlineData(Mandatory + "40 20 0c 000000000000000000000000", "attribute 32 with flags 0x40")]
    [InlineData(Mandatory + "c0 08 04 0000", "an attribute goes beyond the attributes")] // RFC 7606 §4
    [InlineData(Mandatory + "c0", "an attribute goes beyond the attributes")]
    [InlineData(Mandatory + "d0 08 00", "an attribute goes beyond the attributes")]
    [InlineData(Mandatory + "40 06 01 00 c0 08 00", "attribute 8 with 0 bytes")] // what makes the route void is said first
    public void GoesOn_WhenOnlyTheRoutesAreWrong(string attributes, string expected)
    {
        Assert.True(UpdateMessage.TryParse(Message.Update("", attributes, Vip), out var update, out var error), error.Reason);
        Assert.Equal(expected, update.Tolerated);
        Assert.Equal(["+192.168.100.240/32"], Prefixes(update));
    }

    [Theory]
    [InlineData("c0 63 02 0102")] // an unknown attribute, optional and transitive
    [InlineData("e0 63 02 0102")] // partial
    [InlineData("80 63 02 0102")]
    [InlineData("cf 08 04 fde90064")] // the lower four bits mean nothing (RFC 4271 §4.3)
    [InlineData("80 04 04 00000064 40 05 04 00000064 40 06 00 c0 07 06 fde9c0a86464 80 09 04 c0a86464 80 0a 04 c0a86464")]
    [InlineData("c0 07 08 0000fde9c0a86464 c0 10 08 0002fde900000064 c0 20 0c 0000fde90000000100000002")]
    [InlineData("80 0e 0a 0019 46 04 c0a86464 00 ff")] // a family that is none of ours, whatever its prefixes look like
    [InlineData("80 0f 04 0019 46 ff")]
    [InlineData("80 0e 26 0001 01 20 fd000000000000000000000000000064 fe800000000000000000000000000064 00 00")] // RFC 8950
    public void FindsNothingWrong(string attributes)
    {
        Assert.True(UpdateMessage.TryParse(Message.Update("", Mandatory + attributes, Vip), out var update, out var error), error.Reason);
        Assert.Null(update.Tolerated);
    }

    [Fact]
    public void NeedsNoNextHopAttribute_WhenAllPrefixesHaveOneOfTheirOwn()
    {
        Assert.True(UpdateMessage.TryParse(Message.Update("", ReachIPv6 + Origin + AsPath, ""), out var update, out _));
        Assert.Null(update.Tolerated);
        Assert.Equal(["+fd00::f0/128", "+fd01::/64"], Prefixes(update));
    }

    [Fact]
    public void TakesAPrefixWithoutItsHostBits()
    {
        Assert.True(UpdateMessage.TryParse(Message.Update("11 0a01ff", "", ""), out var update, out _));
        Assert.Equal(["-10.1.128.0/17"], Prefixes(update));
    }

    [Fact]
    public void DropsAnAttributeAlone_WhenThereIsNoPrefix()
    {
        // ATOMIC_AGGREGATE with a byte: discarding it needs no prefix (RFC 7606 §5.2).
        Assert.True(UpdateMessage.TryParse(Message.Update(Vip, "40 06 01 00", ""), out var update, out _));
        Assert.Equal("attribute 6 with 1 bytes", update.Tolerated);
    }

    [Fact]
    public void RefusesAMessageWithoutLengths()
    {
        Assert.False(UpdateMessage.TryParse(Message.Of(BgpMessageType.Update, "0000 00"), out _, out var error));
        Assert.Equal((BgpErrorCode.MessageHeader, HeaderSubcode.BadLength), (error.Code, (HeaderSubcode)error.Subcode));
    }

    [Fact]
    public void ReadsThePrefixesThatWereWritten() =>
        Gen.Select(Gen.Bool, Gen.ULong, Gen.ULong, Gen.Int[0, 128]).Array[0, 30].Sample(picks =>
        {
            var (ipv4, ipv6) = (new List<BgpPrefix>(), new List<BgpPrefix>());
            foreach (var (isIPv6, upper, lower, length) in picks)
                if (isIPv6)
                    ipv6.Add(new BgpPrefix(BgpFamily.IPv6Unicast, new UInt128(upper, lower), length));
                else
                    ipv4.Add(new BgpPrefix(BgpFamily.IPv4Unicast, (uint)lower, length % 33));
            var field = Written(ipv6);
            var message = Message.Update(Written(ipv4), $"90 0f {3 + field.Length / 2:x4} 0002 01 {field}", "");
            Assert.True(UpdateMessage.TryParse(message, out var update, out var error), error.Reason);
            Assert.Equal([.. ipv4.Concat(ipv6).Select(p => $"-{p}")], Prefixes(update));
            Assert.Equal((ipv4.Count, ipv6.Count), (update.Withdrawn(BgpFamily.IPv4Unicast), update.Withdrawn(BgpFamily.IPv6Unicast)));
        }, iter: 1000);

    private static string Written(List<BgpPrefix> prefixes)
    {
        var bytes = new byte[17 * prefixes.Count];
        var size = 0;
        foreach (var prefix in prefixes)
            size += prefix.WriteTo(bytes.AsSpan(size));
        return Convert.ToHexStringLower(bytes.AsSpan(0, size));
    }

    private static List<string> Prefixes(UpdateMessage update)
    {
        List<string> read = [];
        foreach (var prefix in update.Prefixes)
            read.Add($"{(prefix.IsAnnounced ? '+' : '-')}{prefix.Prefix}");
        return read;
    }
}

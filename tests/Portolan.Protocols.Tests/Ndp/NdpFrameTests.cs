using CsCheck;
using Portolan.Protocols.Arp;
using Portolan.Protocols.Ndp;

namespace Portolan.Protocols.Tests.Ndp;

public sealed class NdpFrameTests
{
    private const string Target = " fd000100000000000000000000 0000f0";
    private const string Client = " fe800000000000000000 5efffe100014";
    private const string Group = " ff0200000000000000000001ff0000f0";

    // who has fd00:100::f0, asked by fe80::5eff:fe10:14.
    private const string Solicitation =
        "3333ff0000f0 02005e100014 86dd" + "60000000 0020 3a ff" + Client + Group + "87 00 bdf4 00000000" + Target + "01 01 02005e100014";

    private static readonly MacAddress Mac = MacAddress.Read(Hex.Bytes("02005e100064"));
    private static readonly IPv6 Vip = new(0xfd00_0100_0000_0000, 0xf0);

    [Fact]
    public void ReadsASolicitation()
    {
        Assert.Equal(NdpRejection.None, NdpFrame.TryParse(Hex.Bytes(Solicitation), out var frame));
        Assert.Equal("02:00:5e:10:00:14", frame.SourceMac.ToString());
        Assert.Equal("fe80::5eff:fe10:14", frame.Source.ToString());
        Assert.Equal(Vip.SolicitedNode, frame.Destination);
        Assert.Equal(Vip.SolicitedNode.GroupMac, frame.DestinationMac);
        Assert.Equal(new NeighborMessage(NeighborMessageType.Solicitation, NeighborFlags.None, Vip, frame.SourceMac), frame.Message);
    }

    [Fact]
    public void WritesAnUnsolicitedAdvertisement()
    {
        var frame = NdpFrame.Unsolicited(Mac, Vip);
        Assert.Equal(
            Hex.Bytes("333300000001 02005e100064 86dd 60000000 0020 3a ff" + Target + " ff02 000000000000000000000000 0001" + "88 00 f849 20 000000" + Target + "02 01 02005e100064"),
            Written(frame));
    }

    [Fact]
    public void WritesAProbe_FromNobody() => Assert.Equal(
        Hex.Bytes("3333ff0000f0 02005e100064 86dd 60000000 0018 3a ff" + "00000000000000000000000000000000" + Group + "87 00 7ac7 00000000" + Target),
        Written(NdpFrame.Probe(Mac, Vip)));

    [Fact]
    public void ReadsWhatItWrites() =>
        Gen.Select(Gen.ULong, Gen.ULong, Gen.Int[0, 3]).Sample((upper, lower, kind) =>
        {
            var address = new IPv6(upper >> 4, lower); // no group
            var frame = kind switch
            {
                0 => NdpFrame.Unsolicited(Mac, address with { Upper = upper >> 4 | 1 }),
                1 => NdpFrame.Probe(Mac, address),
                2 => NdpFrame.Solicitation(Mac, Vip, address),
                _ => new NdpFrame(Mac, Mac, Vip, address, new NeighborMessage(NeighborMessageType.Advertisement, NeighborFlags.Router | NeighborFlags.Solicited, address, null)),
            };
            return NdpFrame.TryParse([.. Written(frame), .. new byte[kind]], out var read) is NdpRejection.None && read == frame;
        }, iter: 2000);

    [Theory]
    [InlineData(13, 0x00, NdpRejection.NotIcmp)] // EtherType
    [InlineData(14, 0x45, NdpRejection.NotIcmp)] // version
    [InlineData(20, 0x2c, NdpRejection.NotIcmp)] // a fragment
    [InlineData(21, 0xfe, NdpRejection.BadHopLimit)] // through a router
    [InlineData(19, 0x17, NdpRejection.TooShort)] // payload of 23 bytes
    [InlineData(19, 0x21, NdpRejection.TooShort)] // payload beyond the frame
    [InlineData(19, 0x19, NdpRejection.BadOption)] // half an option's header
    [InlineData(54, 0x86, NdpRejection.UnknownType)] // router advertisement
    [InlineData(55, 0x01, NdpRejection.BadCode)]
    [InlineData(62, 0xff, NdpRejection.BadTarget)]
    [InlineData(79, 0x00, NdpRejection.BadOption)]
    [InlineData(79, 0x02, NdpRejection.BadOption)]
    [InlineData(56, 0x00, NdpRejection.BadChecksum)]
    [InlineData(85, 0x15, NdpRejection.BadChecksum)]
    public void NamesWhatIsWrong(int offset, byte value, NdpRejection expected)
    {
        var bytes = Hex.Bytes(Solicitation);
        bytes[offset] = value;
        Assert.Equal(expected, NdpFrame.TryParse(bytes, out _));
    }

    [Fact]
    public void RefusesEveryTruncation()
    {
        var bytes = Hex.Bytes(Solicitation);
        for (var length = 0; length < bytes.Length; length++)
            Assert.Equal(NdpRejection.TooShort, NdpFrame.TryParse(bytes.AsSpan(0, length), out _));
    }

    [Fact]
    public void BelievesNobodyWithoutAnAddress_WhatOnlyAnOwnerMaySay()
    {
        var probe = NdpFrame.Probe(Mac, Vip);
        Assert.Equal(NdpRejection.None, Read(probe));
        Assert.Equal(NdpRejection.BadSource, Read(probe with { Message = probe.Message with { LinkAddress = Mac } }));
        Assert.Equal(NdpRejection.BadSource, Read(probe with { Destination = IPv6.AllNodes }));
        Assert.Equal(NdpRejection.BadSource, Read(NdpFrame.Unsolicited(Mac, Vip) with { Source = default }));
        Assert.Equal(NdpRejection.BadSource, Read(NdpFrame.Unsolicited(Mac, Vip) with { Source = IPv6.AllNodes }));
    }

    [Fact]
    public void RefusesAnAnswerToAll()
    {
        var frame = NdpFrame.Unsolicited(Mac, Vip);
        Assert.Equal(NdpRejection.BadFlags, Read(frame with { Message = frame.Message with { Flags = NeighborFlags.Solicited } }));
    }

    [Fact]
    public void PassesOverOptionsItDoesNotKnow() =>
        Assert.Equal(NdpRejection.None, NdpFrame.TryParse(
            Hex.Bytes("3333ff0000f0 02005e100014 86dd 60000000 0020 3a ff 00000000000000000000000000000000" + Group + "87 00 63b2 00000000" + Target + "0e 01 010203040506"),
            out _)); // a nonce (RFC 7527)

    private static NdpRejection Read(NdpFrame frame) => NdpFrame.TryParse(Written(frame), out _);

    private static byte[] Written(NdpFrame frame)
    {
        var bytes = new byte[frame.Size];
        frame.WriteTo(bytes);
        return bytes;
    }
}

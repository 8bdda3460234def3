using CsCheck;
using Portolan.Protocols.Arp;

namespace Portolan.Protocols.Tests.Arp;

public sealed class ArpPacketTests
{
    // who-has 192.168.100.240 tell 192.168.100.20, as a Linux client sends it.
    private const string Request =
        "ffffffffffff 02005e100014 0806" + "0001 0800 06 04 0001  02005e100014 c0a86414  000000000000 c0a864f0";

    [Fact]
    public void ReadsARequest()
    {
        Assert.Equal(ArpRejection.None, ArpFrame.TryParse(Hex.Bytes(Request), out var frame));
        Assert.True(frame.Destination.IsBroadcast);
        Assert.Equal("02:00:5e:10:00:14", frame.Source.ToString());
        Assert.Equal(ArpOperation.Request, frame.Packet.Operation);
        Assert.Equal("192.168.100.20", frame.Packet.Sender.ToString());
        Assert.Equal("192.168.100.240", frame.Packet.Target.ToString());
        Assert.True(frame.Packet.TargetMac.IsZero);
        Assert.False(frame.Packet.IsProbe);
        Assert.False(frame.Packet.IsAnnouncement);
    }

    [Fact]
    public void ReadsThroughEthernetPadding() =>
        Assert.Equal(ArpRejection.None, ArpFrame.TryParse([.. Hex.Bytes(Request), .. new byte[18]], out _));

    [Fact]
    public void KnowsAProbe()
    {
        var bytes = Hex.Bytes("0001 0800 06 04 0001 02005e100014 00000000 000000000000 c0a864f0");
        Assert.Equal(ArpRejection.None, ArpPacket.TryParse(bytes, out var packet));
        Assert.True(packet.IsProbe);
    }

    [Theory]
    [InlineData(12, 0x08, ArpRejection.None)]
    [InlineData(13, 0x00, ArpRejection.NotArp)] // IPv4
    [InlineData(15, 0x06, ArpRejection.NotIPv4OverEthernet)] // hardware type
    [InlineData(16, 0x86, ArpRejection.NotIPv4OverEthernet)] // protocol type
    [InlineData(18, 0x08, ArpRejection.NotIPv4OverEthernet)] // hardware length
    [InlineData(19, 0x10, ArpRejection.NotIPv4OverEthernet)] // protocol length
    [InlineData(21, 0x00, ArpRejection.UnknownOperation)]
    [InlineData(21, 0x03, ArpRejection.UnknownOperation)] // RARP request
    public void NamesWhatIsWrong(int offset, byte value, ArpRejection expected)
    {
        var bytes = Hex.Bytes(Request);
        bytes[offset] = value;
        Assert.Equal(expected, ArpFrame.TryParse(bytes, out _));
    }

    [Fact]
    public void RefusesEveryTruncation()
    {
        var bytes = Hex.Bytes(Request);
        for (var length = 0; length < bytes.Length; length++)
            Assert.Equal(ArpRejection.TooShort, ArpFrame.TryParse(bytes.AsSpan(0, length), out _));
    }

    [Fact]
    public void WritesBothGratuitousForms()
    {
        Assert.True(MacAddress.TryParse("02:00:5e:10:00:64", out var mac));
        var bytes = new byte[ArpFrame.Size];
        ArpFrame.GratuitousRequest(mac, new IPv4(0xc0a864f0)).WriteTo(bytes);
        Assert.Equal(Hex.Bytes("ffffffffffff 02005e100064 0806 0001 0800 06 04 0001 02005e100064 c0a864f0 ffffffffffff c0a864f0"), bytes);
        ArpFrame.GratuitousReply(mac, new IPv4(0xc0a864f0)).WriteTo(bytes);
        Assert.Equal(Hex.Bytes("ffffffffffff 02005e100064 0806 0001 0800 06 04 0002 02005e100064 c0a864f0 ffffffffffff c0a864f0"), bytes);
    }

    [Fact]
    public void WritesWhatItRead() =>
        Gen.Byte.Array[0, 64].Sample(bytes =>
        {
            if (ArpFrame.TryParse(bytes, out var frame) is not ArpRejection.None)
                return;
            var written = new byte[ArpFrame.Size];
            frame.WriteTo(written);
            Assert.Equal(bytes.AsSpan(0, ArpFrame.Size).ToArray(), written);
        }, iter: 20_000);

    [Fact]
    public void WritesWhatItRead_WhenAGoodFrameIsDamaged() =>
        Gen.Select(Gen.Int[0, ArpFrame.Size - 1], Gen.Byte, Gen.Int[0, ArpFrame.Size]).Sample((offset, value, length) =>
        {
            var bytes = Hex.Bytes(Request);
            bytes[offset] = value;
            if (ArpFrame.TryParse(bytes.AsSpan(0, length), out var frame) is not ArpRejection.None)
                return;
            var written = new byte[ArpFrame.Size];
            frame.WriteTo(written);
            Assert.Equal(bytes, written);
        }, iter: 20_000);

    [Theory]
    [InlineData("02:00:5e:10:00:64", true)]
    [InlineData("02-00-5e-10-00-64", false)]
    [InlineData("02:00:5e:10:00", false)]
    [InlineData("02:00:5e:10:00: 4", false)]
    [InlineData("+2:00:5e:10:00:64", false)]
    public void ReadsMacAddresses(string text, bool valid)
    {
        Assert.Equal(valid, MacAddress.TryParse(text, out var address));
        if (valid)
            Assert.Equal(text, address.ToString());
    }
}

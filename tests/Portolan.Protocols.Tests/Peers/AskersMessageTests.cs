using Portolan.Protocols.Arp;
using Portolan.Protocols.Ndp;
using Portolan.Protocols.Neighbors;
using Portolan.Protocols.Peers;

namespace Portolan.Protocols.Tests.Peers;

public sealed class AskersMessageTests
{
    private const string Four = "04 02005e100014 c0a86414 c0a864f0";
    private const string Six = "06 02005e100015 fe8000000000000000005efffe100015 fd0001000000000000000000000000f0";

    [Fact]
    public void ReadsAndWritesClientsOfBothFamilies()
    {
        Assert.True(AskersMessage.TryParse(Hex.Bytes(Four + Six + Four), out var message));
        var read = new List<string>();
        var buffer = new byte[PeerRecord.MaxPayloadSize];
        var written = 0;
        foreach (var entry in message)
        {
            read.Add($"{entry.AskerOfIPv4}{entry.AskerOfIPv6}");
            Assert.True(entry.AskerOfIPv4 is { } four
                ? AskersMessage.TryWriteEntry(buffer.AsSpan(written), four, out var size)
                : AskersMessage.TryWriteEntry(buffer.AsSpan(written), entry.AskerOfIPv6!.Value, out size));
            written += size;
        }

        var (mac, address) = (MacAddress.Read(Hex.Bytes("02005e100014")), new IPv4(0xc0a86414));
        var of4 = new Asker<IPv4>(mac, address, new IPv4(0xc0a864f0));
        var of6 = new Asker<IPv6>(MacAddress.Read(Hex.Bytes("02005e100015")), new IPv6(0xfe80_0000_0000_0000, 0x0000_5eff_fe10_0015), new IPv6(0xfd00_0100_0000_0000, 0xf0));
        Assert.Equal([$"{of4}", $"{of6}", $"{of4}"], read);
        Assert.Equal(Hex.Bytes(Four + Six + Four), buffer[..written]);
        Assert.False(AskersMessage.TryWriteEntry(new byte[14], of4, out _));
        Assert.False(AskersMessage.TryWriteEntry(new byte[38], of6, out _));
        Assert.True(AskersMessage.TryParse([], out _));
    }

    [Theory]
    [InlineData("05 02005e100014 c0a86414 c0a864f0")]
    [InlineData("04 02005e100014 c0a86414 c0a864")]
    [InlineData("06 02005e100014 c0a86414 c0a864f0")]
    [InlineData(Four + "04")]
    [InlineData("04 01005e000001 c0a86414 c0a864f0")] // a group
    [InlineData("04 000000000000 c0a86414 c0a864f0")]
    public void RefusesBadEntries(string bytes) => Assert.False(AskersMessage.TryParse(Hex.Bytes(bytes), out _));
}

using CsCheck;
using Portolan.Protocols.Peers;

namespace Portolan.Protocols.Tests.Peers;

public sealed class PeerDatagramTests
{
    // From node 1111… to 2222…, life 3333…, the seventh datagram, with an answer; signed with the key of "secret".
    private const string Header = "01 01 0000 1111111111111111 2222222222222222 3333333333333333 0000000000000007";
    private const string Answer = "02 00 0008 00000000000000ff";
    private const string Tag = "5e023cfbe34272bcc809618362344ddb";
    private static readonly PeerKey Key = PeerKey.Derive("secret"u8);

    [Fact]
    public void ReadsASignedDatagram()
    {
        Assert.Equal(PeerRejection.None, PeerDatagram.TryParse(Hex.Bytes(Header + Answer + Tag), Key, out var datagram));
        Assert.Equal((0x1111111111111111UL, 0x2222222222222222UL, 0x3333333333333333UL, 7UL), (datagram.Sender, datagram.Receiver, datagram.Boot, datagram.Sequence));
        var items = datagram.Items;
        Assert.True(items.MoveNext());
        Assert.Equal((PeerItemType.Answer, 0), (items.Current.Type, items.Current.Part));
        Assert.False(items.Current.IsRecord);
        Assert.True(PeerAnswer.TryParse(items.Current.Body, out var answer));
        Assert.Equal(0xffUL, answer.Nonce);
        Assert.False(items.MoveNext());
    }

    [Fact]
    public void WritesASignedDatagram()
    {
        var buffer = new byte[PeerDatagram.MaxSize];
        var writer = new PeerDatagramWriter(buffer);
        Span<byte> body = stackalloc byte[PeerAnswer.Size];
        new PeerAnswer(0xff).WriteTo(body);
        Assert.True(writer.TryAdd(PeerItemType.Answer, 0, body));
        var size = writer.Seal(0x1111111111111111, 0x2222222222222222, 0x3333333333333333, 7, Key);
        Assert.Equal(Hex.Bytes(Header + Answer + Tag), buffer[..size]);
    }

    [Theory]
    [InlineData("", PeerRejection.TooShort)]
    [InlineData("01 00 0000 1111111111111111 2222222222222222 3333333333333333 00000000000007", PeerRejection.TooShort)]
    [InlineData("01 00 0000 1111111111111111 2222222222222222 3333333333333333 0000000000000007", PeerRejection.None)]
    [InlineData("02 00 0000 1111111111111111 2222222222222222 3333333333333333 0000000000000007", PeerRejection.WrongVersion)]
    [InlineData("01 02 0000 1111111111111111 2222222222222222 3333333333333333 0000000000000007", PeerRejection.WrongVersion)]
    [InlineData("01 00 0001 1111111111111111 2222222222222222 3333333333333333 0000000000000007", PeerRejection.WrongVersion)]
    [InlineData("01 01 0000 1111111111111111 2222222222222222 3333333333333333 0000000000000007", PeerRejection.UnexpectedAuthentication)]
    [InlineData("01 00 0000 1111111111111111 2222222222222222 3333333333333333 0000000000000007 02 00 0009 00000000000000ff", PeerRejection.BadItem)]
    [InlineData("01 00 0000 1111111111111111 2222222222222222 3333333333333333 0000000000000007 02 00 00", PeerRejection.BadItem)]
    public void ChecksWithoutAKey(string bytes, PeerRejection expected) =>
        Assert.Equal(expected, PeerDatagram.TryParse(Hex.Bytes(bytes), null, out _));

    [Theory]
    [InlineData("01 00 0000 1111111111111111 2222222222222222 3333333333333333 0000000000000007", PeerRejection.MissingAuthentication)]
    [InlineData(Header + "00112233445566778899aabbccddee", PeerRejection.TooShort)]
    [InlineData(Header + Answer + "00112233445566778899aabbccddeeff", PeerRejection.BadTag)]
    public void ChecksWithAKey(string bytes, PeerRejection expected) =>
        Assert.Equal(expected, PeerDatagram.TryParse(Hex.Bytes(bytes), Key, out _));

    [Fact]
    public void RefusesEveryChangedByte()
    {
        var bytes = Hex.Bytes(Header + Answer + Tag);
        for (var i = 0; i < bytes.Length; i++)
        {
            bytes[i] ^= 0x10;
            Assert.NotEqual(PeerRejection.None, PeerDatagram.TryParse(bytes, Key, out _));
            bytes[i] ^= 0x10;
        }

        Assert.Equal(PeerRejection.BadTag, PeerDatagram.TryParse(bytes, PeerKey.Derive("another"u8), out _));
    }

    [Fact]
    public void NeverGrowsBeyondItsSize()
    {
        var buffer = new byte[PeerDatagram.MaxSize];
        var writer = new PeerDatagramWriter(buffer);
        Assert.True(writer.TryAdd(PeerItemType.Askers, 3, new byte[PeerRecord.HeaderSize + PeerRecord.MaxPayloadSize]));
        Assert.False(writer.TryAdd(PeerItemType.Answer, 0, []));
        Assert.Equal(PeerDatagram.MaxSize, writer.Seal(1, 2, 3, 4, Key));
        Assert.Equal(PeerRejection.None, PeerDatagram.TryParse(buffer, Key, out _));
        Assert.Equal(PeerRejection.TooLong, PeerDatagram.TryParse(new byte[PeerDatagram.MaxSize + 1], Key, out _));
    }

    [Fact]
    public void NamesNodesByTheirHash() => Assert.Equal(0xca12f31b8cbf5f29UL, PeerNode.IdOf("node1"));

    [Fact]
    public void ReadsWhateverComes_WithoutFailing() =>
        Gen.Byte.Array[0, 200].Sample(bytes =>
        {
            if (bytes.Length > 3)
                (bytes[0], bytes[1], bytes[2], bytes[3]) = (1, 0, 0, 0);
            if (PeerDatagram.TryParse(bytes, null, out var datagram) is not PeerRejection.None)
                return;
            foreach (var item in datagram.Items)
                Messages.Read(item);
        }, iter: 20_000);
}

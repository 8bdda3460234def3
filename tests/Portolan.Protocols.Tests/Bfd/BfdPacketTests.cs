using System.Security.Cryptography;
using CsCheck;
using Portolan.Protocols.Bfd;

namespace Portolan.Protocols.Tests.Bfd;

public sealed class BfdPacketTests
{
    // Up, no diagnostic, poll, multiplier 3, discriminators 1 and 2, 300 ms both ways.
    private const string Up = "20 e0 03 18 00000001 00000002 000493e0 000493e0 00000000";

    [Fact]
    public void ReadsTheMandatorySection()
    {
        Assert.Equal(BfdRejection.None, BfdPacket.TryParse(Hex.Bytes(Up), out var packet));
        Assert.Equal(new BfdPacket(BfdDiagnostic.None, BfdState.Up, BfdFlags.Poll, 3, 24, 1, 2, 300_000, 300_000, 0), packet);
    }

    [Fact]
    public void WritesTheMandatorySection()
    {
        var bytes = new byte[24];
        new BfdPacket(BfdDiagnostic.DetectionTimeExpired, BfdState.Down, BfdFlags.Final, 5, 24, 0x01020304, 0, 1_000_000, 300_000, 0).WriteTo(bytes);
        Assert.Equal(Hex.Bytes("21 50 05 18 01020304 00000000 000f4240 000493e0 00000000"), bytes);
    }

    [Theory]
    [InlineData("40 c0 03 18 00000001 00000002 000493e0 000493e0 00000000", BfdRejection.WrongVersion)]
    [InlineData("00 c0 03 18 00000001 00000002 000493e0 000493e0 00000000", BfdRejection.WrongVersion)]
    [InlineData("20 c0 03 17 00000001 00000002 000493e0 000493e0 00000000", BfdRejection.BadLength)]
    [InlineData("20 c0 03 19 00000001 00000002 000493e0 000493e0 00000000", BfdRejection.BadLength)]
    [InlineData("20 c4 03 18 00000001 00000002 000493e0 000493e0 00000000", BfdRejection.BadLength)] // A bit without a section
    [InlineData("20 c4 03 19 00000001 00000002 000493e0 000493e0 00000000 04", BfdRejection.BadLength)]
    [InlineData("20 c0 00 18 00000001 00000002 000493e0 000493e0 00000000", BfdRejection.ZeroMultiplier)]
    [InlineData("20 c1 03 18 00000001 00000002 000493e0 000493e0 00000000", BfdRejection.Multipoint)]
    [InlineData("20 f0 03 18 00000001 00000002 000493e0 000493e0 00000000", BfdRejection.PollAndFinal)]
    [InlineData("20 c0 03 18 00000000 00000002 000493e0 000493e0 00000000", BfdRejection.ZeroDiscriminator)]
    [InlineData("20 c0 03 18 00000001 00000000 000493e0 000493e0 00000000", BfdRejection.ZeroYourDiscriminator)]
    [InlineData("20 80 03 18 00000001 00000000 000493e0 000493e0 00000000", BfdRejection.ZeroYourDiscriminator)]
    [InlineData("20 40 03 18 00000001 00000000 000493e0 000493e0 00000000", BfdRejection.None)] // Down may not know us
    [InlineData("20 00 03 18 00000001 00000000 000493e0 000493e0 00000000", BfdRejection.None)] // nor may AdminDown
    [InlineData("20 c0 03 18 00000001 00000002 000493e0 000493e0", BfdRejection.TooShort)]
    [InlineData("", BfdRejection.TooShort)]
    public void ChecksAsTheStandardSays(string bytes, BfdRejection expected) =>
        Assert.Equal(expected, BfdPacket.TryParse(Hex.Bytes(bytes), out _));

    [Fact]
    public void WritesWhatItRead() =>
        Gen.Byte.Array[0, 80].Sample(bytes =>
        {
            // Half of the samples get a plausible start, or none would pass the version and length checks.
            if (bytes.Length > 24 && bytes[4] % 2 == 0)
                (bytes[0], bytes[3]) = ((byte)(0x20 | bytes[0] & 0x1f), (byte)(24 + bytes[3] % (bytes.Length - 23)));
            if (BfdPacket.TryParse(bytes, out var packet) is not BfdRejection.None)
                return;
            var written = new byte[BfdPacket.Size];
            packet.WriteTo(written);
            Assert.Equal(bytes.AsSpan(0, BfdPacket.Size).ToArray(), written);
        }, iter: 20_000);

    [Fact]
    [System.Diagnostics.CodeAnalysis.SuppressMessage("Security", "CA5350", Justification = "the wire format fixes the digest")]
    public void SignsTheWholePacketWithTheKeyInTheDigestsPlace()
    {
        var key = new BfdKey(7, "secret"u8);
        var packet = new byte[BfdPacket.Size + BfdKey.SectionSize];
        Hex.Bytes("20 c4 03 34 00000001 00000002 000493e0 000493e0 00000000").CopyTo(packet, 0);
        key.Sign(packet, 0xfffffffe);

        // RFC 5880 §6.7.4: SHA1 over the packet with the key, padded with zeros to 20 bytes, where the digest goes.
        var hashed = Hex.Bytes("20 c4 03 34 00000001 00000002 000493e0 000493e0 00000000"
            + "05 1c 07 00 fffffffe" + "736563726574 0000000000000000000000000000");
        Assert.Equal(Hex.Bytes("05 1c 07 00 fffffffe"), packet[24..32]);
        Assert.Equal(SHA1.HashData(hashed), packet[32..]);
        Assert.True(key.Verify(packet));
        packet[8] ^= 1;
        Assert.False(key.Verify(packet));
    }
}

using Portolan.Protocols.Peers;

namespace Portolan.Protocols.Tests.Peers;

public sealed class MessageTests
{
    [Fact]
    public void ReadsAndWritesARecord()
    {
        var bytes = Hex.Bytes("1111111111111111 0000000000000005 0000000000000009 cafe");
        Assert.True(PeerRecord.TryParse(bytes, out var record));
        Assert.Equal((0x1111111111111111UL, 5UL, 9UL), (record.Origin, record.Incarnation, record.Sequence));
        Assert.Equal([0xca, 0xfe], record.Payload.ToArray());
        var written = new byte[PeerRecord.HeaderSize];
        PeerRecord.WriteHeader(written, 0x1111111111111111, 5, 9);
        Assert.Equal(bytes[..PeerRecord.HeaderSize], written);
        Assert.False(PeerRecord.TryParse(bytes.AsSpan(0, PeerRecord.HeaderSize - 1), out _));
    }

    [Fact]
    public void ReadsAndWritesAChallenge()
    {
        var bytes = Hex.Bytes("00000000000000ff 0000000000000005");
        Assert.True(PeerChallenge.TryParse(bytes, out var challenge));
        Assert.Equal(new PeerChallenge(0xff, 5), challenge);
        var written = new byte[PeerChallenge.Size];
        challenge.WriteTo(written);
        Assert.Equal(bytes, written);
        Assert.False(PeerChallenge.TryParse(bytes.AsSpan(1), out _));
        Assert.False(PeerAnswer.TryParse(bytes, out _));
    }

    [Fact]
    public void ReadsAndWritesVerdicts()
    {
        var bytes = Hex.Bytes("01 1111111111111111 01 2222222222222222 82 3333333333333333 83");
        Assert.True(VerdictsMessage.TryParse(bytes, out var message));
        Assert.True(message.IsReady);
        var read = new List<PeerVerdict>();
        foreach (var verdict in message)
            read.Add(verdict);
        Assert.Equal([new(0x1111111111111111, 1, false), new(0x2222222222222222, 2, true), new(0x3333333333333333, 3, true)], read);
        var written = new byte[PeerRecord.MaxPayloadSize];
        Assert.Equal(bytes, written[..VerdictsMessage.Write(written, true, [.. read])]);
    }

    [Theory]
    [InlineData("")]
    [InlineData("02")] // a flag nobody knows
    [InlineData("01 1111111111111111")]
    [InlineData("01 1111111111111111 00")] // nothing seen is not said
    [InlineData("01 1111111111111111 41")]
    public void RefusesBadVerdicts(string bytes) => Assert.False(VerdictsMessage.TryParse(Hex.Bytes(bytes), out _));

    [Fact]
    public void WritesNoMoreVerdictsThanFit()
    {
        var buffer = new byte[PeerRecord.MaxPayloadSize];
        var size = VerdictsMessage.Write(buffer, false, new PeerVerdict[1000]);
        Assert.Equal(1 + VerdictsMessage.MaxCount * 9, size);
    }

    [Fact]
    public void ReadsAndWritesDisappearances()
    {
        var bytes = Hex.Bytes("1111111111111111 01 2222222222222222 20");
        Assert.True(DisappearancesMessage.TryParse(bytes, out var message));
        var read = new List<(ulong, byte)>();
        foreach (var disappearances in message)
            read.Add(disappearances);
        Assert.Equal([(0x1111111111111111, 1), (0x2222222222222222, 32)], read);
        var written = new byte[PeerRecord.MaxPayloadSize];
        Assert.Equal(bytes, written[..DisappearancesMessage.Write(written, [.. read])]);
        Assert.False(DisappearancesMessage.TryParse(bytes.AsSpan(1), out _));
        Assert.False(DisappearancesMessage.TryParse(Hex.Bytes("1111111111111111 00"), out _));
    }

    [Fact]
    public void ReadsAndWritesAReport()
    {
        // One part; draining and without a carrier; better since some time; a Service, a policy "east", an address of each family, and something newer than us.
        var bytes = Hex.Bytes("01 0009 fffffe6b8b8a8000 01 08 0102030405060708 02 04 65617374 03 04 c0a864f0 03 10 fd000000000000000000000000000001 77 01 00");
        Assert.True(ReportMessage.TryParse(bytes, out var message));
        Assert.Equal((1, 9, -1_737_120_645_120), (message.Parts, message.Conditions, message.Standing));
        var written = new byte[bytes.Length];
        ReportMessage.WriteHeader(written, message.Parts, message.Conditions, message.Standing);
        var size = ReportMessage.HeaderSize;
        foreach (var entry in message)
        {
            Assert.True(ReportMessage.TryWriteEntry(written.AsSpan(size), entry.Type, entry.Value, out var more));
            size += more;
        }

        Assert.Equal(bytes, written);
        Assert.False(ReportMessage.TryWriteEntry(new byte[5], ReportEntryType.Yielded, new byte[4], out _));
    }

    [Theory]
    [InlineData("")]
    [InlineData("01 00")]
    [InlineData("01 0000 00000000000000")]
    [InlineData("00 0000 0000000000000000")]
    [InlineData("09 0000 0000000000000000")]
    [InlineData("01 0000 0000000000000000 01")]
    [InlineData("01 0000 0000000000000000 01 08 01020304050607")]
    [InlineData("01 0000 0000000000000000 01 04 01020304")]
    [InlineData("01 0000 0000000000000000 02 00")]
    [InlineData("01 0000 0000000000000000 03 05 0102030405")]
    public void RefusesABadReport(string bytes) => Assert.False(ReportMessage.TryParse(Hex.Bytes(bytes), out _));

    [Fact]
    public void DigestsWhatASpeakerHolds()
    {
        var digest = default(PeerDigest);
        digest.Add(0x3000000000000001, 16, 0, 5, 9);
        var bytes = new byte[PeerDigest.Size];
        digest.WriteTo(bytes);
        Assert.Equal(Hex.Bytes(new string('0', 48) + "05771530aa35950f" + new string('0', 192)), bytes);
        Assert.True(PeerDigest.TryParse(bytes, out var read));
        Assert.True(read == digest);
        digest.Remove(0x3000000000000001, 16, 0, 5, 9);
        Assert.True(digest == default);
        Assert.False(PeerDigest.TryParse(bytes.AsSpan(1), out _));
    }
}

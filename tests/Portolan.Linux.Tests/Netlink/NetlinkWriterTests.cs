using CsCheck;
using Portolan.Linux.Netlink;

namespace Portolan.Linux.Tests.Netlink;

public sealed class NetlinkWriterTests
{
    [Fact]
    public void WritesTheBytesTheKernelReads()
    {
        var writer = new NetlinkWriter(8);
        writer.BeginMessage(0x0a06, NetlinkFlags.Request | NetlinkFlags.Ack, 7);
        new byte[] { 2, 0, 0, 1 }.CopyTo(writer.Reserve(4));
        writer.PutString(1, "ab");
        var nested = writer.BeginNested(2);
        writer.PutUInt16BigEndian(3, 0x0102);
        writer.EndNested(nested);
        writer.EndMessage();

        Assert.Equal(
            "28000000 060a 0500 07000000 00000000 02000001 0700 0100 61620000 0c00 0280 0600 0300 01020000".Replace(" ", ""),
            Convert.ToHexStringLower(writer.Written));
    }

    [Fact]
    public void ReadsWhatItWrote()
    {
        var writer = new NetlinkWriter();
        for (uint i = 1; i <= 3; i++)
        {
            writer.BeginMessage(20, NetlinkFlags.Multi, i);
            writer.Reserve(8)[0] = (byte)i;
            writer.PutUInt32(5, i * 10);
            writer.EndMessage();
        }

        var seen = new List<(uint, uint)>();
        foreach (var message in new NetlinkMessages(writer.Written))
        {
            Assert.True(message.Attributes(8).TryFind(5, out var value));
            seen.Add((message.Sequence, value.AsUInt32));
        }

        Assert.Equal([(1, 10), (2, 20), (3, 30)], seen);
    }

    [Fact]
    public void StopsAtMalformedBytes_InsteadOfThrowing() =>
        Gen.Byte.Array[0, 200].Sample(bytes =>
        {
            foreach (var message in new NetlinkMessages(bytes))
            foreach (var attribute in message.Attributes(4))
            {
                _ = attribute.AsString;
                foreach (var inner in attribute.Nested)
                    _ = inner.AsUInt64;
            }
        });

    [Fact]
    public void RefusesAnAttributeTooLongToSend()
    {
        var writer = new NetlinkWriter();
        writer.BeginMessage(1, NetlinkFlags.None);
        var nested = writer.BeginNested(1);
        writer.Reserve(70_000);
        Assert.Throws<InvalidOperationException>(() => writer.EndNested(nested));
    }
}

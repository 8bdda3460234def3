using System.Text;
using CsCheck;
using Portolan.Protocols.Bgp.Wire;

namespace Portolan.Protocols.Tests.Bgp.Wire;

public sealed class NotificationMessageTests
{
    // "stop"
    private const string Stop = "04 73746f70";

    [Theory]
    [InlineData("06 02", "Cease/Administrative Shutdown")]
    [InlineData("06 02 00", "Cease/Administrative Shutdown")]
    [InlineData("06 02" + Stop, "Cease/Administrative Shutdown: \"stop\"")]
    [InlineData("06 04" + Stop, "Cease/Administrative Reset: \"stop\"")]
    [InlineData("06 03" + Stop, "Cease/Peer De-configured")] // has no communication (RFC 9003 §2)
    [InlineData("06 02 05 73746f70", "Cease/Administrative Shutdown")] // beyond the data
    [InlineData("06 02" + Stop + "00ff", "Cease/Administrative Shutdown: \"stop\"")] // and something behind it
    [InlineData("06 09", "Cease/Hard Reset")]
    [InlineData("06 09 06", "Cease/Hard Reset")]
    [InlineData("06 09 06 02" + Stop, "Cease/Hard Reset: Cease/Administrative Shutdown: \"stop\"")] // RFC 8538 §3.1
    [InlineData("06 09 04 00", "Cease/Hard Reset: Hold Timer Expired")]
    [InlineData("02 02 fde9", "OPEN Message Error/Bad Peer AS")]
    [InlineData("c8 4d 0102", "error 200/subcode 77")] // nobody knows it, and it ends the session as well
    [InlineData("00 00", "error 0")]
    public void SaysWhatWasReceived(string body, string expected) => Assert.Equal(expected, Read(body).ToString());

    [Theory]
    [InlineData("06 02 06 61 1b5b33316d", "a\ufffd[31m")] // what would colour a terminal
    [InlineData("06 02 03 61 0a 62", "a\ufffdb")]
    [InlineData("06 02 02 7f 00", "\ufffd\ufffd")]
    [InlineData("06 02 04 61 ff 62 c3", "a\ufffdb\ufffd")] // no UTF-8; a character that is cut off
    [InlineData("06 02 04 e280ae 61", "\ufffda")] // RIGHT-TO-LEFT OVERRIDE
    [InlineData("06 02 06 e280a8 e280a9", "\ufffd\ufffd")] // LINE SEPARATOR, PARAGRAPH SEPARATOR
    [InlineData("06 02 03 eab080", "\uac00")]
    public void MakesACommunicationHarmless(string body, string expected) => Assert.Equal(expected, Read(body).Communication);

    [Fact]
    public void KeepsDataAsItCame()
    {
        var read = Read("01 02 1001");
        Assert.Equal((BgpErrorCode.MessageHeader, 2), (read.Code, (int)read.Subcode));
        Assert.Equal(Hex.Bytes("1001"), read.Data.ToArray());
        Assert.False(read.IsHardReset);
    }

    [Fact]
    public void RefusesAMessageWithoutACode() =>
        Assert.False(NotificationMessage.TryParse(Message.Of(BgpMessageType.Notification, "06"), out _));

    [Fact]
    public void WritesAnError()
    {
        AssertWritten("06 02" + Stop, BgpError.Cease(CeaseSubcode.AdministrativeShutdown, "asked to", "stop"));
        AssertWritten("06 02", BgpError.Cease(CeaseSubcode.AdministrativeShutdown, "asked to"));
        AssertWritten("06 05", BgpError.Cease(CeaseSubcode.ConnectionRejected, "no peer of ours", "stop"));
        AssertWritten("06 09 06 02" + Stop, BgpError.Cease(CeaseSubcode.AdministrativeShutdown, "draining", "stop").ToHardReset());
        AssertWritten("06 09 06 03", BgpError.Cease(CeaseSubcode.PeerDeconfigured, "gone").ToHardReset());
        AssertWritten("04 00", new BgpError(BgpErrorCode.HoldTimerExpired, 0, default, "silence"));
        AssertWritten("05 02 02", BgpError.StateMachine(StateMachineSubcode.UnexpectedInOpenConfirm, "an UPDATE too soon", new byte[] { 2 }));
    }

    [Fact]
    public void LeavesOutData_WhenItIsTooLong()
    {
        var bytes = new byte[BgpFraming.Longest];
        var size = NotificationMessage.Write(bytes, new BgpError(BgpErrorCode.Update, 5, Enumerable.Range(0, 5000).Select(i => (byte)i).ToArray(), "long"));
        Assert.Equal(4096, size);
        Assert.Equal(BgpFrame.Complete, BgpFraming.TryRead(bytes, BgpFraming.Longest, out _, out _, out _));
        Assert.Equal(Enumerable.Range(0, 4075).Select(i => (byte)i), bytes[21..]);
    }

    [Fact]
    public void CutsACommunicationBetweenCharacters()
    {
        Assert.Equal((byte)255, ShutdownCommunication.Encode(new string('a', 300))[0]);
        Assert.Equal([254, .. Encoding.UTF8.GetBytes(new string('a', 254))], ShutdownCommunication.Encode(new string('a', 254) + "éa"));
        Assert.Equal((byte)252, ShutdownCommunication.Encode(new string('a', 252) + "\U0001f600")[0]);
        Assert.Equal(Hex.Bytes("03 efbfbd"), ShutdownCommunication.Encode("\ud83d")); // half a character
    }

    [Fact]
    public void ReadsTheCommunicationThatItWrote() =>
        Gen.String.Sample(text =>
        {
            var data = ShutdownCommunication.Encode(text);
            Assert.Equal(data[0], data.Length - 1);
            Assert.Equal(data[0] != 0, ShutdownCommunication.TryDecode(data, out var read));
            Assert.DoesNotContain(read, char.IsControl);
            Assert.True(Encoding.UTF8.GetByteCount(text) > 255 - 3 || read.EnumerateRunes().Count() == text.EnumerateRunes().Count());
        });

    [Fact]
    public void SaysAnErrorInWords()
    {
        Assert.Equal("OPEN Message Error/Bad Peer AS: AS 65002, not 65001", BgpError.Open(OpenSubcode.BadPeerAs, "AS 65002, not 65001").ToString());
        Assert.Equal("Cease/BFD Down", BgpError.Cease(CeaseSubcode.BfdDown, "").ToString());
        Assert.Equal("no error", BgpError.None.ToString());
    }

    [Theory]
    [InlineData(1, 0, "Message Header Error")]
    [InlineData(1, 1, "Message Header Error/Connection Not Synchronized")]
    [InlineData(1, 3, "Message Header Error/Bad Message Type")]
    [InlineData(2, 6, "OPEN Message Error/Unacceptable Hold Time")]
    [InlineData(2, 11, "OPEN Message Error/Role Mismatch")]
    [InlineData(3, 11, "UPDATE Message Error/Malformed AS_PATH")]
    [InlineData(4, 0, "Hold Timer Expired")]
    [InlineData(5, 3, "Finite State Machine Error/Receive Unexpected Message in Established State")]
    [InlineData(6, 0, "Cease")]
    [InlineData(6, 1, "Cease/Maximum Number of Prefixes Reached")]
    [InlineData(6, 7, "Cease/Connection Collision Resolution")]
    [InlineData(6, 10, "Cease/BFD Down")]
    [InlineData(6, 77, "Cease/subcode 77")]
    [InlineData(7, 1, "ROUTE-REFRESH Message Error/Invalid Message Length")]
    [InlineData(8, 0, "Send Hold Timer Expired")]
    [InlineData(99, 3, "error 99/subcode 3")]
    public void NamesErrors(int code, int subcode, string expected) => Assert.Equal(expected, BgpErrorText.Of((BgpErrorCode)code, (byte)subcode));

    private static NotificationMessage Read(string body)
    {
        Assert.True(NotificationMessage.TryParse(Message.Of(BgpMessageType.Notification, body), out var notification));
        return notification;
    }

    private static void AssertWritten(string body, BgpError error)
    {
        var bytes = new byte[BgpFraming.Longest];
        Assert.Equal(Message.Of(BgpMessageType.Notification, body), bytes[..NotificationMessage.Write(bytes, error)]);
    }
}

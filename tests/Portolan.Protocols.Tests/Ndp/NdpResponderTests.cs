using CsCheck;
using Portolan.Protocols.Arp;
using Portolan.Protocols.Ndp;

namespace Portolan.Protocols.Tests.Ndp;

public sealed class NdpResponderTests
{
    private const string Target = " fd000100 0000000000000000 000000f0";
    private const string Other = " fd000100 0000000000000000 000000f1";
    private const string Client = " fe80000000000000 00005efffe100014";
    private const string Nobody = " 00000000000000000000000000000000";
    private const string Group = " ff020000000000000000 0001ff0000f0";
    private const string Solicitation = "3333ff0000f0 02005e100014 86dd 60000000 0020 3a ff" + Client + Group + "87 00 bdf4 00000000" + Target + "01 01 02005e100014";
    private const string Answer = "02005e100014 02005e100064 86dd 60000000 0020 3a ff" + Target + Client + "88 00 7ba8 40 000000" + Target + "02 01 02005e100064";

    private static readonly MacAddress Mac = MacAddress.Read(Hex.Bytes("02005e100064"));
    private static readonly IPv6 Vip = new(0xfd00_0100_0000_0000, 0xf0);

    private readonly NdpResponder _responder = new(Mac, Vip);
    private readonly byte[] _answer = new byte[NdpFrame.MaxSize];
    private int _length;

    private NdpRejection Handle(string frame, PacketType type = PacketType.Multicast) => _responder.Handle(Hex.Bytes(frame), type, out _, _answer, out _length);

    private byte[] Said => _answer[.._length];

    [Fact]
    public void AnswersWithItsOwnMac_Solicited_WithoutOverride()
    {
        Assert.Equal(NdpRejection.None, Handle(Solicitation));
        Assert.Equal(Hex.Bytes(Answer), Said);
    }

    [Fact]
    public void AnswersWithoutTheSourceOption_ToWhereTheFrameCameFrom()
    {
        Assert.Equal(NdpRejection.None, Handle("3333ff0000f0 02005e100014 86dd 60000000 0018 3a ff" + Client + Group + "87 00 1f22 00000000" + Target));
        Assert.Equal(Hex.Bytes(Answer), Said);
    }

    [Fact]
    public void AnswersARefreshThatIsSentToTheAddressItself()
    {
        Assert.Equal(NdpRejection.None, Handle(
            "02005e100064 02005e100014 86dd 60000000 0018 3a ff" + Client + Target + "87 00 1f26 00000000" + Target, PacketType.Host));
        Assert.Equal(Hex.Bytes(Answer), Said);
    }

    [Fact]
    public void AnswersAProbe_ToAll_SoThatTheProberKeepsOff()
    {
        Assert.Equal(NdpRejection.None, Handle("3333ff0000f0 02005e100014 86dd 60000000 0018 3a ff" + Nobody + Group + "87 00 7ac7 00000000" + Target));
        Assert.Equal(
            Hex.Bytes("333300000001 02005e100064 86dd 60000000 0020 3a ff" + Target + "ff020000000000000000000000000001" + "88 00 f849 20 000000" + Target + "02 01 02005e100064"),
            Said);
    }

    [Fact]
    public void AnswersOnlyForAddressesItAnnounces() =>
        Assert.Equal(NdpRejection.NotOurs, Handle("3333ff0000f0 02005e100014 86dd 60000000 0020 3a ff" + Client + Group + "87 00 bdf3 00000000" + Other + "01 01 02005e100014"));

    [Fact]
    public void AnswersOnlyItsOwnClients_WhereSeveralNodesShareThem_AndRemembersAll()
    {
        Assert.False(_responder.Announce(Vip, _ => true));
        Assert.Equal(NdpRejection.None, Handle(Solicitation));
        Assert.Equal(Hex.Bytes(Answer), Said);
        Assert.False(_responder.Announce(Vip, _ => false));
        Assert.Equal(NdpRejection.AnotherNodesClient, Handle(Solicitation));
        Assert.Equal(["02:00:5e:10:00:14 fe80::5eff:fe10:14 fd00:100::f0"], _responder.Askers.ToArray().Select(asker => $"{asker.Mac} {asker.Address} {asker.Target}"));
    }

    [Fact]
    public void AnswersAProbe_ToTheProberAlone_WhereSeveralNodesShareTheClients()
    {
        Assert.False(_responder.Announce(Vip, _ => true));
        Assert.Equal(NdpRejection.None, Handle("3333ff0000f0 02005e100014 86dd 60000000 0018 3a ff" + Nobody + Group + "87 00 7ac7 00000000" + Target));
        Assert.Equal(
            Hex.Bytes("02005e100014 02005e100064 86dd 60000000 0020 3a ff" + Target + "ff020000000000000000000000000001" + "88 00 f849 20 000000" + Target + "02 01 02005e100064"),
            Said);
        Assert.Equal(0, _responder.Askers.Count);
    }

    [Fact]
    public void TellsOneNeighbourAlone_WithOverride()
    {
        var frame = NdpFrame.UnsolicitedTo(Mac, Vip, MacAddress.Read(Hex.Bytes("02005e100014")), IPv6.Read(Hex.Bytes(Client)));
        frame.WriteTo(_answer);
        Assert.Equal(Hex.Bytes("02005e100014 02005e100064 86dd 60000000 0020 3a ff" + Target + Client + "88 00 9ba8 20 000000" + Target + "02 01 02005e100064"), _answer[..frame.Size]);
    }

    [Fact]
    public void IsSilentOnceWithdrawn()
    {
        Assert.True(_responder.Withdraw(Vip));
        Assert.False(_responder.Withdraw(Vip));
        Assert.Equal(NdpRejection.NotOurs, Handle(Solicitation));
    }

    [Theory]
    [InlineData("02005e100099", "02005e100014", PacketType.OtherHost)]
    [InlineData("02005e100099", "02005e100014", PacketType.Host)] // a bridge that says everything is for us
    [InlineData("3333ff0000f0", "02005e100014", PacketType.Outgoing)]
    [InlineData("3333ff0000f0", "02005e100064", PacketType.Multicast)] // our own, come back
    public void IgnoresFramesForOthers(string destination, string source, PacketType type) =>
        Assert.Equal(NdpRejection.NotForUs, Handle(destination + source + Solicitation[25..], type));

    [Fact]
    public void IgnoresAdvertisements() => Assert.Equal(NdpRejection.NotSolicitation, _responder.Handle(
        Written(NdpFrame.Unsolicited(MacAddress.Read(Hex.Bytes("02005e100014")), Vip)), PacketType.Multicast, out _, _answer, out _));

    [Theory]
    [InlineData("000000000000")]
    [InlineData("ffffffffffff")]
    [InlineData("333300000001")]
    public void NeverAnswersToAGroup(string sender)
    {
        var frame = NdpFrame.Solicitation(MacAddress.Read(Hex.Bytes(sender)), new IPv6(0xfe80_0000_0000_0000, 1), Vip);
        Assert.Equal(NdpRejection.BadSender, _responder.Handle(Written(frame), PacketType.Multicast, out _, _answer, out _));
    }

    [Fact]
    public void AllocatesNothingPerFrame()
    {
        var frame = Hex.Bytes(Solicitation);
        for (var i = 0; i < 100; i++)
            _responder.Handle(frame, PacketType.Multicast, out _, _answer, out _);
        var before = GC.GetAllocatedBytesForCurrentThread();
        for (var i = 0; i < 10_000; i++)
            _responder.Handle(frame, PacketType.Multicast, out _, _answer, out _);
        Assert.Equal(0, GC.GetAllocatedBytesForCurrentThread() - before);
    }

    [Fact]
    public void SurvivesAnyFrame() =>
        Gen.Select(Gen.Byte.Array[0, 200], Gen.Byte).Sample((bytes, type) =>
        {
            // Half of the samples are made plausible up to their options; the checksum of most is wrong, and looked at last.
            if (bytes.Length >= 78 && type % 2 == 0)
            {
                Hex.Bytes(Solicitation)[..78].CopyTo(bytes, 0);
                bytes[19] = (byte)(bytes.Length - 54);
            }

            _responder.Handle(bytes, (PacketType)(type / 2 % 5), out _, _answer, out _);
        }, iter: 20_000, threads: 1);

    private static byte[] Written(NdpFrame frame)
    {
        var bytes = new byte[frame.Size];
        frame.WriteTo(bytes);
        return bytes;
    }
}

using CsCheck;
using Portolan.Protocols.Arp;

namespace Portolan.Protocols.Tests.Arp;

public sealed class ArpResponderTests
{
    private static readonly MacAddress Mac = MacAddress.Read(Hex.Bytes("02005e100064"));
    private static readonly IPv4 Vip = new(0xc0a864f0);

    private readonly ArpResponder _responder = new(Mac, Vip);
    private readonly byte[] _answer = new byte[ArpFrame.Size];

    private ArpRejection Handle(string frame, PacketType type = PacketType.Broadcast) => _responder.Handle(Hex.Bytes(frame), type, out _, _answer);

    [Fact]
    public void AnswersWithItsOwnMac()
    {
        Assert.Equal(ArpRejection.None, Handle("ffffffffffff 02005e100014 0806 0001 0800 06 04 0001 02005e100014 c0a86414 000000000000 c0a864f0"));
        Assert.Equal(Hex.Bytes("02005e100014 02005e100064 0806 0001 0800 06 04 0002 02005e100064 c0a864f0 02005e100014 c0a86414"), _answer);
    }

    [Fact]
    public void AnswersAUnicastRefresh() =>
        Assert.Equal(ArpRejection.None, Handle(
            "02005e100064 02005e100014 0806 0001 0800 06 04 0001 02005e100014 c0a86414 02005e100064 c0a864f0", PacketType.Host));

    [Fact]
    public void AnswersAProbe_SoThatTheProberKeepsOff()
    {
        Assert.Equal(ArpRejection.None, Handle("ffffffffffff 02005e100014 0806 0001 0800 06 04 0001 02005e100014 00000000 000000000000 c0a864f0"));
        Assert.Equal(Hex.Bytes("02005e100014 02005e100064 0806 0001 0800 06 04 0002 02005e100064 c0a864f0 02005e100014 00000000"), _answer);
    }

    [Fact]
    public void AnswersOnlyForAddressesItAnnounces() =>
        Assert.Equal(ArpRejection.NotOurs, Handle("ffffffffffff 02005e100014 0806 0001 0800 06 04 0001 02005e100014 c0a86414 000000000000 c0a864f1"));

    [Fact]
    public void AnswersOnlyItsOwnClients_WhereSeveralNodesShareThem_AndRemembersAll()
    {
        var ours = MacAddress.Read(Hex.Bytes("02005e100014"));
        Assert.False(_responder.Announce(Vip, client => client == ours));
        Assert.Equal(ArpRejection.None, Handle("ffffffffffff 02005e100014 0806 0001 0800 06 04 0001 02005e100014 c0a86414 000000000000 c0a864f0"));
        Assert.Equal(ArpRejection.AnotherNodesClient, Handle("ffffffffffff 02005e100015 0806 0001 0800 06 04 0001 02005e100015 c0a86415 000000000000 c0a864f0"));

        // A probe is answered by the same node; its sender has no address at which it could be told of another.
        Assert.Equal(ArpRejection.AnotherNodesClient, Handle("ffffffffffff 02005e100016 0806 0001 0800 06 04 0001 02005e100016 00000000 000000000000 c0a864f0"));
        Assert.Equal(["02:00:5e:10:00:15 192.168.100.21 192.168.100.240", "02:00:5e:10:00:14 192.168.100.20 192.168.100.240"], _responder.Askers.ToArray().Select(asker => $"{asker.Mac} {asker.Address} {asker.Target}"));

        // Alone again.
        Assert.False(_responder.Announce(Vip));
        Assert.Equal(ArpRejection.None, Handle("ffffffffffff 02005e100016 0806 0001 0800 06 04 0001 02005e100016 c0a86416 000000000000 c0a864f0"));
        Assert.Equal(2, _responder.Askers.Count);
    }

    [Fact]
    public void TellsOneNeighbourAlone()
    {
        ArpFrame.UnaskedReply(Mac, Vip, MacAddress.Read(Hex.Bytes("02005e100014")), new IPv4(0xc0a86414)).WriteTo(_answer);
        Assert.Equal(Hex.Bytes("02005e100014 02005e100064 0806 0001 0800 06 04 0002 02005e100064 c0a864f0 02005e100014 c0a86414"), _answer);
    }

    [Fact]
    public void IsSilentOnceWithdrawn()
    {
        Assert.True(_responder.Withdraw(Vip));
        Assert.False(_responder.Withdraw(Vip));
        Assert.Equal(ArpRejection.NotOurs, Handle("ffffffffffff 02005e100014 0806 0001 0800 06 04 0001 02005e100014 c0a86414 000000000000 c0a864f0"));
    }

    [Theory]
    [InlineData("02005e100099", PacketType.OtherHost)] // promiscuous interface
    [InlineData("02005e100099", PacketType.Host)] // a bridge that says everything is for us
    [InlineData("ffffffffffff", PacketType.Outgoing)]
    [InlineData("01005e000001", PacketType.Multicast)]
    public void IgnoresFramesForOthers(string destination, PacketType type) =>
        Assert.Equal(ArpRejection.NotForUs, Handle(destination + "02005e100014 0806 0001 0800 06 04 0001 02005e100014 c0a86414 000000000000 c0a864f0", type));

    [Fact]
    public void IgnoresReplies() =>
        Assert.Equal(ArpRejection.NotRequest, Handle("ffffffffffff 02005e100014 0806 0001 0800 06 04 0002 02005e100014 c0a86414 000000000000 c0a864f0"));

    [Theory]
    [InlineData("000000000000")]
    [InlineData("ffffffffffff")]
    [InlineData("01005e000001")]
    public void NeverAnswersToAGroup(string sender) =>
        Assert.Equal(ArpRejection.BadSender, Handle($"ffffffffffff 02005e100014 0806 0001 0800 06 04 0001 {sender} c0a86414 000000000000 c0a864f0"));

    [Fact]
    public void ReportsAnotherStationsClaim() =>
        Assert.Equal(ArpRejection.Conflict, Handle("ffffffffffff 02005e100099 0806 0001 0800 06 04 0001 02005e100099 c0a864f0 000000000000 c0a864f0"));

    [Fact]
    public void IgnoresItsOwnGratuitousRequest() =>
        Assert.Equal(ArpRejection.NotForUs, Handle("ffffffffffff 02005e100064 0806 0001 0800 06 04 0001 02005e100064 c0a864f0 ffffffffffff c0a864f0"));

    [Fact]
    public void AllocatesNothingPerFrame()
    {
        var frame = Hex.Bytes("ffffffffffff 02005e100014 0806 0001 0800 06 04 0001 02005e100014 c0a86414 000000000000 c0a864f0");
        for (var i = 0; i < 100; i++)
            _responder.Handle(frame, PacketType.Broadcast, out _, _answer);
        var before = GC.GetAllocatedBytesForCurrentThread();
        for (var i = 0; i < 10_000; i++)
            _responder.Handle(frame, PacketType.Broadcast, out _, _answer);
        Assert.Equal(0, GC.GetAllocatedBytesForCurrentThread() - before);
    }

    [Fact]
    public void SurvivesAnyFrame() =>
        Gen.Select(Gen.Byte.Array[0, 80], Gen.Byte).Sample((bytes, type) =>
        {
            // Random bytes alone never get past the EtherType: half of the samples are made plausible so far.
            if (bytes.Length >= 22 && type % 2 == 0)
                Hex.Bytes("ffffffffffff 02005e100014 0806 0001 0800 06 04 0001").CopyTo(bytes, 0);
            _responder.Handle(bytes, (PacketType)(type / 2 % 5), out _, _answer);
        }, iter: 20_000, threads: 1);
}

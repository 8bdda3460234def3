using CsCheck;
using Portolan.Protocols.Bgp.Sessions;
using Portolan.Protocols.Bgp.Wire;
using static Portolan.Protocols.Tests.Bgp.Sessions.Recorder;

namespace Portolan.Protocols.Tests.Bgp.Sessions;

public sealed class HostilePeerTests
{
    private static readonly byte[] Marker = [.. Enumerable.Repeat((byte)0xff, 16)];

    public static TheoryData<string, string, byte[]> Broken => new()
    {
        { "1/1", "", "GET / HTTP/1.1"u8.ToArray() },
        { "1/2", "0012", [.. Marker, 0, 18, 4] },            // shorter than a header
        { "1/2", "1001", [.. Marker, 0x10, 1, 2] },          // 4097 bytes, which was not agreed on
        { "1/2", "0014", [.. Marker, 0, 20, 4, 0] },         // a KEEPALIVE with a body
        { "1/3", "09", [.. Marker, 0, 19, 9] },
    };

    public static TheoryData<string, string, OpenMessage> Refused
    {
        get
        {
            var external = Theirs with { Asn = 64999, Capabilities = Theirs.Capabilities with { FourOctetAsn = 64999 } };
            return new()
            {
                { "2/2", "", external },
                { "2/6", "", Theirs with { HoldTime = 2 } },
                { "2/3", "", Theirs with { Identifier = 0 } },
                { "2/7", "01 04 0001 00 01", Theirs with { Capabilities = Theirs.Capabilities with { Families = BgpFamilies.IPv6Unicast } } },
            };
        }
    }

    [Theory]
    [MemberData(nameof(Broken))]
    public void AnswersBrokenFraming_InEveryState(string code, string data, byte[] bytes)
    {
        for (var heard = 0; heard < 3; heard++)
        {
            var peer = Heard(heard);
            peer.Hear("ours", bytes);
            Assert.Equal([$"ours: Notification {code}", "ours: close"], peer.Take()[..2]);
            Assert.Equal(Hex.Bytes(data), peer.LastSent[21..]);
            peer.Hear("ours", bytes);
            Assert.Empty(peer.Take());
        }
    }

    [Theory]
    [MemberData(nameof(Refused))]
    public void RefusesAnOpen(string code, string data, OpenMessage open)
    {
        var peer = Heard(0);
        peer.Hear("ours", open);
        Assert.Equal([$"ours: Notification {code}", "ours: close", $"failed: Local {code} in OpenSent"], peer.Take());
        Assert.Equal(Hex.Bytes(data), peer.LastSent[21..]);
    }

    [Theory]
    [InlineData(PeerRelation.Internal, 64512, true)]
    [InlineData(PeerRelation.Internal, 64513, false)]
    [InlineData(PeerRelation.External, 64512, false)]
    [InlineData(PeerRelation.External, 64513, true)]
    [InlineData(PeerRelation.External, 4200000000, true)]
    [InlineData(PeerRelation.Either, 64512, true)]
    [InlineData(PeerRelation.Either, 64513, true)]
    public void TakesAPeerOfAnyNumber_ThatIsWhereItShouldBe(PeerRelation relation, long number, bool taken)
    {
        var asn = (uint)number;
        var peer = Heard(0, Ours with { PeerAsn = null, Relation = relation });
        peer.Hear("ours", Theirs with { Asn = asn, Capabilities = Theirs.Capabilities with { FourOctetAsn = asn } });
        Assert.Equal(taken ? "ours: Keepalive" : "ours: Notification 2/2", peer.Take()[0]);
    }

    [Theory]
    [InlineData(64512, "ours: Notification 2/3")]
    [InlineData(64513, "ours: Keepalive")] // unique within an AS only (RFC 6286)
    public void TakesOurOwnIdentifier_OnlyFromAnotherAs(int number, string answer)
    {
        var asn = (uint)number;
        var peer = Heard(0, Ours with { PeerAsn = asn });
        peer.Hear("ours", Theirs with { Asn = asn, Identifier = Ours.Identifier, Capabilities = Theirs.Capabilities with { FourOctetAsn = asn } });
        Assert.Equal(answer, peer.Take()[0]);
    }

    [Theory]
    [InlineData(0, 2, "5/1")]
    [InlineData(0, 4, "5/1")]
    [InlineData(0, 5, "5/1")]
    [InlineData(1, 1, "5/2")]
    [InlineData(1, 2, "5/2")]
    [InlineData(1, 5, "5/2")]
    [InlineData(2, 1, "5/3")]
    public void AnswersAMessageOutOfPlace_WithItsStateAndType(int heard, int type, string code)
    {
        var peer = Heard(heard);
        peer.Hear("ours", type switch
        {
            1 => Bytes(Theirs),
            2 => Message(2, 0, 0, 0, 0),
            4 => Keepalive,
            _ => Message(5, 0, 1, 0, 1),
        });
        Assert.Equal([$"ours: Notification {code}", "ours: close"], peer.Take()[..2]);
        Assert.Equal([(byte)type], peer.LastSent[21..]);
    }

    [Fact]
    public void EndsTheSession_ForAnUpdateThatCannotBeTakenApart()
    {
        var peer = Heard(2);
        peer.Hear("ours", Message(2, 0, 9, 0, 0)); // 9 bytes of withdrawn routes where there are none
        Assert.Equal(["ours: Notification 3/1", "ours: close", "down: Local 3/1"], peer.Take());
    }

    [Fact]
    public void OutlivesAnUpdate_WhoseRoutesAloneAreBroken()
    {
        var peer = Heard(2);
        peer.Hear("ours", Message(2, 0, 0, 0, 4, 0x40, 1, 1, 9, 24, 10, 0, 0)); // ORIGIN 9, neither AS_PATH nor NEXT_HOP
        Assert.Empty(peer.Take());
        Assert.Equal((1, 1), (peer.Session.Counters.UpdatesReceived, peer.Session.Counters.UpdatesTolerated));
    }

    [Fact]
    public void EndsTheSession_WhenThereAreMorePrefixesThanAllowed()
    {
        var peer = Heard(2, Ours with { MaxPrefixes = 2 });
        for (var again = 0; again < 10; again++)
        {
            peer.Hear("ours", Announce(1));
            peer.Hear("ours", Announce(2));
        }

        peer.Hear("ours", Message(2, 0, 4, 24, 10, 0, 1, 0, 0)); // withdrawn: room for another
        peer.Hear("ours", Announce(3));
        Assert.Empty(peer.Take());
        peer.Hear("ours", Announce(4));
        Assert.Equal(["ours: Notification 6/1", "ours: close", "down: Local 6/1"], peer.Take());

        static byte[] Announce(byte which) =>
            Message(2, [0, 0, 0, 20, 0x40, 1, 1, 0, 0x40, 2, 6, 2, 1, 0, 0, 0xfc, 1, 0x40, 3, 4, 10, 0, 0, 2, 24, 10, 0, which]);
    }

    [Fact]
    public void TakesLongMessages_OnlyWhenItOfferedTo()
    {
        var body = new byte[60_000];
        (body[2], body[3]) = (0xea, 0x5c); // 59996 bytes of attributes: one of an unknown type, optional, transitive, partial
        (body[4], body[5], body[6], body[7]) = (0xf0, 200, 0xea, 0x58);
        byte[] update = Message(2, body);
        foreach (var isOffered in (bool[])[false, true])
        {
            var peer = Heard(2, Ours with { ExtendedMessage = isOffered });
            foreach (var piece in update.Chunk(1000))
                peer.Hear("ours", piece);
            Assert.Equal(isOffered ? [] : ["ours: Notification 1/2", "ours: close", "down: Local 1/2"], peer.Take());
            Assert.Equal(isOffered ? 1 : 0, peer.Session.Counters.UpdatesReceived);
        }
    }

    [Fact]
    public void IgnoresRequests_ForWhatWasNotAgreedOn()
    {
        var peer = Heard(2);
        peer.Hear("ours", Message(5, 0, 2, 0, 1)); // IPv6
        peer.Hear("ours", Message(5, 0x40, 4, 0, 71)); // BGP-LS
        peer.Hear("ours", Message(5, 0, 1, 1, 1)); // the begin of the peer's own answer
        Assert.Empty(peer.Take());
        peer.Hear("ours", Message(5, 0, 1, 0, 1));
        Assert.Equal(["refresh IPv4Unicast"], peer.Take());
        peer.Hear("ours", Message(5, 0, 1, 0, 1, 0));
        Assert.Equal(["ours: Notification 7/1", "ours: close", "down: Local 7/1"], peer.Take());
    }

    [Fact]
    public void EndsOrIgnores_ButNeverThrows_WhateverArrives()
    {
        var message = Gen.OneOf(
            Gen.Const(Bytes(Theirs)),
            Gen.Const(Keepalive),
            Gen.Select(Gen.Byte[1, 6], Gen.Byte.Array[0, 40], (type, body) => Message(type, body)),
            Gen.Byte.Array[0, 60]);
        Gen.Select(message.Array[0, 8], Gen.Int[1, 70], Gen.Int[0, 2]).Sample((messages, size, heard) =>
        {
            var peer = Heard(heard, Ours with { MaxPrefixes = 5, ExtendedMessage = true });
            foreach (var piece in messages.SelectMany(bytes => bytes).Chunk(size))
            {
                peer.Hear("ours", piece);
                peer.Session.Tick(peer.Now);
            }

            var lines = peer.Take();
            var closed = Array.IndexOf(lines, "ours: close");
            Assert.Equal(closed < 0, peer.Session.State >= SessionState.OpenSent);
            Assert.True(closed < 0 || !lines[closed..].Any(line => line.StartsWith("ours: ", StringComparison.Ordinal) && line != "ours: close"), string.Join(", ", lines));
            Assert.True(peer.Session.Counters.NotificationsReceived == 0 || peer.Session.Counters.NotificationsSent == 0, string.Join(", ", lines));
        });
    }

    // Up to OpenSent, OpenConfirm or Established.
    private static Recorder Heard(int messages, PeerSettings? settings = null)
    {
        var peer = new Recorder(settings);
        peer.Session.Start(peer.Now);
        peer.Session.Connected("ours", peer.Now);
        if (messages > 0)
            peer.Hear("ours", Theirs);
        if (messages > 1)
            peer.Hear("ours", Keepalive);
        peer.Take();
        return peer;
    }
}

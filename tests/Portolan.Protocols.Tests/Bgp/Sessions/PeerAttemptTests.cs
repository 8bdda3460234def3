using Portolan.Protocols.Bgp.Sessions;
using Portolan.Protocols.Bgp.Wire;
using static Portolan.Protocols.Tests.Bgp.Sessions.Recorder;

namespace Portolan.Protocols.Tests.Bgp.Sessions;

public sealed class PeerAttemptTests
{
    [Fact]
    public void WaitsLongerAfterEachFailure_UpToHalfAMinute()
    {
        var peer = new Recorder();
        peer.Session.Start(peer.Now);
        foreach (var seconds in (int[])[1, 2, 4, 8, 16, 30, 30, 30])
        {
            Assert.Equal("connect", peer.Take()[^1]);
            peer.Session.ConnectFailed("refused", peer.Now);
            Assert.InRange(peer.Session.NextDeadline - peer.Now, seconds * Second * 3 / 4, seconds * Second);
            peer.Pass(seconds * Second);
        }
    }

    [Fact]
    public void WaitsLongerAfterEachFailure_AlsoWhenThePeerRefusesOurOpen()
    {
        var peer = new Recorder();
        peer.Session.Start(peer.Now);
        foreach (var seconds in (int[])[1, 2, 4, 8, 16, 30, 30])
        {
            // Up to the peer's verdict all is well: it comes after its own OPEN and KEEPALIVE.
            peer.Session.Connected("ours", peer.Now);
            peer.Hear("ours", Theirs);
            peer.Hear("ours", Keepalive);
            peer.Hear("ours", Message(3, 2, 2));
            Assert.InRange(peer.Session.NextDeadline - peer.Now, seconds * Second * 3 / 4, seconds * Second);
            peer.Pass(seconds * Second);
            Assert.Equal("connect", peer.Take()[^1]);
        }
    }

    [Fact]
    public void WaitsLongerAfterEachFailure_AlsoWhenThePeerClosesWithoutAWord()
    {
        var peer = new Recorder();
        peer.Session.Start(peer.Now);
        foreach (var seconds in (int[])[1, 2, 4, 8])
        {
            peer.Session.Connected("ours", peer.Now);
            peer.Session.Closed("ours", "closed", peer.Now);
            Assert.Equal(SessionState.Active, peer.Session.State);
            Assert.InRange(peer.Session.NextDeadline - peer.Now, seconds * Second * 3 / 4, seconds * Second);
            peer.Pass(seconds * Second);
            Assert.Equal("connect", peer.Take()[^1]);
        }
    }

    [Theory]
    [InlineData(29, 2)]
    [InlineData(30, 1)]
    public void ForgetsFailures_OnceASessionLivedForHalfAMinute(int lived, int failures)
    {
        var peer = new Recorder();
        peer.Session.Start(peer.Now);
        peer.Session.ConnectFailed("refused", peer.Now);
        peer.Pass(Second);
        peer.Session.Connected("ours", peer.Now);
        peer.Hear("ours", Theirs);
        peer.Hear("ours", Keepalive);
        peer.Pass(lived * Second);
        peer.Session.Closed("ours", "reset", peer.Now);
        Assert.Equal(failures, peer.Session.Failures);
    }

    [Fact]
    public void TriesAnew_WhenNothingAnswers()
    {
        var peer = new Recorder();
        peer.Session.Start(peer.Now);
        peer.Take();
        peer.Pass(7_499_999);
        Assert.Empty(peer.Take());
        peer.Pass(10 * Second - 7_499_999);
        Assert.Equal(["cancel", "failed: Transport 0/0 in Connect", "connect"], peer.Take());
    }

    [Fact]
    public void TriesAtOnce_WhenItIsStartedAgainDuringAPause()
    {
        var peer = new Recorder();
        peer.Session.Start(peer.Now);
        peer.Session.ConnectFailed("refused", peer.Now);
        peer.Take();
        peer.Session.Start(peer.Now);
        Assert.Equal(["connect"], peer.Take());
        peer.Session.Start(peer.Now);
        Assert.Empty(peer.Take());
    }

    [Fact]
    public void AcceptsThePeersConnection_DuringAPause()
    {
        var peer = new Recorder();
        peer.Session.Start(peer.Now);
        peer.Session.ConnectFailed("refused", peer.Now);
        peer.Session.Accepted("theirs", peer.Now);
        peer.Hear("theirs", Theirs);
        peer.Hear("theirs", Keepalive);
        Assert.Equal("theirs: established", peer.Take()[^1]);
        peer.Pass(60 * Second); // it does not connect beside it
        Assert.DoesNotContain("connect", peer.Take());
        peer.Session.Closed("theirs", "reset", peer.Now);
        peer.Pass(Second);
        Assert.Equal("connect", peer.Take()[^1]);
    }

    [Fact]
    public void ConnectsInTime_HoweverOftenThePeerConnectsInVain()
    {
        var peer = new Recorder();
        peer.Session.Start(peer.Now);
        peer.Session.ConnectFailed("refused", peer.Now);
        peer.Take();
        for (var i = 0; i < 10; i++)
        {
            peer.Session.Accepted("theirs", peer.Now);
            peer.Hear("theirs", Theirs);
            peer.Hear("theirs", Message(3, 6, 5));
            peer.Pass(Second / 10);
        }

        Assert.Single(peer.Take(), line => line == "connect");
        Assert.Equal(1, peer.Session.Failures);
    }

    [Fact]
    public void NeverConnects_WhenItIsPassive()
    {
        var peer = new Recorder(Ours with { IsPassive = true });
        peer.Session.Start(peer.Now);
        peer.Pass(10_000 * Second);
        Assert.Empty(peer.Take());
        for (var i = 0; i < 3; i++)
        {
            peer.Session.Accepted("theirs", peer.Now);
            peer.Hear("theirs", Theirs);
            peer.Hear("theirs", Keepalive);
            Assert.Equal(["theirs: Open", "theirs: Keepalive", "theirs: established"], peer.Take());
            peer.Session.Closed("theirs", "reset", peer.Now);
            Assert.Equal(["down: Transport 0/0"], peer.Take());
        }
    }

    [Fact]
    public void RefusesAThirdConnection()
    {
        var peer = new Recorder();
        peer.Session.Start(peer.Now);
        peer.Session.Connected("ours", peer.Now);
        peer.Session.Accepted("theirs", peer.Now);
        peer.Take();
        peer.Session.Accepted("third", peer.Now);
        Assert.Equal(["third: Notification 6/7", "third: close"], peer.Take());
        peer.Hear("third", Theirs);
        Assert.Empty(peer.Take());
    }

    [Fact]
    public void TakesANewConnection_ForOneThatSaidNothing()
    {
        var peer = new Recorder(Ours with { IsPassive = true });
        peer.Session.Start(peer.Now);
        peer.Session.Accepted("theirs", peer.Now);
        peer.Pass(10 * Second);
        peer.Take();
        peer.Session.Accepted("again", peer.Now);
        Assert.Equal(["theirs: Notification 6/7", "theirs: close", "failed: Local 6/7 in OpenSent", "again: Open"], peer.Take());
        Assert.Null(peer.Session.LastError);
    }

    [Fact]
    public void ClosesAConnection_ThatItNoLongerWants()
    {
        var peer = new Recorder();
        peer.Session.Start(peer.Now);
        peer.Session.Stop(BgpError.Cease(CeaseSubcode.AdministrativeShutdown, ""), quietly: false, peer.Now);
        Assert.Equal(["connect", "cancel"], peer.Take());
        peer.Session.Connected("ours", peer.Now);
        peer.Session.ConnectFailed("refused", peer.Now);
        Assert.Equal(["ours: close"], peer.Take());
    }

    [Theory]
    [InlineData(0x0a000002, 64513, false)] // theirs is larger
    [InlineData(0x09000000, 64513, true)]
    [InlineData(0x0a000001, 64513, false)] // equal: the AS number decides
    [InlineData(0x0a000001, 64511, true)]
    public void KeepsTheConnectionOfTheLargerIdentifier_WhicheverOpenComesFirst(long identifier, long asn, bool keepsOurs)
    {
        foreach (var first in (string[])["ours", "theirs"])
        {
            var peer = new Recorder(Ours with { PeerAsn = (uint)asn });
            var open = Theirs with { Identifier = (uint)identifier, Asn = (uint)asn, Capabilities = Theirs.Capabilities with { FourOctetAsn = (uint)asn } };
            peer.Session.Start(peer.Now);
            peer.Session.Connected("ours", peer.Now);
            peer.Session.Accepted("theirs", peer.Now);
            var (second, winner, loser) = (first == "ours" ? "theirs" : "ours", keepsOurs ? "ours" : "theirs", keepsOurs ? "theirs" : "ours");
            peer.Hear(first, open);
            Assert.Equal(["connect", "ours: Open", "theirs: Open", $"{first}: Keepalive"], peer.Take()); // not decided by one OPEN
            peer.Hear(second, open);
            Assert.Equal([$"{loser}: Notification 6/7", $"{loser}: close"], peer.Take().Where(line => line.StartsWith($"{loser}: ", StringComparison.Ordinal)));
            peer.Hear(winner, Keepalive);
            Assert.Equal(winner, peer.Session.Connection);
        }
    }

    [Fact]
    public void KeepsAnEstablishedSession_WhateverTheIdentifiers()
    {
        var peer = new Recorder(); // theirs has the larger one
        peer.Establish();
        peer.Pass(2 * Second);
        peer.Session.Accepted("theirs", peer.Now);
        Assert.Equal(["theirs: Open", "ours: Keepalive"], peer.Take()); // the answer shows whether the peer still knows of it
        peer.Hear("theirs", Theirs);
        peer.Pass(Second);
        Assert.Equal(["theirs: Notification 6/7", "theirs: close", "failed: Local 6/7 in OpenSent"], peer.Take());
        Assert.Equal("ours", peer.Session.Connection);
    }

    [Fact]
    public void GoesOnWithTheOtherConnection_WhenThePeerEndedTheSessionForIt()
    {
        var peer = new Recorder();
        peer.Establish();
        peer.Session.Accepted("theirs", peer.Now);
        peer.Hear("theirs", [.. Bytes(Theirs), .. Keepalive]); // too early for us, not for the peer
        peer.Take();
        peer.Hear("ours", Message(3, 6, 7));
        Assert.Equal(["ours: close", "down: Peer 6/7", "theirs: Keepalive", "theirs: established"], peer.Take());
        peer.Pass(80 * Second);
        Assert.Equal("theirs", peer.Session.Connection);
    }

    [Fact]
    public void GivesUpAConnectionBesideTheSession_ThatSaysNothingOrTooMuch()
    {
        var peer = new Recorder();
        peer.Establish();
        peer.Session.Accepted("theirs", peer.Now);
        peer.Take();
        peer.Pass(10 * Second);
        Assert.Equal(["theirs: Notification 6/7", "theirs: close", "failed: Local 6/7 in OpenSent"], peer.Take());

        peer.Session.Accepted("theirs", peer.Now);
        peer.Hear("theirs", Theirs);
        peer.Take();
        for (var i = 0; i < 4096 / 19; i++)
            peer.Hear("theirs", Keepalive);
        Assert.Empty(peer.Take());
        peer.Hear("theirs", Keepalive);
        Assert.Equal(["theirs: Notification 6/7", "theirs: close", "failed: Local 6/7 in OpenSent"], peer.Take());
        Assert.Equal("ours", peer.Session.Connection);
    }

    [Fact]
    public void CancelsItsOwnAttempt_WhenThePeersIsEstablished()
    {
        var peer = new Recorder();
        peer.Session.Start(peer.Now);
        peer.Session.Accepted("theirs", peer.Now);
        peer.Hear("theirs", Theirs);
        peer.Hear("theirs", Keepalive);
        Assert.Equal(["connect", "theirs: Open", "theirs: Keepalive", "cancel", "failed: Local 0/0 in Connect", "theirs: established"], peer.Take());
    }
}

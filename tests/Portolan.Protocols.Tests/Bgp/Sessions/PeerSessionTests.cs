using Portolan.Protocols.Bgp.Sessions;
using Portolan.Protocols.Bgp.Wire;
using static Portolan.Protocols.Tests.Bgp.Sessions.Recorder;

namespace Portolan.Protocols.Tests.Bgp.Sessions;

public sealed class PeerSessionTests
{
    [Fact]
    public void IsEstablishedAtOnce_WhenThePeerAnswers()
    {
        var peer = new Recorder();
        peer.Session.Start(peer.Now);
        Assert.Equal(["connect"], peer.Take());
        peer.Session.Connected("ours", peer.Now);
        Assert.Equal(["ours: Open"], peer.Take());

        // Version 4, AS 64512, 90 s, 10.0.0.1; capabilities in the order of their codes: IPv4 unicast, route refresh, AS number, enhanced route refresh.
        Assert.Equal(
            Hex.Bytes("ffffffffffffffffffffffffffffffff 002f 01 04 fc00 005a 0a000001 12 02 10 01 04 0001 00 01 02 00 41 04 0000fc00 46 00"),
            peer.LastSent);
        peer.Hear("ours", Theirs);
        Assert.Equal(["ours: Keepalive"], peer.Take());
        Assert.Equal(SessionState.OpenConfirm, peer.Session.State);
        Assert.Null(peer.Session.Terms);
        peer.Hear("ours", Keepalive);
        Assert.Equal(["ours: established"], peer.Take());
        Assert.Equal(("ours", peer.Now), (peer.Session.Connection, peer.Session.EstablishedAt));
    }

    [Fact]
    public void IsEstablished_WhenEveryByteComesAlone()
    {
        var peer = new Recorder();
        peer.Session.Start(peer.Now);
        peer.Session.Connected("ours", peer.Now);
        byte[] endOfRib = Message(2, 0, 0, 0, 0);
        foreach (var one in (byte[])[.. Bytes(Theirs), .. Keepalive, .. endOfRib, .. Keepalive])
            peer.Hear("ours", one);
        Assert.Equal(["connect", "ours: Open", "ours: Keepalive", "ours: established", "end of RIB IPv4Unicast"], peer.Take());
        Assert.Equal((2, 1), (peer.Session.Counters.KeepalivesReceived, peer.Session.Counters.UpdatesReceived));
    }

    [Theory]
    [InlineData(1)]
    [InlineData(18)]
    [InlineData(20)]
    [InlineData(50)]
    [InlineData(1000)]
    public void ReadsTheSame_HoweverItIsCut(int size)
    {
        var peer = new Recorder();
        peer.Session.Start(peer.Now);
        peer.Session.Connected("ours", peer.Now);
        byte[] all = [.. Bytes(Theirs), .. Keepalive, .. Enumerable.Range(0, 100).SelectMany(i => i % 2 == 0 ? Message(5, 0, 1, 0, 1) : Message(2, 0, 4, 24, 10, 0, (byte)i, 0, 0))];
        foreach (var piece in all.Chunk(size))
            peer.Hear("ours", piece);
        Assert.Equal((50, 50, 50), (peer.Session.Counters.RefreshesReceived, peer.Session.Counters.UpdatesReceived, peer.Session.Counters.PrefixesWithdrawn));
        Assert.Equal(50, peer.Take().Count(line => line == "refresh IPv4Unicast"));
        Assert.Equal(all.Length, peer.Session.Counters.BytesReceived);
    }

    [Fact]
    public void EndsTheSession_WhenThePeerIsSilentForTheHoldTime()
    {
        var peer = new Recorder();
        peer.Establish();
        peer.Pass(60 * Second);
        peer.Hear("ours", Keepalive);
        peer.Pass(90 * Second - 1);
        Assert.All(peer.Take(), line => Assert.Equal("ours: Keepalive", line));
        peer.Pass(1);
        Assert.Equal(["ours: Notification 4/0", "ours: close", "down: Local 4/0"], peer.Take());
        Assert.Equal("we ended it in Established: Hold Timer Expired: the peer was silent for too long", peer.Session.LastError.ToString());
    }

    [Fact]
    public void TakesAPartOfAMessageForASignOfLife()
    {
        var peer = new Recorder();
        peer.Establish();
        peer.Pass(80 * Second);
        peer.Hear("ours", 0xff);
        peer.Pass(80 * Second);
        Assert.Equal(SessionState.Established, peer.Session.State);
        peer.Pass(10 * Second);
        Assert.Equal(4, (int)peer.Session.LastError!.Value.Error.Code);
    }

    [Fact]
    public void DoesNotTakeItsOwnAbsenceForThePeers()
    {
        var peer = new Recorder();
        peer.Establish();
        var late = peer.Now + 500 * Second;
        peer.Session.Received("ours", Keepalive, late);
        peer.Session.Tick(late);
        Assert.Equal(SessionState.Established, peer.Session.State);
    }

    [Theory]
    [InlineData(90, 90, 0, 30)]
    [InlineData(90, 30, 0, 10)]   // a third of what was agreed on, not of ours
    [InlineData(9, 180, 0, 3)]
    [InlineData(90, 90, 5, 5)]
    [InlineData(90, 9, 5, 3)]
    [InlineData(3, 90, 0, 1)]     // no more often than once a second
    public void SendsKeepalives_ThreeTimesInTheAgreedHoldTime(int ours, int theirs, int keepalive, int seconds)
    {
        var peer = new Recorder(Ours with { HoldTime = (ushort)ours, KeepaliveTime = (ushort)keepalive });
        peer.Establish(Theirs with { HoldTime = (ushort)theirs });
        Assert.Equal(Math.Min(ours, theirs), peer.Session.Terms!.HoldTime);
        HashSet<long> gaps = [];
        for (var i = 0; i < 200; i++)
        {
            var before = peer.Now;
            while (peer.Session.Counters.KeepalivesSent == i + 1)
            {
                peer.Hear("ours", Keepalive);
                peer.Pass(peer.Session.NextDeadline - peer.Now);
            }

            gaps.Add(peer.Now - before);
        }

        var least = Math.Max(Second, seconds * Second * 3 / 4);
        Assert.All(gaps, gap => Assert.InRange(gap, least, seconds * Second));
        Assert.True(seconds == 1 || gaps.Count > 100, "no jitter");
    }

    [Theory]
    [InlineData(0, 90)]
    [InlineData(90, 0)]
    public void NeitherSendsKeepalivesNorMindsSilence_WithoutAHoldTime(int ours, int theirs)
    {
        var peer = new Recorder(Ours with { HoldTime = (ushort)ours });
        peer.Establish(Theirs with { HoldTime = (ushort)theirs });
        peer.Pass(100_000 * Second);
        Assert.Empty(peer.Take());
        Assert.Equal(long.MaxValue, peer.Session.NextDeadline);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(90)]
    public void GivesUpAPeer_ThatIsSilentAfterItsOpen(int holdTime)
    {
        var peer = new Recorder();
        peer.Session.Start(peer.Now);
        peer.Session.Connected("ours", peer.Now);
        peer.Hear("ours", Theirs with { HoldTime = (ushort)holdTime });
        peer.Pass((holdTime == 0 ? 30 : 90) * Second - 1);
        Assert.Equal(SessionState.OpenConfirm, peer.Session.State);
        peer.Take();
        peer.Pass(1);
        Assert.Equal(["ours: Notification 4/0", "ours: close", "failed: Local 4/0 in OpenConfirm"], peer.Take());
    }

    [Fact]
    public void GivesUpAPeer_ThatConnectsAndSaysNothing()
    {
        var peer = new Recorder();
        peer.Session.Start(peer.Now);
        peer.Session.Connected("ours", peer.Now);
        peer.Take();
        peer.Pass(29 * Second);
        peer.Hear("ours", Bytes(Theirs).AsSpan(0, 28)); // a part of it is nothing
        peer.Pass(Second - 1);
        Assert.Empty(peer.Take());
        peer.Pass(1);
        Assert.Equal(["ours: Notification 4/0", "ours: close", "failed: Local 4/0 in OpenSent"], peer.Take());
    }

    [Fact]
    public void NeverAnswersANotification_AndRemembersIt()
    {
        foreach (var heard in (int[])[0, 1, 2])
        {
            var peer = new Recorder();
            peer.Session.Start(peer.Now);
            peer.Session.Connected("ours", peer.Now);
            if (heard > 0)
                peer.Hear("ours", Theirs);
            if (heard > 1)
                peer.Hear("ours", Keepalive);
            peer.Take();

            // Cease, Administrative Shutdown, "bye".
            peer.Hear("ours", Message(3, 6, 2, 3, 0x62, 0x79, 0x65));
            Assert.Equal(["ours: close", heard > 1 ? "down: Peer 6/2" : $"failed: Peer 6/2 in {(heard > 0 ? "OpenConfirm" : "OpenSent")}"], peer.Take());
            Assert.Equal(SessionEndOrigin.Peer, peer.Session.LastError!.Value.Origin);
            Assert.EndsWith("Cease/Administrative Shutdown: bye", peer.Session.LastError.ToString(), StringComparison.Ordinal);
        }
    }

    [Fact]
    public void TellsThePeerWhy_WhenItIsStopped()
    {
        var peer = new Recorder();
        peer.Establish();
        peer.Session.Stop(BgpError.Cease(CeaseSubcode.AdministrativeShutdown, "drained", "node1"), quietly: false, peer.Now);
        Assert.Equal(["ours: Notification 6/2", "ours: close", "down: Local 6/2"], peer.Take());
        Assert.Equal(Message(3, 6, 2, 5, 0x6e, 0x6f, 0x64, 0x65, 0x31), peer.LastSent);
        Assert.Equal(long.MaxValue, peer.Session.NextDeadline);
        peer.Session.Accepted("theirs", peer.Now);
        Assert.Equal(["theirs: Notification 6/5", "theirs: close"], peer.Take());
        peer.Session.Start(peer.Now);
        Assert.Equal(["connect"], peer.Take());
    }

    [Fact]
    public void OnlyCloses_WhenItIsStoppedQuietly()
    {
        var peer = new Recorder();
        peer.Establish();
        peer.Session.Stop(BgpError.Cease(CeaseSubcode.AdministrativeReset, "restart"), quietly: true, peer.Now);
        Assert.Equal(["ours: close", "down: Local 0/0"], peer.Take());
        Assert.Equal(0, peer.Session.Counters.NotificationsSent);
    }

    [Fact]
    public void BeginsAgainAfterAPause_WhenItIsReset()
    {
        var peer = new Recorder();
        peer.Establish();
        peer.Session.Reset(BgpError.Cease(CeaseSubcode.BfdDown, "BFD"), quietly: false, peer.Now);
        Assert.Equal(["ours: Notification 6/10", "ours: close", "down: Local 6/10"], peer.Take());
        peer.Pass(Second);
        Assert.Equal(["connect"], peer.Take());
    }

    [Theory]
    [InlineData(BgpFamilies.IPv4Unicast, false)]
    [InlineData(BgpFamilies.None, true)]
    public void SaysThatItRestarts_UntilItWasEstablished(BgpFamilies preserved, bool afterNotification)
    {
        var peer = new Recorder(Ours with { IsRestarting = true, Restart = new RestartOffer(60, preserved, afterNotification) });
        Assert.True(OpenOf(peer).IsRestarting);
        peer.Hear("ours", Message(3, 6, 5));
        peer.Pass(Second);
        Assert.True(OpenOf(peer).IsRestarting);
        peer.Hear("ours", Theirs with { Capabilities = Theirs.Capabilities with { GracefulRestart = new GracefulRestart(false, true, 120, []) } });
        peer.Hear("ours", Keepalive);
        Assert.Equal((true, afterNotification), (peer.Session.Terms!.PeerKeepsRoutes, peer.Session.Terms.PeerKeepsRoutesAfterNotification));
        peer.Session.Closed("ours", "reset", peer.Now);
        peer.Pass(2 * Second);
        var offered = OpenOf(peer);
        Assert.Equal((false, afterNotification, 60), (offered.IsRestarting, offered.KeepsAfterNotification, offered.RestartTime));
        Assert.Equal([new RestartFamily(BgpFamily.IPv4Unicast, preserved.Has(BgpFamily.IPv4Unicast))], offered.Families);
    }

    [Fact]
    public void TellsOfAStallOnce_AndGivesUpAfterTheSendHoldTime()
    {
        var peer = new Recorder();
        peer.Establish();
        peer.Session.Blocked("ours", peer.Now);
        Live(peer, 5);
        peer.Session.Wrote("ours", all: false, peer.Now); // counts anew
        var since = peer.Now;
        Live(peer, 400);
        Assert.Equal(["ours: stalled for 10 s"], peer.Take().Where(line => line != "ours: Keepalive"));
        Live(peer, 70);
        Assert.Equal(SessionState.Established, peer.Session.State);
        peer.Hear("ours", Keepalive);
        peer.Pass(10 * Second);
        Assert.Equal(480 * Second, peer.Now - since);
        Assert.Equal(["ours: Notification 8/0", "ours: close", "down: Local 8/0"], peer.Take().Where(line => line != "ours: Keepalive"));

        static void Live(Recorder peer, int seconds)
        {
            for (var i = 0; i < seconds; i += 5)
            {
                peer.Hear("ours", Keepalive);
                peer.Pass(5 * Second);
            }
        }
    }

    [Fact]
    public void StaysEstablished_WhenThePeerTakesWhatIsSentInTheEnd()
    {
        var peer = new Recorder(Ours with { HoldTime = 0 });
        peer.Establish();
        peer.Session.Blocked("ours", peer.Now);
        peer.Pass(479 * Second);
        peer.Session.Wrote("ours", all: true, peer.Now);
        peer.Pass(10_000 * Second);
        Assert.Equal(["ours: stalled for 10 s"], peer.Take());
    }

    [Fact]
    public void AllocatesNothing_WhileEstablished()
    {
        var peer = new Recorder { IsMuted = true };
        peer.Establish();
        byte[] update = Message(2, 0, 4, 24, 10, 0, 1, 0, 0);
        byte[] cut = [.. update, .. Keepalive];
        Run(100);
        var before = GC.GetAllocatedBytesForCurrentThread();
        Run(1000);
        Assert.Equal(before, GC.GetAllocatedBytesForCurrentThread());

        void Run(int times)
        {
            for (var i = 0; i < times; i++)
            {
                peer.Session.Received("ours", cut.AsSpan(0, 30), peer.Now);
                peer.Session.Received("ours", cut.AsSpan(30), peer.Now);
                peer.Pass(30 * Second);
            }
        }
    }

    private static GracefulRestart OpenOf(Recorder peer)
    {
        if (!peer.Session.IsStarted)
            peer.Session.Start(peer.Now);
        peer.Session.Connected("ours", peer.Now);
        Assert.True(OpenMessage.TryParse(peer.LastSent, out var open, out _));
        return open!.Capabilities.GracefulRestart!;
    }
}

using Portolan.Bgp;
using Portolan.Linux.Sockets;
using Portolan.Protocols.Bgp.Routes;
using Portolan.Protocols.Bgp.Sessions;
using Portolan.Protocols.Bgp.Wire;

namespace Portolan.Tests.Bgp;

/// <summary>What others keep of our routes while we are away, or are told to do otherwise.</summary>
public sealed class RestartInteroperationTests
{
    private const string Kept = "203.0.113.7/32";
    private const string Dropped = "203.0.113.8/32";
    private const string KeptV6 = "2001:db8::7/128";

    [Theory]
    [InlineData("bird", true)]
    [InlineData("frr", true)]
    [InlineData("gobgp", false)]
    [InlineData("openbgpd", false)]
    public void RoutesStayOverARestart_AndWhatIsNotSaidAgainGoes(string daemon, bool writesRoutes)
    {
        using var wire = new BgpWire();
        using var them = ForeignSpeaker.Create(daemon, wire.Them, BgpWire.Peering());
        them.Start();
        using (var first = new BgpSide(wire.Us))
        {
            foreach (var prefix in (string[])[Kept, Dropped, KeptV6])
                first.Announce(prefix, PathAttributes.Default);
            first.Speak(Restarting());
            Assert.True(first.AwaitUp().Terms!.PeerKeepsRoutes);
            them.Await(Dropped);
            them.Await(Kept);
            them.Await(KeptV6);
            using var monitor = writesRoutes ? new RouteMonitor(wire.Them) : null;
            first.Stop(null);
            for (var i = 0; i < 10; i++)
                them.Await(Kept);

            using var second = new BgpSide(wire.Us);
            second.Announce(Kept, PathAttributes.Default);
            second.Announce(KeptV6, PathAttributes.Default);
            second.Loop.SetNeighbors([(Restarting(), "t")]);
            second.Await("them", status => status.State is SessionState.Established);
            for (var i = 0; i < 10; i++)
            {
                Assert.NotNull(them.Find(Kept));
                Assert.NotNull(them.Find(Dropped));
                Assert.NotNull(them.Find(KeptV6));
            }

            second.Loop.AreReady();
            them.AwaitGone(Dropped);
            Assert.NotNull(them.Find(Kept));
            Assert.NotNull(them.Find(KeptV6));
            if (monitor is null)
                return;
            Patience.Until(() => monitor.Seen.Contains("Deleted 203.0.113.8", StringComparison.Ordinal), () => monitor.Seen);
            Assert.DoesNotContain("Deleted 203.0.113.7", monitor.Seen, StringComparison.Ordinal);
            Assert.DoesNotContain("Deleted 2001:db8::7", monitor.Seen, StringComparison.Ordinal);

            // Leaving for longer: now they are to let go at once.
            second.Stop(BgpError.Cease(CeaseSubcode.AdministrativeShutdown, "").ToHardReset());
            them.AwaitGone(Kept);
        }
    }

    [Fact]
    public void ANewTableIsToldByTheDifference()
    {
        using var wire = new BgpWire();
        using var them = ForeignSpeaker.Create("bird", wire.Them, BgpWire.Peering());
        them.Start();
        using var us = new BgpSide(wire.Us);
        us.Announce("203.0.113.1/32", PathAttributes.Default, "one");
        us.Announce(Kept, PathAttributes.Default, "one");
        us.Announce(Kept, PathAttributes.Default, "other");
        us.Announce("203.0.113.3/32", new PathAttributes { Med = 3 }, "other");
        us.Announce(KeptV6, PathAttributes.Default, "other");
        us.Loop.SetNeighbors([(BgpWire.Neighbor(), "one")], "one", "other");
        us.Loop.AreReady();
        us.AwaitUp();
        them.Await("203.0.113.1/32");
        them.Await(Kept);
        using var monitor = new RouteMonitor(wire.Them);
        us.Loop.SetNeighbors([(BgpWire.Neighbor(), "other")], "one", "other");
        them.AwaitGone("203.0.113.1/32");
        them.Await("203.0.113.3/32", route => route.Med == 3);
        them.Await(KeptV6);
        Patience.Until(() => monitor.Seen.Contains("Deleted 203.0.113.1", StringComparison.Ordinal), () => monitor.Seen);
        Assert.DoesNotContain("203.0.113.7", monitor.Seen, StringComparison.Ordinal);

        // The former table is nothing to it, this one all.
        us.Announce("203.0.113.4/32", PathAttributes.Default, "one");
        us.Announce(Kept, null, "other");
        them.AwaitGone(Kept);
        Assert.Null(them.Find("203.0.113.4/32"));
        Assert.Equal(1, us.Await("them", _ => true).Counts.Established);
    }

    [Theory]
    [InlineData("bird", "configuration change")]
    [InlineData("frr", "Other Configuration Change")]
    public void OtherSettingsAreAnotherSession_TheSameAreNot(string daemon, string said)
    {
        using var wire = new BgpWire();
        using var them = ForeignSpeaker.Create(daemon, wire.Them, BgpWire.Peering());
        them.Start();
        using var us = new BgpSide(wire.Us);
        us.Announce(Kept, PathAttributes.Default);
        us.Speak(BgpWire.Neighbor());
        us.AwaitUp();
        them.Await(Kept);
        us.Speak(BgpWire.Waited(), BgpWire.Neighbor());
        us.Speak(BgpWire.Neighbor());
        us.Announce(Dropped, PathAttributes.Default);
        them.Await(Dropped);
        Assert.Equal(1, us.Await("them", _ => true).Counts.Established);

        us.Speak(BgpWire.Neighbor(change: session => session with { HoldTime = 30 }));
        Assert.Equal(30, us.Await("them", status => status is { IsSynchronized: true, Terms.HoldTime: 30 }).Terms!.HoldTime);
        them.AwaitSaid(said);
        them.Await(Kept);

        us.Speak();
        them.AwaitGone(Kept);
        Patience.Until(() => us.Shown.Count == 0, () => string.Join('\n', us.Shown));
    }

    [Theory]
    [InlineData(false, "")]
    [InlineData(true, "")]
    [InlineData(false, "s3cret")]
    [InlineData(true, "s3cret")]
    public void RoutersAreFoundOnAnInterface(bool isPassive, string password)
    {
        using var wire = new BgpWire();
        wire.Us.Wire("eth1", wire.Them, "eth1");
        using var them = new FrrSpeaker(wire.Them, BgpWire.Peering() with { Unnumbered = true, Interface = "eth1", Password = password });
        Assert.SkipUnless(File.Exists("/usr/lib/frr/bgpd"), "needs the package frr");
        them.Start();
        using var us = new BgpSide(wire.Us);
        us.Announce(Kept, PathAttributes.Default);
        us.Announce(KeptV6, PathAttributes.Default);
        if (password.Length > 0)
        {
            us.Speak(Unnumbered() with { Password = "another" });
            if (isPassive)
                Patience.Until(() => wire.Us.Inside(TcpMd5Key.BadSignatures) > 1, () => them.Log);
            else
                us.AwaitEnd("no answer; its TCP MD5 key may be another one");
            Assert.Equal((0, 0), (us.Await("them", _ => true).Counts.OpensSent, us.Await("them", _ => true).Counts.OpensReceived));
        }

        us.Speak(Unnumbered());
        var status = us.AwaitUp();
        Assert.True(status.Address!.IsIPv6LinkLocal);
        Assert.True(status.Terms!.ExtendedNextHop);
        foreach (var prefix in (string[])[Kept, KeptV6])
            Assert.Contains("fe80:", them.Await(prefix).NextHop, StringComparison.Ordinal);
        Patience.Until(() => wire.Them.RunInside("ip", "route show 203.0.113.7").Contains("via inet6 fe80:", StringComparison.Ordinal), () => wire.Them.RunInside("ip", "route"));
        Patience.Until(() => wire.Them.RunInside("ip", "-6 route show 2001:db8::7").Contains("via fe80:", StringComparison.Ordinal), () => wire.Them.RunInside("ip", "-6 route"));

        // Where it is, is known already.
        us.Speak(Unnumbered(holdTime: 30));
        us.Await("them", found => found is { IsSynchronized: true, Terms.HoldTime: 30 });
        them.Await(Kept);

        // One that goes and comes back is found again.
        them.Kill();
        us.Await("them", found => found.State is not SessionState.Established);
        them.Start();
        us.AwaitUp();
        them.Await(Kept);

        NeighborSettings Unnumbered(ushort holdTime = 90) => BgpWire.Neighbor(change: session => session with
        {
            HoldTime = holdTime, IsPassive = isPassive, ExtendedNextHop = true, LinkLocalNextHop = true, Relation = PeerRelation.External,
        }) with
        { Address = null, Interface = "eth1", Password = password };
    }

    private static NeighborSettings Restarting() => BgpWire.Neighbor(change: session => session with
    {
        Restart = new RestartOffer(60, BgpFamilies.IPv4Unicast | BgpFamilies.IPv6Unicast, AfterNotification: true), IsRestarting = true,
    });
}

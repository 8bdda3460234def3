using System.Diagnostics;
using Microsoft.Extensions.Logging.Abstractions;
using Portolan.Bfd;
using Portolan.Core.Addresses;
using Portolan.Core.Configuration;
using Portolan.Protocols.Bfd;
using Portolan.Protocols.Bgp.Routes;
using Portolan.Protocols.Bgp.Sessions;
using Portolan.Protocols.Bgp.Wire;
using Portolan.Speaker.Bgp;
using Portolan.Speaker.Liveness;
using Portolan.Tests.Bfd;
using Portolan.Tests.Proxy;

namespace Portolan.Tests.Bgp;

/// <summary>What becomes of a BGP session when its BFD session goes down, and of routes when others judge our silence.</summary>
public sealed class LivenessInteroperationTests
{
    private const string Route = "203.0.113.7/32";

    [Fact]
    public void ALostPathEndsTheSession_LongBeforeTheHoldTime()
    {
        using var them = new AllDaemons(peering => peering with { Bfd = true }, names: ["bird", "frr"]);
        them.Start();
        using var us = new BgpSide(them.Us);
        using var watched = new Watched(them.Us, us);
        us.Announce(Route, PathAttributes.Default);
        watched.Speak(them.Neighbors());
        AllUp(times: 1);

        // Theirs are lost, then ours.
        foreach (var (hook, match) in ((string, string)[])[("input", "iifname"), ("output", "oifname")])
        {
            var began = DateTimeOffset.UtcNow;
            var clock = Stopwatch.StartNew();
            them.Us.RunInside("nft", $"\"add table inet cut; add chain inet cut c {{ type filter hook {hook} priority 0; }}; add rule inet cut c udp dport 3784 drop\"");
            them.Each((name, speaker) =>
            {
                us.AwaitEnd("ended it in Established: Cease", name, began);
            });
            Assert.InRange(clock.Elapsed.TotalSeconds, 0, 20); // 1.5 s, on a busy machine, and less than a hold time
            them.Us.RunInside("nft", "delete table inet cut");
            AllUp(times: hook == "input" ? 2 : 3);
        }

        void AllUp(int times)
        {
            them.AwaitUp(us, times);
            them.Each((_, speaker) => speaker.Await(Route));
            watched.AwaitUp(them.Names.Count);
        }
    }

    [Fact]
    public void RoutesAreKept_WhenBfdGoesDownWithTheSpeaker()
    {
        // FRR waits for a speaker that restarts, and does not take the loss of a BFD session for more than that where either side says that BFD dies with its
        // speaker (C bit, RFC 5882 §4.3). It sets the bit and heeds its absence; but 8.4 does not tell its bgpd of it, not even when another FRR sets it ("CPI bit no").
        using var them = new AllDaemons(peering => peering with { Bfd = true }, names: ["frr"]);
        var frr = them["frr"];
        them.Start();
        using var bfd = new LoopSide(them.Us, outlivesSpeaker: false);
        var session = new SessionName(IpAddress.Parse("10.7.2.100"), IpAddress.Parse("10.7.2.101"));
        bfd.Order(loop => loop.Want(new(session, BfdSettings.Every(300, 5), null)));
        using var us = new BgpSide(them.Us);
        us.Announce(Route, PathAttributes.Default);
        us.Speak(them.Neighbors(settings => settings with { Restart = new RestartOffer(60, BgpFamilies.IPv4Unicast | BgpFamilies.IPv6Unicast, AfterNotification: true) }));
        them.AwaitUp(us);
        frr.Await(Route);
        frr.AwaitSaid(": Up"); // of BFD
        bfd.Eventually(loop => loop.TryGet(session, out var found) && found.RemoteIsIndependent);
        us.Stop(null);
        bfd.Order(loop => loop.Forget(session));
        frr.AwaitSaid("BFD DOWN message ignored in the process of graceful restart when C bit is cleared");
        Assert.NotNull(frr.Find(Route));
    }

    [Fact]
    public void RoutesOutliveANotification_WhereBothHaveTheNBit()
    {
        using var them = new AllDaemons(peering => peering with { HoldTime = 3 }, names: ["frr", "gobgp"]);
        them.Start();
        using var us = new BgpSide(them.Us);
        us.Announce(Route, PathAttributes.Default);
        us.Speak(them.Neighbors(session => session with { HoldTime = 3, Restart = new RestartOffer(60, BgpFamilies.IPv4Unicast | BgpFamilies.IPv6Unicast, AfterNotification: true) }));
        them.AwaitUp(us);
        them.Each((name, speaker) =>
        {
            Assert.True(us.AwaitUp(name).Terms!.PeerKeepsRoutesAfterNotification, name);
            speaker.Await(Route);
        });
        using var monitor = new RouteMonitor(them.Place("frr"));

        // They say that we were silent for too long.
        var began = DateTimeOffset.UtcNow;
        them.Us.RunInside("nft", "\"add table inet cut; add chain inet cut out { type filter hook output priority 0; }; add rule inet cut out tcp flags & psh == psh drop\"");
        them.Each((name, _) => us.AwaitEnd("ended it in Established: Hold Timer Expired", name, began));
        Kept();
        them.Us.RunInside("nft", "delete table inet cut");
        them.AwaitUp(us, times: 2);

        // We say that they were.
        began = DateTimeOffset.UtcNow;
        them.Each((_, speaker) => speaker.Freeze(true));
        them.Each((name, _) => us.AwaitEnd("we ended it in Established: Hold Timer Expired", name, began));
        them.Each((_, speaker) => speaker.Freeze(false));
        Kept();
        them.AwaitUp(us, times: 3);

        // And that the operator wants it anew.
        them.Each((name, _) => us.Loop.Reset(name, BgpError.Cease(CeaseSubcode.AdministrativeReset, "for the test")));
        Kept();
        them.AwaitUp(us, times: 4);
        Kept();
        Assert.DoesNotContain("Deleted 203.0.113.7", monitor.Seen, StringComparison.Ordinal);

        // Only a Hard Reset is another matter.
        us.Stop(BgpError.Cease(CeaseSubcode.AdministrativeShutdown, "").ToHardReset());
        them.Each((_, speaker) => speaker.AwaitGone(Route));

        void Kept()
        {
            for (var i = 0; i < 5; i++)
                them.Each((name, speaker) => Assert.True(speaker.Find(Route) is not null, $"{name} has dropped it\n{speaker.Log}"));
        }
    }

    /// <summary>Our BFD beside our BGP, as in a speaker.</summary>
    private sealed class Watched : IDisposable
    {
        private readonly BgpSide _us;
        private readonly BfdEndpoint _bfd;
        private readonly PeerWatch _watch;
        private readonly Lock _gate = new();
        private readonly Thread _thread;

        public Watched(NetworkNamespace where, BgpSide us)
        {
            _us = us;
            _bfd = new BfdEndpoint(BfdSettings.Every(300, 5), _ => { }, Take, NullLogger.Instance);
            _watch = new PeerWatch(_bfd, us.Loop.Reset);
            us.OnShown = shown =>
            {
                lock (_gate)
                    _watch.Show(shown);
            };
            _thread = new Thread(() => where.Inside(() =>
            {
                _bfd.Hold(() => { }, () => { });
                return 0;
            }));
            _thread.Start();
        }

        public void Speak(params Portolan.Bgp.NeighborSettings[] neighbors)
        {
            var profile = new BfdProfile { Name = "p", TransmitInterval = 300, ReceiveInterval = 300, DetectMultiplier = 5, EchoInterval = 50, EchoMode = false, PassiveMode = false, MinimumTtl = null };
            neighbors = [.. neighbors.Select(neighbor => neighbor with { Bfd = profile })];
            lock (_gate)
                _watch.SetPeers(neighbors);
            _us.Speak(neighbors);
        }

        public void AwaitUp(int sessions) =>
            Patience.Until(() => _bfd.Neighbors.Count(neighbor => neighbor.Figures.State is BfdState.Up) == sessions, () => string.Join('\n', _bfd.Neighbors));

        public void Dispose()
        {
            _us.OnShown = null;
            _bfd.Stop();
            _thread.Join();
        }

        private void Take(BfdTransition<SessionName> transition)
        {
            lock (_gate)
                _watch.On(transition);
        }
    }
}

using System.Text;
using Portolan.Bfd;
using Portolan.Core.Addresses;
using Portolan.Protocols.Bfd;
using Portolan.Tests.Proxy;

namespace Portolan.Tests.Bfd;

/// <summary>Sessions with the BFD of BIRD and of FRR, on a wire of their own.</summary>
public sealed class InteroperationTests : IDisposable
{
    private const string Ours = "192.168.100.100";
    private const string Theirs = "192.168.100.101";

    // Slow enough that a busy machine is not taken for a dead one.
    private static readonly BfdSettings _settings = BfdSettings.Every(300, 5);

    private readonly NetworkNamespace _a;
    private readonly NetworkNamespace _b;
    private readonly LoopSide _us;

    public InteroperationTests()
    {
        NetworkNamespace.SkipUnlessRoot();
        Assert.SkipUnless(File.Exists("/usr/sbin/bird") && File.Exists("/usr/lib/frr/bfdd"), "needs the packages bird2 and frr");
        _a = new NetworkNamespace("bfd-us");
        _b = new NetworkNamespace("bfd-them");
        _a.Wire("eth0", _b, "eth0");
        _a.Link($"addr add {Ours}/24 dev eth0");
        _b.Link($"addr add {Theirs}/24 dev eth0");
        _a.Link("addr add fd00::100/64 dev eth0 nodad");
        _b.Link("addr add fd00::101/64 dev eth0 nodad");
        _us = new LoopSide(_a);
    }

    public void Dispose()
    {
        _us.Dispose();
        _a.Dispose();
        _b.Dispose();
    }

    [Theory]
    [InlineData("bird", Ours, Theirs)]
    [InlineData("bird", "fd00::100", "fd00::101")]
    [InlineData("frr", Ours, Theirs)]
    [InlineData("frr", "fd00::100", "fd00::101")]
    public void SeesThemDie_AndIsSeenDying(string daemon, string ours, string theirs)
    {
        using var them = ForeignDaemon.Create(daemon, _b, theirs, ours);
        them.Start();
        var name = new SessionName(IpAddress.Parse(ours), IpAddress.Parse(theirs));
        _us.Order(loop => loop.Want(new(name, _settings, null)));
        _us.Await(transition => transition.State is BfdState.Up);
        them.AwaitState("up");

        them.Kill();
        Assert.Equal(BfdDiagnostic.DetectionTimeExpired, _us.Await(transition => transition.State is BfdState.Down).Diagnostic);

        them.Start();
        _us.Await(transition => transition.State is BfdState.Up);
        them.AwaitState("up");
        _us.Order(loop => loop.Forget(name));
        them.AwaitState("down");
    }

    [Theory]
    [InlineData("bird", BfdDiagnostic.DetectionTimeExpired, BfdState.Down)] // says nothing when it is disabled
    [InlineData("frr", BfdDiagnostic.NeighborSignaledDown, BfdState.AdminDown)]
    public void TellsThemOfAPlannedStop_AndIsTold(string daemon, BfdDiagnostic diagnostic, BfdState said)
    {
        using var them = ForeignDaemon.Create(daemon, _b, Theirs, Ours);
        them.Start();
        Want(_settings);
        _us.Await(transition => transition.State is BfdState.Up);
        them.AwaitState("up");
        _us.Order(loop => loop.AdminDown());
        them.AwaitState("down");
        if (daemon == "frr")
            Assert.Equal("neighbor signaled session down", them.Diagnostic);

        Want(_settings); // again
        _us.Await(transition => transition.State is BfdState.Up);
        them.AwaitState("up");
        them.Disable();
        var end = _us.Await(transition => transition.State is BfdState.Down);
        Assert.Equal((diagnostic, said), (end.Diagnostic, end.RemoteState));
    }

    [Theory]
    [InlineData("bird", Ours, Theirs)]
    [InlineData("bird", "fd00::100", "fd00::101")]
    [InlineData("frr", Ours, Theirs)]
    [InlineData("frr", "fd00::100", "fd00::101")]
    public void SeesThemBehindARouter_AndIsToldOfItsPlan(string daemon, string ours, string theirs)
    {
        // Not on the wire between us any more: each on a wire to a router.
        using var router = new NetworkNamespace("bfd-router");
        _a.Link("link del eth0");
        router.Sysctl("net.ipv4.ip_forward", "1");
        router.Sysctl("net.ipv6.conf.all.forwarding", "1");
        foreach (var (side, number) in new[] { (_a, 1), (_b, 2) })
        {
            side.Wire("eth0", router, $"eth{number}");
            side.Link($"addr add 10.0.{number}.2/24 dev eth0");
            side.Link($"addr add fd00:{number}::2/64 dev eth0 nodad");
            side.Link($"addr add {(number == 1 ? Ours : Theirs)}/32 dev lo");
            side.Link($"addr add fd00::10{number - 1}/128 dev lo");
            router.Link($"addr add 10.0.{number}.1/24 dev eth{number}");
            router.Link($"addr add fd00:{number}::1/64 dev eth{number} nodad");
            side.Link($"route add default via 10.0.{number}.1");
            side.Link($"-6 route add default via fd00:{number}::1");
            router.Link($"route add {(number == 1 ? Ours : Theirs)}/32 via 10.0.{number}.2");
            router.Link($"-6 route add fd00::10{number - 1}/128 via fd00:{number}::2");
        }

        using var them = ForeignDaemon.Create(daemon, _b, theirs, ours, new(Multihop: true));
        them.Start();
        var name = new SessionName(IpAddress.Parse(ours), IpAddress.Parse(theirs), "", Multihop: true);
        // BIRD sends over several hops with the TTL that the kernel gives anything, FRR with 255.
        _us.Order(loop => loop.Want(new(name, _settings, null, MinimumTtl: (byte)(daemon == "frr" ? 254 : 63))));
        _us.Await(transition => transition.State is BfdState.Up);
        them.AwaitState("up");

        _us.Order(loop => loop.Dismiss(name));
        them.AwaitState("down");
        if (daemon == "frr")
            Assert.Equal("neighbor signaled session down", them.Diagnostic);
        _us.Eventually(loop => loop.Count == 0);

        _us.Order(loop => loop.Want(new(name, _settings, null)));
        _us.Await(transition => transition.State is BfdState.Up);
        them.Kill();
        Assert.Equal(BfdDiagnostic.DetectionTimeExpired, _us.Await(transition => transition.State is BfdState.Down).Diagnostic);
    }

    [Theory]
    [InlineData("bird", false)]
    [InlineData("bird", true)]
    [InlineData("frr", false)]
    [InlineData("frr", true)]
    public void AgreesOnAnIntervalEachWay_WhoeverBegins(string daemon, bool theyWait)
    {
        using var them = ForeignDaemon.Create(daemon, _b, Theirs, Ours, new(Passive: theyWait, Send: 400, Receive: 350));
        Want(new BfdSettings(700_000, 500_000, 4) { Passive = !theyWait });
        them.Start();
        _us.Await(transition => transition.State is BfdState.Up);
        them.AwaitState("up");
        them.AwaitDetectionTime(4 * 700);
        _us.Eventually(loop => (Session(loop).SendInterval, Session(loop).ReceiveInterval, Session(loop).DetectionTime) == (700_000, 500_000, 5 * 500_000));
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void ShowsOnTheWireWhetherItDiesWithItsControlPlane(bool outlivesSpeaker)
    {
        Assert.SkipUnless(File.Exists("/usr/bin/tcpdump"), "needs the package tcpdump");
        using var us = new LoopSide(_a, outlivesSpeaker);
        us.Order(loop => loop.Want(new(Name, _settings, null)));
        var seen = NetworkNamespace.Run("ip", $"netns exec {_b.Name} tcpdump -i eth0 -c 1 -v -n udp port 3784 and src host {Ours}");
        Assert.Contains("Control, State Down", seen);
        Assert.Equal(outlivesSpeaker, seen.Contains("Control Plane Independent"));
    }

    [Theory]
    [InlineData("bird")]
    [InlineData("frr")]
    public void ChangesIntervalsWithoutGoingDown(string daemon)
    {
        using var them = ForeignDaemon.Create(daemon, _b, Theirs, Ours);
        them.Start();
        Want(_settings);
        _us.Await(transition => transition.State is BfdState.Up);
        them.AwaitDetectionTime(5 * 300);

        // By a poll of ours, slower and faster again; then by one of theirs.
        Want(BfdSettings.Every(700, 5));
        them.AwaitDetectionTime(5 * 700);
        _us.Eventually(loop => Session(loop).SendInterval == 700_000);
        Want(_settings);
        them.AwaitDetectionTime(5 * 300);
        them.SendEach(900);
        _us.Eventually(loop => Session(loop).DetectionTime == 5 * 900_000);
        Assert.Throws<OperationCanceledException>(() => _us.Await(transition => transition.State is BfdState.Down, TimeSpan.FromMilliseconds(1)));
    }

    [Theory]
    [InlineData("meticulous keyed sha1", true, "secret")]
    [InlineData("keyed sha1", false, "secret")]
    [InlineData("meticulous keyed sha1", true, "twenty bytes exactly")]
    public void IsBelievedByItsKey(string algorithm, bool meticulous, string secret)
    {
        using var them = ForeignDaemon.Create("bird", _b, Theirs, Ours, new(Authentication: $$"""authentication {{algorithm}}; password "{{secret}}" { id 7; };"""));
        them.Start();
        Want(_settings, new BfdKey(7, "another"u8, meticulous));
        _us.Eventually(loop => loop.Figures.Discarded > 1);
        Assert.Equal("Down", them.State);
        Want(_settings, new BfdKey(7, Encoding.ASCII.GetBytes(secret), meticulous));
        _us.Await(transition => transition.State is BfdState.Up);
        them.AwaitState("up");
        _us.Eventually(loop => loop.Figures.Received > 10);

        // Theirs begins with another sequence number when it comes back.
        them.Kill();
        _us.Await(transition => transition.State is BfdState.Down);
        them.Start();
        _us.Await(transition => transition.State is BfdState.Up);
        them.AwaitState("up");
    }

    private void Want(BfdSettings settings, BfdKey? key = null) => _us.Order(loop => loop.Want(new(Name, settings, key)));

    private static SessionName Name => new(IpAddress.Parse(Ours), IpAddress.Parse(Theirs));

    private static BfdSession Session(SessionLoop loop) => loop.TryGet(Name, out var session) ? session : throw new InvalidOperationException("there is no session");
}

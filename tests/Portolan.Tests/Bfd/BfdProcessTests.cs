using System.Collections.Concurrent;
using System.Net.Sockets;
using Microsoft.Extensions.Logging.Abstractions;
using Portolan.Bfd;
using Portolan.Bfd.Frames;
using Portolan.Core.Addresses;
using Portolan.Protocols.Bfd;
using Portolan.Speaker.Liveness;
using Portolan.Tests.Proxy;

namespace Portolan.Tests.Bfd;

/// <summary>A node with a bfd process and a speaker beside it, and another node that holds its session itself.</summary>
public sealed class BfdProcessTests : IDisposable
{
    private static readonly IpAddress _here = IpAddress.Parse("192.168.100.100");
    private static readonly IpAddress _there = IpAddress.Parse("192.168.100.101");

    // Slow enough that a busy machine is not taken for a dead one: what is tested here comes at once all the same.
    private static readonly BfdSettings _slow = BfdSettings.Every(500, 20);

    private readonly string _directory = Directory.CreateTempSubdirectory("bfd").FullName;
    private readonly BlockingCollection<BfdTransition<IpAddress>> _heardHere = [];
    private readonly BlockingCollection<BfdTransition<IpAddress>> _heardThere = [];
    private readonly BlockingCollection<BfdTransition<SessionName>> _neighborsHere = [];
    private readonly BlockingCollection<BfdTransition<SessionName>> _neighborsThere = [];
    private readonly CancellationToken _stop = TestContext.Current.CancellationToken;
    private readonly NetworkNamespace _a;
    private readonly NetworkNamespace _b;
    private readonly BfdProcess _process;
    private readonly BfdEndpoint _peer;
    private readonly List<Thread> _threads = [];

    public BfdProcessTests()
    {
        NetworkNamespace.SkipUnlessRoot();
        _a = new NetworkNamespace("bfd-a");
        _b = new NetworkNamespace("bfd-b");
        _a.Wire("eth0", _b, "eth0");
        _a.Link($"addr add {_here}/24 dev eth0");
        _b.Link($"addr add {_there}/24 dev eth0");
        _process = new BfdProcess(Path, NullLogger.Instance);
        _peer = new BfdEndpoint(_slow, _heardThere.Add, _neighborsThere.Add, NullLogger.Instance);
        _peer.UseKey(BfdKey.Derive(1, "secret"u8));
        _peer.SetPeers(_there, [_here]);
        var started = new ManualResetEventSlim();
        Start(_b, () => _peer.Hold(started.Set, () => { }));
        started.Wait(_stop);
        Start(_a, () => _process.Hold(realTime: false));
    }

    private string Path => System.IO.Path.Combine(_directory, "bfd.sock");

    public void Dispose()
    {
        _peer.Stop();
        _process.Stop();
        _threads.ForEach(thread => thread.Join());
        _process.Dispose();
        _a.Dispose();
        _b.Dispose();
        Directory.Delete(_directory, recursive: true);
    }

    [Fact]
    public async Task TellsTheSpeakerOfItsPeers_AndThePeersOfItsEnd()
    {
        using (var life = CancellationTokenSource.CreateLinkedTokenSource(_stop))
        {
            var started = new ManualResetEventSlim();
            var (speaker, running) = Speak(started.Set, life.Token);
            Await(_heardHere, transition => transition.State is BfdState.Up);
            Await(_heardThere, transition => transition.State is BfdState.Up);
            Assert.True(started.IsSet);
            Assert.Equal((1, BfdProcess.OrdinaryFloor), (speaker.Process!.Value.SchedulingError, speaker.Process.Value.Floor));
            Assert.True(SpinWait.SpinUntil(() => speaker.Figures.Sent > 0, TimeSpan.FromSeconds(60)));

            await life.CancelAsync();
            await running;
            Assert.Null(speaker.Process);
        }

        // Long before ten seconds of silence would have told: it says so itself.
        var end = Await(_heardThere, transition => transition.State is BfdState.Down);
        Assert.Equal((BfdDiagnostic.NeighborSignaledDown, BfdState.AdminDown), (end.Diagnostic, end.RemoteState));
    }

    [Fact]
    public async Task ComesUpAtOnce_WhenTheSpeakerComesBack()
    {
        for (var life = 0; life < 3; life++)
        {
            using var alive = CancellationTokenSource.CreateLinkedTokenSource(_stop);
            var started = new ManualResetEventSlim();
            var (_, running) = Speak(started.Set, alive.Token);
            Await(_heardHere, transition => transition.State is BfdState.Up);
            Await(_heardThere, transition => transition.State is BfdState.Up);
            Assert.True(started.IsSet);
            await alive.CancelAsync();
            await running;
            Await(_heardThere, transition => transition.State is BfdState.Down);
        }
    }

    [Fact]
    public async Task StopsOnlyAfterItsSpeaker()
    {
        using var life = CancellationTokenSource.CreateLinkedTokenSource(_stop);
        var (_, running) = Speak(() => { }, life.Token);
        Await(_heardThere, transition => transition.State is BfdState.Up);
        _process.Stop();
        var packets = _peer.Figures.Received;
        Assert.True(SpinWait.SpinUntil(() => _peer.Figures.Received > packets + 1, TimeSpan.FromSeconds(20)));
        Assert.DoesNotContain(_heardThere, transition => transition.State is BfdState.Down);
        await life.CancelAsync();
        await running;
        Assert.True(_threads[^1].Join(TimeSpan.FromSeconds(20)));
        Await(_heardThere, transition => transition.State is BfdState.Down);
    }

    [Fact]
    public async Task StartsWhenTheAddressIsThere()
    {
        _a.Link("addr del 192.168.100.100/24 dev eth0");
        using var life = CancellationTokenSource.CreateLinkedTokenSource(_stop);
        var started = new ManualResetEventSlim();
        var (speaker, running) = Speak(started.Set, life.Token);
        Assert.True(SpinWait.SpinUntil(() => speaker.Process is not null, TimeSpan.FromSeconds(20)));
        Assert.False(started.IsSet);
        _a.Link("addr add 192.168.100.100/24 dev eth0");
        Await(_heardThere, transition => transition.State is BfdState.Up);
        Assert.True(started.Wait(TimeSpan.FromSeconds(20), _stop));
        await life.CancelAsync();
        await running;
    }

    [Fact]
    public async Task ChangesTheKey_AndForgetsAPeer_WhileItRuns()
    {
        using var life = CancellationTokenSource.CreateLinkedTokenSource(_stop);
        var (speaker, running) = Speak(() => { }, life.Token);
        Await(_heardThere, transition => transition.State is BfdState.Up);
        speaker.UseKey(BfdKey.Derive(1, "another"u8));
        _peer.UseKey(BfdKey.Derive(1, "another"u8));
        var packets = _peer.Figures.Received;
        Assert.True(SpinWait.SpinUntil(() => _peer.Figures.Received > packets + 2, TimeSpan.FromSeconds(20)));
        Assert.DoesNotContain(_heardThere, transition => transition.State is BfdState.Down);
        speaker.SetPeers(_here, []);
        Assert.Equal(BfdDiagnostic.DetectionTimeExpired, Await(_heardThere, transition => transition.State is BfdState.Down).Diagnostic);
        await life.CancelAsync();
        await running;
    }

    [Fact]
    public async Task HoldsNeighbours_OnAnyAddress_BesideOrWithoutSpeakers()
    {
        _a.Link("addr add 192.168.200.100/24 dev eth0");
        _b.Link("addr add 192.168.200.101/24 dev eth0");
        var (near, far) = (Neighbor("192.168.200.100", "192.168.200.101"), Neighbor("192.168.200.100", "192.168.200.101", multihop: true));
        var settings = new NeighborSettings(BfdSettings.Every(500, 20));
        _peer.SetNeighbors(new Dictionary<SessionName, NeighborSettings> { [Reverse(near)] = settings, [Reverse(far)] = settings });

        using var life = CancellationTokenSource.CreateLinkedTokenSource(_stop);
        var speaker = new BfdClient(Path, _slow, _heardHere.Add, _neighborsHere.Add, NullLogger.Instance);
        var running = speaker.RunAsync(() => { }, () => { }, life.Token);
        speaker.SetNeighbors(new Dictionary<SessionName, NeighborSettings> { [near] = settings, [far] = settings with { MinimumTtl = 250 } });
        var ups = new[] { Await(_neighborsHere, transition => transition.State is BfdState.Up), Await(_neighborsHere, transition => transition.State is BfdState.Up) };
        Assert.Equal([near, far], ups.Select(up => up.Peer).OrderBy(name => name.Multihop));

        // The bfd process lives on without its speaker; over there the sessions share the speaker's process.
        Assert.All(ups, up => Assert.False(up.RemoteIsIndependent));
        Assert.True(Await(_neighborsThere, transition => transition.State is BfdState.Up).RemoteIsIndependent);
        Assert.True(Await(_neighborsThere, transition => transition.State is BfdState.Up).RemoteIsIndependent);
        Assert.True(SpinWait.SpinUntil(() => speaker.Neighbors is [{ Figures: { State: BfdState.Up, Ups: 1, Received: > 1, SendInterval: 500_000, DetectionTime: 10_000_000 } }, { Figures.Ups: 1 }], TimeSpan.FromSeconds(60)));
        Assert.Empty(_heardHere);

        // Now speakers too, which disturbs nobody; then one neighbour less, by plan, and then the other one, without a word.
        speaker.UseKey(BfdKey.Derive(1, "secret"u8));
        speaker.SetPeers(_here, [_there]);
        Await(_heardHere, transition => transition.State is BfdState.Up);
        speaker.SetNeighbors(new Dictionary<SessionName, NeighborSettings> { [near] = settings }, planned: true);
        var end = Await(_neighborsThere, transition => transition.State is BfdState.Down);
        Assert.Equal((Reverse(far), BfdDiagnostic.NeighborSignaledDown, BfdState.AdminDown), (end.Peer, end.Diagnostic, end.RemoteState));
        var own = Await(_neighborsHere, _ => true);
        Assert.Equal((far, BfdState.Up, BfdState.AdminDown), (own.Peer, own.From, own.State));
        speaker.SetNeighbors(new Dictionary<SessionName, NeighborSettings>());
        end = Await(_neighborsThere, transition => transition.State is BfdState.Down);
        Assert.Equal((Reverse(near), BfdDiagnostic.DetectionTimeExpired), (end.Peer, end.Diagnostic));
        Assert.DoesNotContain(_heardHere, transition => transition.State is not BfdState.Up);

        await life.CancelAsync();
        await running;
    }

    [Fact]
    public async Task ServesSpeakerAndNeighbour_ByOneSession()
    {
        using var life = CancellationTokenSource.CreateLinkedTokenSource(_stop);
        var (speaker, running) = Speak(() => { }, life.Token);
        Await(_heardHere, transition => transition.State is BfdState.Up);
        var name = new SessionName(_here, _there);
        speaker.SetNeighbors(new Dictionary<SessionName, NeighborSettings> { [name] = new(BfdSettings.Every(300, 30) with { Passive = true }) });

        // It is Up already, and faster from now on.
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(_stop);
        limit.CancelAfter(TimeSpan.FromSeconds(60));
        var told = _neighborsHere.Take(limit.Token);
        Assert.Equal((name, BfdState.Up, BfdState.Up), (told.Peer, told.From, told.State));
        Assert.True(SpinWait.SpinUntil(() => speaker.Neighbors is [{ Figures: { SendInterval: 500_000, ReceiveInterval: 500_000, Sent: > 0 } }], TimeSpan.FromSeconds(60)));
        _peer.SetNeighbors(new Dictionary<SessionName, NeighborSettings> { [Reverse(name)] = new(BfdSettings.Every(300, 30)) });
        Assert.True(SpinWait.SpinUntil(() => speaker.Neighbors is [{ Figures: { SendInterval: 300_000, ReceiveInterval: 300_000, DetectionTime: 6_000_000 } }], TimeSpan.FromSeconds(60)));

        // The neighbour's end is none of the speaker's.
        speaker.SetNeighbors(new Dictionary<SessionName, NeighborSettings>(), planned: true);
        var packets = _peer.Figures.Received;
        Assert.True(SpinWait.SpinUntil(() => _peer.Figures.Received > packets + 3, TimeSpan.FromSeconds(60)));
        Assert.DoesNotContain(_heardThere, transition => transition.State is BfdState.Down);
        await life.CancelAsync();
        await running;
        Assert.Equal(BfdState.AdminDown, Await(_heardThere, transition => transition.State is BfdState.Down).RemoteState);
    }

    [Fact]
    public async Task MovesItsSpeakersToAnotherAddress_AndLeavesNeighboursAlone()
    {
        var other = IpAddress.Parse("192.168.100.110");
        _a.Link($"addr add {other}/24 dev eth0");
        _peer.SetPeers(_there, [_here, other]);
        var name = Neighbor("192.168.100.110", "192.168.100.101", multihop: true);
        _peer.SetNeighbors(new Dictionary<SessionName, NeighborSettings> { [Reverse(name)] = new(_slow) });
        using var life = CancellationTokenSource.CreateLinkedTokenSource(_stop);
        var (started, stopped) = (new BlockingCollection<bool>(), new BlockingCollection<bool>());
        var speaker = new BfdClient(Path, _slow, _heardHere.Add, _neighborsHere.Add, NullLogger.Instance);
        speaker.UseKey(BfdKey.Derive(1, "secret"u8));
        speaker.SetPeers(_here, [_there]);
        speaker.SetNeighbors(new Dictionary<SessionName, NeighborSettings> { [name] = new(_slow) });
        var running = speaker.RunAsync(() => started.Add(true), () => stopped.Add(true), life.Token);
        Await(_heardThere, transition => transition.State is BfdState.Up);
        Await(_neighborsThere, transition => transition.State is BfdState.Up);
        Assert.True(SpinWait.SpinUntil(() => started.Count == 1, TimeSpan.FromSeconds(60)));
        Assert.Empty(stopped);

        speaker.SetPeers(other, [_there]);
        Assert.Single(stopped);
        var end = Await(_heardThere, transition => transition.State is BfdState.Down);
        Assert.Equal((_here, BfdState.AdminDown), (end.Peer, end.RemoteState));
        Assert.Equal(other, Await(_heardThere, transition => transition.State is BfdState.Up).Peer);
        Assert.True(SpinWait.SpinUntil(() => started.Count == 2, TimeSpan.FromSeconds(60)));
        Assert.DoesNotContain(_neighborsThere, transition => transition.State is BfdState.Down);
        await life.CancelAsync();
        await running;
    }

    [Theory]
    [InlineData("00 0A 01 02 00000000 00000000 00 00")] // a hello that is too long
    [InlineData("00 09 01 01 00000000 00000000")] // another version
    [InlineData("00 01 02 00")] // a wish before the hello
    [InlineData("FF FF 01")] // no frame
    public async Task SendsAwayWhoSpeaksAnotherTongue(string said)
    {
        using var stranger = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        await ConnectAsync(stranger);
        await stranger.SendAsync(Convert.FromHexString(said.Replace(" ", "")), _stop);
        Assert.True(await EndsAsync(stranger));
    }

    [Fact]
    public async Task HasOneSpeakerAtATime()
    {
        using var life = CancellationTokenSource.CreateLinkedTokenSource(_stop);
        var (_, running) = Speak(() => { }, life.Token);
        Await(_heardThere, transition => transition.State is BfdState.Up);
        using var second = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        await ConnectAsync(second);
        Assert.True(await EndsAsync(second));
        Assert.False(running.IsCompleted);
        await life.CancelAsync();
        await running;
    }

    [Fact]
    public async Task FailsTheSpeakersTask_WhenTheProcessDies_OrIsOfAnotherVersion()
    {
        var path = System.IO.Path.Combine(_directory, "another.sock");
        using var door = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        door.Bind(new UnixDomainSocketEndPoint(path));
        door.Listen();
        foreach (var hello in new[] { "", "00 09 01 01 00000000 00000000" })
        {
            var started = false;
            var client = new BfdClient(path, _slow, _ => { }, _ => { }, NullLogger.Instance);
            client.SetPeers(_here, [_there]);
            var running = client.RunAsync(() => started = true, () => { }, _stop);
            using (var connection = await door.AcceptAsync(_stop))
                await connection.SendAsync(Convert.FromHexString(hello.Replace(" ", "")), _stop);
            await Assert.ThrowsAsync<IOException>(() => running);
            Assert.False(started);
        }
    }

    private (BfdClient Speaker, Task Running) Speak(Action started, CancellationToken life)
    {
        var speaker = new BfdClient(Path, _slow, _heardHere.Add, _neighborsHere.Add, NullLogger.Instance);
        speaker.UseKey(BfdKey.Derive(1, "secret"u8));
        speaker.SetPeers(_here, [_there]);
        return (speaker, speaker.RunAsync(started, () => { }, life));
    }

    private async Task ConnectAsync(Socket socket)
    {
        while (true)
        {
            try
            {
                await socket.ConnectAsync(new UnixDomainSocketEndPoint(Path), _stop);
                return;
            }
            catch (SocketException)
            {
                await Task.Delay(10, _stop); // the thread is still starting
            }
        }
    }

    private async Task<bool> EndsAsync(Socket socket)
    {
        var buffer = new byte[Frame.MaxSize];
        try
        {
            while (await socket.ReceiveAsync(buffer, _stop) > 0)
            {
            }
        }
        catch (SocketException)
        {
            // by force, as there was something unread
        }

        return true;
    }

    private static SessionName Neighbor(string local, string peer, bool multihop = false) => new(IpAddress.Parse(local), IpAddress.Parse(peer), "", multihop);

    private static SessionName Reverse(SessionName name) => name with { Local = name.Peer, Peer = name.Local };

    private void Start(NetworkNamespace where, Action hold)
    {
        var thread = new Thread(() => where.Inside(() =>
        {
            hold();
            return 0;
        }));
        thread.Start();
        _threads.Add(thread);
    }

    private BfdTransition<T> Await<T>(BlockingCollection<BfdTransition<T>> transitions, Func<BfdTransition<T>, bool> wanted)
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(_stop);
        limit.CancelAfter(TimeSpan.FromSeconds(60));
        while (true)
            if (transitions.Take(limit.Token) is var transition && transition.From != transition.State && wanted(transition))
                return transition;
    }
}

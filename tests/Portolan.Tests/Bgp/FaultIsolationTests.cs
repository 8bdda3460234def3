using Portolan.Bgp;
using Portolan.Core.Addresses;
using Portolan.Protocols.Bgp.Routes;
using Portolan.Protocols.Bgp.Sessions;
using Portolan.Protocols.Bgp.Wire;

namespace Portolan.Tests.Bgp;

/// <summary>What fails in our own program, beside a neighbour that has nothing to do with it and would notice a loop that is late: its hold time is the shortest.</summary>
public sealed class FaultIsolationTests : IDisposable
{
    private const string Good = "192.168.100.102";
    private const string Route = "203.0.113.7/32";
    private const ushort OtherPort = 1790;

    private readonly NeighborSettings _goodOne = BgpWire.Neighbor(Good, "good", session => session with { HoldTime = 3 });
    private readonly BgpWire _wire = new();
    private readonly ForeignSpeaker _good;
    private readonly BgpSide _us;
    private int _med;

    public FaultIsolationTests()
    {
        _wire.Them.Link($"addr add {Good}/24 dev eth0");
        _good = ForeignSpeaker.Create("bird", _wire.Them, BgpWire.Peering() with { Local = Good, HoldTime = 3 });
        _good.Start();
        _us = new BgpSide(_wire.Us, onAnother: us =>
        {
            us.Announce(Route, new PathAttributes { Med = (uint)_med });
            us.Speak(_goodOne);
        });
        _us.Announce(Route, PathAttributes.Default);
        _us.Speak(_goodOne);
        _us.AwaitUp("good");
    }

    public void Dispose()
    {
        _us.Dispose();
        _good.Dispose();
        _wire.Dispose();
    }

    [Fact]
    public void ANeighborThatCannotBeServed_LosesItsOwnSession_AndBeginsAnew()
    {
        // No pause after a failure can be chosen out of nothing: whoever tries, throws.
        var broken = BgpWire.Neighbor(change: session => session with { LongestPause = -100 }) with { Port = OtherPort };
        _us.Speak(_goodOne, broken);
        var status = _us.AwaitEnd("a fault of this speaker");
        Assert.Equal(SessionState.Idle, status.State);
        Assert.InRange(status.Faults, 1, 3);
        AllIsWell();

        var accept = RawPeer.Listen(_wire.Them, BgpWire.Theirs, OtherPort);
        for (var round = 0; round < 2; round++)
        {
            using var peer = accept();
            peer.Establish();
            var faults = _us.AwaitUp().Faults;
            peer.Dispose();
            Assert.Equal(faults + 1, _us.Await("them", now => now.Faults > faults).Faults);
            AllIsWell();
        }

        Assert.Contains($"{nameof(ArgumentOutOfRangeException)}", _us.Log, StringComparison.Ordinal);
        Assert.Contains("at Portolan.Protocols.Bgp.Sessions.PeerSession", _us.Log, StringComparison.Ordinal);
        Assert.Equal(0, _us.Failures);
        _us.Speak(_goodOne, broken with { Session = broken.Session with { LongestPause = 1_000_000 } });
        using var last = accept();
        last.Establish();
        Assert.Equal(0, _us.AwaitUp().Faults);
    }

    [Fact]
    public async Task OneThatConnectedFromARange_IsHeldOffForAWhile()
    {
        var range = BgpWire.Neighbor() with { Address = null, ListenRanges = new ListenRanges([IpPrefix.Containing(IpAddress.Parse(BgpWire.Theirs), 32)], 10) };
        _us.Speak(_goodOne, range);
        await _us.Loop.ReportAsync(TestContext.Current.CancellationToken); // it listens
        _us.Unloggable = $"session with them/{BgpWire.Theirs}";
        using (Connect())
            _us.Await($"them/{BgpWire.Theirs}", status => status.Faults == 1);
        AllIsWell();
        // It is as if it were not there; then it may come again, and nothing is remembered of it.
        _us.Unloggable = null;
        Patience.Until(() => _us.Shown.All(status => status.Name == "good"), () => _us.Log);
        using var peer = Connect();
        Assert.Equal(0, _us.AwaitUp($"them/{BgpWire.Theirs}").Faults);
        AllIsWell();

        RawPeer Connect()
        {
            var peer = new RawPeer(_wire.Them, BgpWire.Theirs);
            peer.Establish();
            return peer;
        }
    }

    [Fact]
    public void OneThatCanHaveNoSession_KeepsNobodyFromTheirs()
    {
        _us.Speak(BgpWire.Neighbor(change: session => session with { HoldTime = 1 }), _goodOne, BgpWire.Waited());
        _us.Await("waited", status => status.State is SessionState.Active);
        Assert.Contains("peer them can have no session", _us.Log, StringComparison.Ordinal);
        Assert.DoesNotContain(_us.Shown, status => status.Name == "them");
        AllIsWell();
    }

    [Fact]
    public void ALoopThatFails_HasASuccessor_ThatKnowsEverything()
    {
        var first = _us.Loop;
        (_med, _us.CannotShow) = (7, true);
        first.Look();
        Patience.Until(() => _us.Failures >= 2, () => _us.Log);
        _us.CannotShow = false;
        _us.AwaitUp("good");
        _good.Await(Route, route => route.Med == 7);
        Assert.NotSame(first, _us.Loop);
        Assert.Contains("it cannot be shown", _us.Log, StringComparison.Ordinal);
        // What is said to the one that failed reaches nobody, and harms nobody.
        first.Look();
        _us.Announce("203.0.113.8/32", PathAttributes.Default);
        _good.Await("203.0.113.8/32");
    }

    [Fact]
    public void ItCanBeStoppedWhileItIsDown()
    {
        _us.CannotShow = true;
        _us.Loop.Look();
        Patience.Until(() => _us.Failures >= 3, () => _us.Log); // the next pause is 4 s
        var begin = DateTime.UtcNow;
        _us.Stop(BgpError.Cease(CeaseSubcode.AdministrativeShutdown, "the test is over"));
        Assert.InRange(DateTime.UtcNow - begin, TimeSpan.Zero, TimeSpan.FromSeconds(3));
    }

    private void AllIsWell()
    {
        _us.Announce(Route, new PathAttributes { Med = (uint)++_med });
        _good.Await(Route, route => route.Med == _med);
        Assert.Equal((SessionState.Established, 1L), (_us.Await("good", _ => true).State, _us.Await("good", _ => true).Counts.Established));
        Assert.DoesNotContain(_us.History("good").SkipWhile(status => status.State is not SessionState.Established), status => status.State is not SessionState.Established);
    }
}

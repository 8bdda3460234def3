using Microsoft.Extensions.Logging.Abstractions;
using Portolan.Bfd;
using Portolan.Core.Addresses;
using Portolan.Core.Configuration;
using Portolan.Protocols.Bfd;
using Portolan.Speaker.Liveness;

namespace Portolan.Tests.Speaker;

public sealed class WantedSessionsTests
{
    private static readonly IpAddress _here = IpAddress.Parse("192.168.100.100");
    private static readonly IpAddress _there = IpAddress.Parse("192.168.100.101");
    private static readonly IpAddress _elsewhere = IpAddress.Parse("192.168.100.102");
    private static readonly BfdSettings _speakers = BfdSettings.Every(100, 3);
    private static readonly NeighborSettings _settings = new(BfdSettings.Every(300, 3));
    private static readonly SessionName _router = new(_here, IpAddress.Parse("192.168.100.1"));
    private static readonly SessionName _far = new(_here, IpAddress.Parse("10.9.8.7"), "", Multihop: true);

    private readonly List<BfdTransition<IpAddress>> _ofSpeakers = [];
    private readonly List<BfdTransition<SessionName>> _ofNeighbors = [];
    private readonly List<string> _calls = [];
    private readonly WantedSessions _wanted;

    public WantedSessionsTests()
    {
        _wanted = new(_speakers, _ofSpeakers.Add, _ofNeighbors.Add, NullLogger.Instance);
        Begin();
    }

    [Fact]
    public void AsksForEachSessionOnce_UntilItChanges()
    {
        Neighbors((_router, _settings), (_far, _settings with { MinimumTtl = 250 }));
        Assert.Equal([new(_router, _settings.Session, null, 1), new(_far, _settings.Session, null, 250)], _wanted.Take().Wanted);
        Neighbors((_router, _settings), (_far, _settings with { MinimumTtl = 251 }));
        var changes = _wanted.Take();
        Assert.Equal([new(_far, _settings.Session, null, 251)], changes.Wanted);
        Assert.Empty(changes.Ended);
        Assert.Empty(_wanted.Take().Wanted);

        Begin(); // another holder knows of nothing
        Assert.Equal(2, _wanted.Take().Wanted.Count);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void EndsWhatIsWantedNoMore_ByPlanOrWithoutAWord(bool planned)
    {
        Neighbors((_router, _settings), (_far, _settings));
        _wanted.Take();
        _wanted.SetNeighbors(new Dictionary<SessionName, NeighborSettings> { [_router] = _settings }, planned);
        var changes = _wanted.Take();
        Assert.Equal([(_far, planned)], changes.Ended);
        Assert.Empty(changes.Wanted);
        Assert.Empty(_wanted.Take().Ended);

        // Its last word still finds its listener, and only that.
        _wanted.On(Transition(_far, BfdState.Up, BfdState.AdminDown));
        _wanted.On(Transition(_far, BfdState.AdminDown, BfdState.Down));
        Assert.Equal(planned ? 1 : 0, _ofNeighbors.Count);
    }

    [Fact]
    public void ForgetsAPlan_WhenTheSessionIsWantedAgain()
    {
        Neighbors((_far, _settings));
        _wanted.Take();
        _wanted.SetNeighbors(new Dictionary<SessionName, NeighborSettings>(), planned: true);
        Neighbors((_far, _settings));
        var changes = _wanted.Take();
        Assert.Empty(changes.Ended);
        Neighbors();
        Assert.Equal([(_far, false)], _wanted.Take().Ended);
    }

    [Fact]
    public void HasOneSessionServeBoth_ByTheFasterSettingsAndTheKey()
    {
        var key = new BfdKey(1, "secret"u8);
        var name = new SessionName(_here, _there);
        _wanted.UseKey(key);
        _wanted.SetPeers(_here, [_there]);
        Assert.Equal([new(name, _speakers, key)], _wanted.Take().Wanted);
        Neighbors((name, new(new BfdSettings(50_000, 300_000, 2) { Passive = true })));
        Assert.Equal([new(name, new(50_000, 100_000, 2), key)], _wanted.Take().Wanted);

        _wanted.On(Transition(name, BfdState.Down, BfdState.Up));
        Assert.Equal((_there, name), (Assert.Single(_ofSpeakers).Peer, Assert.Single(_ofNeighbors).Peer));
        _wanted.SetNeighbors(new Dictionary<SessionName, NeighborSettings>(), planned: true);
        var changes = _wanted.Take();
        Assert.Empty(changes.Ended);
        Assert.Equal([new(name, _speakers, key)], changes.Wanted);
    }

    [Fact]
    public void AsksHowItIs_WhenASecondOneWantsTheSession()
    {
        // Of the very same settings, so that there is no other reason to ask.
        var name = new SessionName(_here, _there);
        _wanted.SetPeers(_here, [_there]);
        _wanted.Take();
        Neighbors((name, new(_speakers)));
        Assert.Equal([new(name, _speakers, null)], _wanted.Take().Wanted);
        Assert.Empty(_wanted.Take().Wanted);
        _wanted.SetPeers(null, []);
        Assert.Empty(_wanted.Take().Wanted);
        _wanted.SetPeers(_here, [_there]);
        Assert.Equal([new(name, _speakers, null)], _wanted.Take().Wanted);
    }

    [Fact]
    public void MovesSpeakersByPlan_AndDropsOneWithoutAWord()
    {
        Neighbors((_router, _settings));
        _wanted.SetPeers(_here, [_there, _elsewhere]);
        _wanted.Take();
        _wanted.SetPeers(_here, [_there]);
        Assert.Equal([(new(_here, _elsewhere), false)], _wanted.Take().Ended);
        _wanted.SetPeers(_elsewhere, [_there]);
        var changes = _wanted.Take();
        Assert.Equal([(new(_here, _there), true)], changes.Ended);
        Assert.Equal([new(new(_elsewhere, _there), _speakers, null)], changes.Wanted);
        _wanted.On(Transition(new(_here, _there), BfdState.Up, BfdState.AdminDown));
        Assert.Empty(_ofSpeakers);
    }

    [Fact]
    public void Starts_WhenItsAddressIsHeard_AndStopsWhenThatMoves()
    {
        _wanted.SetPeers(_here, [_there]);
        _wanted.Take();
        _wanted.On(new ListenNews(new(_here, "", Multihop: true), 0));
        _wanted.On(new ListenNews(new(_elsewhere), 0));
        _wanted.On(new ListenNews(new(_here), 99));
        Assert.Empty(_calls);
        _wanted.On(new ListenNews(new(_here), 0));
        _wanted.On(new ListenNews(new(_here), 0));
        Assert.Equal(["started"], _calls);

        // There and back: the sessions are as they were, but whether they are heard is to be said again.
        _wanted.SetPeers(_elsewhere, [_there]);
        _wanted.SetPeers(_here, [_there]);
        Assert.Equal(["started", "stopped"], _calls);
        Assert.Equal([new(new(_here, _there), _speakers, null)], _wanted.Take().Wanted);
        _wanted.On(new ListenNews(new(_here), 0));
        Assert.Equal(["started", "stopped", "started"], _calls);
    }

    [Fact]
    public void StartsAtOnce_WhenItIsAlone_ButNotWithoutAnAddress()
    {
        Neighbors((_router, _settings));
        _wanted.Take();
        Assert.Empty(_calls);
        _wanted.SetPeers(_here, []);
        _wanted.Take();
        Assert.Equal(["started"], _calls);
    }

    [Fact]
    public void TellsNeighboursThatNobodyHoldsThem_WhenTheHolderIsGone()
    {
        Neighbors((_router, _settings), (_far, _settings));
        _wanted.Take();
        _wanted.On(Transition(_router, BfdState.Init, BfdState.Up) with { RemoteIsIndependent = true });
        _ofNeighbors.Clear();
        _wanted.End();
        Assert.Equal([new(_router, BfdState.Up, BfdState.AdminDown, BfdDiagnostic.AdministrativelyDown, BfdState.Down, true)], _ofNeighbors);
        Assert.All(_wanted.Neighbors, neighbor => Assert.Equal(BfdState.AdminDown, neighbor.Figures.State));
    }

    [Fact]
    public void ShowsTheLatestOfEachNeighbour()
    {
        Neighbors((_router, _settings), (_far, _settings));
        _wanted.Take();
        var figures = new SessionFigures(_router, BfdState.Up, BfdDiagnostic.None, BfdState.Up, true, 300_000, 400_000, 1_200_000, 7, 6, 1, 0);
        _wanted.On(figures);
        _wanted.On(figures with { Name = new(_here, _there) }); // nobody's
        _wanted.On(Transition(_router, BfdState.Up, BfdState.Down) with { Diagnostic = BfdDiagnostic.DetectionTimeExpired });
        Assert.Equal(
            [
                new(_settings, figures with { State = BfdState.Down, Diagnostic = BfdDiagnostic.DetectionTimeExpired, RemoteState = BfdState.Down, RemoteIsIndependent = false }),
                new(_settings, new SessionFigures { Name = _far, State = BfdState.AdminDown, RemoteState = BfdState.Down }),
            ],
            _wanted.Neighbors);
    }

    [Fact]
    public void ReadsAProfile()
    {
        var profile = new BfdProfileSpec { Name = "p", ReceiveInterval = 150, TransmitInterval = 250, DetectMultiplier = 5, PassiveMode = true }.Parse([])!;
        Assert.Equal(new(new(250_000, 150_000, 5) { Passive = true }, 1, "default"), NeighborSettings.Of(profile));
        Assert.Equal(new(new(250_000, 150_000, 5) { Passive = true }, 9, "red"), NeighborSettings.Of(profile with { MinimumTtl = 9 }, "red"));
    }

    private static BfdTransition<SessionName> Transition(SessionName name, BfdState from, BfdState to) => new(name, from, to, BfdDiagnostic.None, BfdState.Down);

    private void Begin() => _wanted.Begin(() => _calls.Add("started"), () => _calls.Add("stopped"));

    private void Neighbors(params (SessionName Name, NeighborSettings Settings)[] neighbors) =>
        _wanted.SetNeighbors(neighbors.ToDictionary(neighbor => neighbor.Name, neighbor => neighbor.Settings), planned: false);
}

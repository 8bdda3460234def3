using Portolan.Core.Liveness;

namespace Portolan.Core.Tests.Liveness;

public sealed class SpeakerVerdictsTests
{
    private const long Millisecond = 1_000;
    private const long Second = 1_000_000;
    private long _now;
    private readonly SpeakerVerdicts _verdicts = new("node1", 4 * Second);

    [Fact]
    public void IsNotSettled_BeforeItsSessionsRun()
    {
        Join("node1", "node2", "node3");
        _verdicts.Stopped(_now);
        At(100 * Second);
        Assert.False(_verdicts.IsSettled);
        Assert.False(_verdicts.IsReady);
    }

    [Fact]
    public void IsSettled_AsSoonAsEverySpeakerWasHeardAndIsReady()
    {
        Join("node1", "node2", "node3");
        Up("node2");
        Say("node2", ("node3", Sight.Up));
        Advance();
        Assert.False(_verdicts.IsSettled);
        Up("node3");
        Advance();
        Assert.False(_verdicts.IsSettled); // it is up, and may be as young as we are
        Say("node3", ("node2", Sight.Up));
        Advance();
        Assert.True(_verdicts.IsSettled);
        Assert.Equal(["node1", "node2", "node3"], Living());
    }

    [Fact]
    public void IsSettledAlone_WhenThereIsNoOtherNode()
    {
        Join("node1");
        Advance();
        Assert.True(_verdicts.IsSettled);
    }

    [Fact]
    public void CountsASilentNodeAsDead_AfterTheGrace()
    {
        Settled("node1", "node2");
        Join("node1", "node2", "node3");
        Up("node2");
        Say("node2");
        Advance();
        Assert.False(_verdicts.IsReady);
        At(4 * Second);
        Assert.True(_verdicts.IsSettled);
        Assert.Equal(["node1", "node2"], Living());
    }

    [Fact]
    public void DoesNotWaitForANodeOfWhichOthersSayThatItIsDown()
    {
        Join("node1", "node2", "node3");
        Up("node2");
        Say("node2", ("node3", Sight.Down));
        Advance();
        Assert.True(_verdicts.IsSettled);
        Assert.Equal(["node1", "node2"], Living());
    }

    [Fact]
    public void TakesASpeakerThatSaysNothing_AfterASecond()
    {
        Join("node1", "node2");
        Up("node2");
        Advance();
        Assert.False(_verdicts.IsReady);
        At(1 * Second);
        Assert.True(_verdicts.IsSettled);
        Assert.Equal(["node1", "node2"], Living());
    }

    [Fact]
    public void DoesNotCountOnASpeakerThatIsNotReady()
    {
        Settled("node1", "node2", "node3");
        Hear("node2", isReady: false);
        Advance();
        Assert.Equal(["node1", "node3"], Living());
        Assert.Equal(["node2"], _verdicts.Departed); // its kernel goes on
        Hear("node2", isReady: true);
        Advance();
        Assert.Equal(["node1", "node2", "node3"], Living());
    }

    [Fact]
    public void GivesOthersThatStartTogetherAMoment_WhenItIsReadyFirst()
    {
        Join("node1", "node2");
        Up("node2");
        Hear("node2", isReady: false);
        Advance();
        Assert.True(_verdicts.IsReady);
        Assert.False(_verdicts.IsSettled);
        At(100 * Millisecond);
        Assert.True(_verdicts.IsSettled);
        Assert.Equal(["node1"], Living());
    }

    [Fact]
    public void DropsASpeakerAtOnce_WhenItSaysGoodbye()
    {
        Settled("node1", "node2", "node3");
        Say("node3", ("node2", Sight.Up));
        See("node2", Sight.Stopped);
        Advance();
        Assert.Equal(["node1", "node3"], Living());
        See("node2", Sight.Down); // silence follows
        Advance();
        Assert.Equal(["node1", "node3"], Living());
        Assert.Equal(["node2"], _verdicts.Departed);
        Assert.Empty(_verdicts.Disappearances.Within(_now));
    }

    [Fact]
    public void DropsASpeakerAtOnce_WhenAnotherObserverIsDownToo()
    {
        Settled("node1", "node2", "node3");
        Say("node3", ("node2", Sight.Down));
        Advance();
        Assert.Equal(["node1", "node2", "node3"], Living()); // not by hearsay
        _now += 70 * Millisecond;
        See("node2", Sight.Down);
        Advance();
        Assert.Equal(["node1", "node3"], Living());
        Assert.Equal(1, _verdicts.Disappearances.Within(_now)["node2"]);
        Assert.Contains(new Sighting("node2", Sight.Down, IsDead: true), _verdicts.Sightings);
    }

    [Fact]
    public void WaitsForAnotherObserver_TwentyMilliseconds()
    {
        Settled("node1", "node2", "node3");
        _now += 10 * Second;
        See("node2", Sight.Down);
        Advance();
        Assert.Equal(_now + 20 * Millisecond, _verdicts.Deadline);
        var start = _now;
        At(start + 20 * Millisecond - 1);
        Assert.Equal(["node1", "node2", "node3"], Living());
        At(start + 20 * Millisecond);
        Assert.Equal(["node1", "node3"], Living());
    }

    [Fact]
    public void KeepsASpeakerAlive_WhenAnotherObserverHearsIt_UntilThatOneIsDownToo()
    {
        Settled("node1", "node2", "node3");
        See("node2", Sight.Down);
        Advance();
        _now += 3 * Millisecond;
        Say("node3", ("node2", Sight.Up));
        At(_now + Second);
        Assert.Equal(["node1", "node2", "node3"], Living());
        Assert.Equal(["node2"], _verdicts.Contested);
        Say("node3", ("node2", Sight.Down));
        Advance();
        Assert.Equal(["node1", "node3"], Living());
        Assert.Empty(_verdicts.Contested);
    }

    [Fact]
    public void KeepsASpeakerAlive_ThatSpeaksItself()
    {
        Settled("node1", "node2");
        See("node2", Sight.Down);
        _now += 3 * Millisecond;
        Say("node2", ("node1", Sight.Down));
        At(_now + 20 * Millisecond);
        Assert.Equal(["node1", "node2"], Living());
        At(_now + SpeakerVerdicts.Validity);
        Assert.Equal(["node1"], Living());
    }

    [Fact]
    public void DoesNotBelieveAnObserverThatDiedItself()
    {
        Settled("node1", "node2", "node3");
        _now += Second;
        See("node2", Sight.Down);
        _now += 5 * Millisecond;
        Say("node3", ("node2", Sight.Up)); // its last word
        Advance();
        _now += 50 * Millisecond;
        See("node3", Sight.Down);
        Advance();
        Assert.Equal(["node1", "node3"], Living());
        At(_now + 20 * Millisecond);
        Assert.Equal(["node1"], Living());
    }

    [Fact]
    public void DoesNotBelieveForEverWhatASpeakerSaid_ThatNoSessionWasEverUpWith()
    {
        Join("node1", "node2");
        Say("node2");
        At(4 * Second); // the grace
        Assert.True(_verdicts.IsSettled);
        Assert.Equal(["node1"], Living());
        Say("node2");
        Advance();
        Assert.Equal(["node1", "node2"], Living());
        At(4 * Second + SpeakerVerdicts.Silence);
        Assert.Equal(["node1"], Living());
    }

    [Fact]
    public void IsOverruledByAnObserver_ThatInsistsAfterTwoWereDown()
    {
        Settled("node1", "node2", "node3", "node4");
        See("node2", Sight.Down);
        Say("node3", ("node2", Sight.Down));
        Say("node4", ("node2", Sight.Up)); // may not have noticed yet
        Advance();
        Assert.Equal(["node1", "node3", "node4"], Living());
        _now += 600 * Millisecond;
        Hear("node2", isReady: true);
        Say("node4", ("node2", Sight.Up));
        Advance();
        Assert.Equal(["node1", "node2", "node3", "node4"], Living());
        _now += 700 * Millisecond;
        Say("node4", ("node2", Sight.Down));
        Advance();
        Assert.Equal(["node1", "node3", "node4"], Living());
    }

    [Fact]
    public void AnswersAtOnceAndAgain_WhenALivingNodeIsCalledDown()
    {
        Settled("node1", "node2", "node3");
        _now += Second;
        Advance();
        var edition = _verdicts.Edition;
        Say("node3", ("node2", Sight.Down));
        Advance();
        Assert.Equal(edition + 1, _verdicts.Edition);
        Assert.Equal(_now + SpeakerVerdicts.Restatement, _verdicts.Deadline);
        At(_now + SpeakerVerdicts.Restatement);
        Assert.Equal(edition + 2, _verdicts.Edition);
        Say("node3", ("node2", Sight.Up));
        Advance();
        Assert.Equal(long.MaxValue, _verdicts.Deadline);
    }

    [Fact]
    public void AnswersForItself()
    {
        Settled("node1", "node2", "node3");
        var edition = _verdicts.Edition;
        Say("node3", ("node1", Sight.Down));
        Advance();
        Assert.Equal(edition + 1, _verdicts.Edition);
    }

    [Fact]
    public void TakesASpeakerBack_WhenItsSessionIsUpAndItSaysThatItIsReady()
    {
        Settled("node1", "node2", "node3");
        See("node2", Sight.Down);
        Say("node3", ("node2", Sight.Down));
        Advance();
        Assert.Empty(_verdicts.Departed);
        _now += 2 * Second;
        See("node2", Sight.Up);
        Advance();
        Assert.Equal(["node1", "node3"], Living()); // it was ready in its former life
        Hear("node2", isReady: true);
        Advance();
        Assert.Equal(["node1", "node2", "node3"], Living());
    }

    [Fact]
    public void ForgetsEverything_WhenItsSessionsStop()
    {
        Settled("node1", "node2", "node3");
        _verdicts.Stopped(_now);
        Assert.True(_verdicts.Advance(_now));
        Assert.False(_verdicts.IsSettled);
        Assert.Empty(_verdicts.Sightings);
        Assert.Equal(["node1"], Living());
    }

    [Fact]
    public void IgnoresLateNewsOfANodeThatIsGone()
    {
        Settled("node1", "node2", "node3");
        _verdicts.SetNodes(["node1", "node2"], ["node2"], ["node2"], _now);
        See("node3", Sight.Up);
        Say("node3", ("node2", Sight.Down));
        Advance();
        Assert.Equal(["node1", "node2"], Living());
    }

    [Fact]
    public void ReachesNodesThatItDoesNotWatch_ByTheWordOfThoseItDoes()
    {
        Far();
        Assert.Equal(["node1", "node2", "node3", "node4"], Living());
        Say("node2", ("node3", Sight.Down), ("node4", Sight.Up)); // not concluded, and node4 still says that it is up
        Say("node4", ("node3", Sight.Up));
        Advance();
        Assert.Equal(["node1", "node2", "node3", "node4"], Living());
    }

    [Fact]
    public void DropsANodeThatItDoesNotWatch_WhenAnObserverConcludedSo()
    {
        Far();
        _verdicts.Heard("node2", true, true, [new Sighting("node1", Sight.Up, false), new Sighting("node3", Sight.Down, true)], _now);
        Advance();
        Assert.Equal(["node1", "node2"], Living()); // node4 was heard of by node3 only
        _now += 600 * Millisecond;
        Say("node4", ("node3", Sight.Up)); // nobody alive says that node4 is
        Advance();
        Assert.Equal(["node1", "node2"], Living());
        _verdicts.Heard("node2", true, true, [new Sighting("node1", Sight.Up, false), new Sighting("node3", Sight.Down, true), new Sighting("node4", Sight.Up, false)], _now);
        Advance();
        Assert.Equal(["node1", "node2", "node3", "node4"], Living()); // now somebody does, and it insists
    }

    [Fact]
    public void DropsNodesBehindOneThatDied()
    {
        Far();
        See("node2", Sight.Stopped);
        Advance();
        Assert.Equal(["node1"], Living());
    }

    // node1 watches node2, that node3, and that node4.
    private void Far()
    {
        _verdicts.SetNodes(["node1", "node2", "node3", "node4"], ["node2"], ["node2", "node3", "node4"], _now);
        _verdicts.Started(_now);
        Up("node2");
        Say("node2", ("node1", Sight.Up), ("node3", Sight.Up));
        Say("node3", ("node2", Sight.Up), ("node4", Sight.Up));
        Advance();
        Assert.False(_verdicts.IsSettled);
        Say("node4", ("node3", Sight.Up));
        Advance();
        Assert.True(_verdicts.IsSettled);
    }

    private void Settled(params string[] nodes)
    {
        Join(nodes);
        foreach (var node in nodes[1..])
        {
            Up(node);
            Say(node, [.. nodes.Where(other => other != node).Select(other => (other, Sight.Up))]);
        }

        Advance();
        Assert.True(_verdicts.IsSettled);
        Assert.Equal(nodes, Living());
    }

    private void Join(params string[] nodes)
    {
        _verdicts.SetNodes(nodes, nodes[1..], nodes, _now);
        _verdicts.Started(_now);
    }

    private void Up(string node) => See(node, Sight.Up);

    private void See(string node, Sight sight) => _verdicts.Saw(node, sight, _now);

    private void Say(string speaker, params (string Node, Sight Sight)[] sights) =>
        _verdicts.Heard(speaker, true, true, sights.Select(sight => new Sighting(sight.Node, sight.Sight, IsDead: false)), _now);

    private void Hear(string speaker, bool isReady) => _verdicts.Heard(speaker, true, isReady, [], _now);

    private void At(long time)
    {
        _now = time;
        Advance();
    }

    private void Advance() => _verdicts.Advance(_now);

    private IEnumerable<string> Living() => _verdicts.Living.Order();
}

using Portolan.Core.Addresses;
using Portolan.Core.Cluster;
using Portolan.Protocols.Bfd;
using Portolan.Speaker.Liveness;

namespace Portolan.Tests.Speaker;

public sealed class SpeakerLivenessTests
{
    private const long Second = 1_000_000;
    private readonly SpeakerLiveness _liveness = new("node1", TimeSpan.FromSeconds(4));

    public SpeakerLivenessTests() => _liveness.SetNodes([Node(1), Node(2), Node(3)]);

    [Fact]
    public void KnowsNothing_BeforeItsSessionsRun()
    {
        Assert.False(_liveness.IsSettled(100 * Second));
        Assert.Equal("192.168.100.100", _liveness.Local.ToString());
        Assert.Equal(["192.168.100.101", "192.168.100.102"], _liveness.Peers.Select(peer => peer.ToString()).Order());
    }

    [Fact]
    public void IsSettled_AsSoonAsEverySpeakerWasHeard()
    {
        _liveness.Started(0);
        Hear(2, BfdState.Up);
        Assert.False(_liveness.IsSettled(1));
        Hear(3, BfdState.Init);
        Assert.False(_liveness.IsSettled(1));
        Hear(3, BfdState.Up);
        Assert.True(_liveness.IsSettled(1));
        Assert.Equal(["node1", "node2", "node3"], _liveness.Living().Order());
    }

    [Fact]
    public void CountsASilentNodeAsDead_AfterTheGrace()
    {
        _liveness.Started(0);
        Hear(2, BfdState.Up);
        Assert.Equal(4 * Second, _liveness.SettlesAt);
        Assert.False(_liveness.IsSettled(4 * Second - 1));
        Assert.True(_liveness.IsSettled(4 * Second));
        Assert.Equal(["node1", "node2"], _liveness.Living().Order());
    }

    [Fact]
    public void DoesNotWaitForNodesThatAreNotReady()
    {
        _liveness.SetNodes([Node(1), Node(2), Node(3) with { Ready = false }]);
        _liveness.Started(0);
        Hear(2, BfdState.Up);
        Assert.True(_liveness.IsSettled(1));
        Hear(3, BfdState.Up);
        Assert.Contains("node3", _liveness.Living()); // but hears them
    }

    [Fact]
    public void TellsASpeakerThatStoppedFromOneThatDied_UntilItIsBack()
    {
        _liveness.Started(0);
        Hear(2, BfdState.Up);
        Hear(3, BfdState.Up);
        Hear(3, BfdState.Down);
        Hear(2, BfdState.Down, BfdState.AdminDown);
        Assert.Equal(["node2"], _liveness.Departed());
        Hear(2, BfdState.Init);
        Assert.Equal(["node2"], _liveness.Departed());
        Hear(2, BfdState.Up);
        Assert.Empty(_liveness.Departed());
    }

    [Fact]
    public void DropsASpeakerThatFallsSilent_OrSaysGoodbye()
    {
        _liveness.Started(0);
        Hear(2, BfdState.Up);
        Hear(3, BfdState.Up);
        Assert.True(_liveness.IsSettled(1));
        Hear(2, BfdState.Down);
        Assert.Equal(["node1", "node3"], _liveness.Living().Order());
        Hear(3, BfdState.Down, BfdState.AdminDown);
        Assert.Equal(["node1"], _liveness.Living());
        Assert.True(_liveness.IsSettled(2)); // it knows what it knows
    }

    [Fact]
    public void IsNoCandidateForANewNode_BeforeItsSpeakerIsHeard()
    {
        _liveness.Started(0);
        Hear(2, BfdState.Up);
        Hear(3, BfdState.Up);
        Assert.True(_liveness.IsSettled(1));
        _liveness.SetNodes([Node(1), Node(2), Node(3), Node(4)]);
        Assert.True(_liveness.IsSettled(2));
        Assert.DoesNotContain("node4", _liveness.Living());
        Hear(4, BfdState.Up);
        Assert.Contains("node4", _liveness.Living());
    }

    [Fact]
    public void ForgetsEverything_WhenItsSessionsStop()
    {
        _liveness.Started(0);
        Hear(2, BfdState.Up);
        Hear(3, BfdState.Up);
        Assert.True(_liveness.IsSettled(1));
        _liveness.Stopped();
        Assert.False(_liveness.IsSettled(100 * Second));
        Assert.Equal(["node1"], _liveness.Living());
    }

    [Fact]
    public void IgnoresLateNewsOfANodeThatIsGone()
    {
        _liveness.SetNodes([Node(1), Node(2)]);
        _liveness.Started(0);
        Hear(3, BfdState.Up);
        _liveness.SetNodes([Node(1), Node(2), Node(3)]);
        Assert.DoesNotContain("node3", _liveness.Living());
    }

    [Fact]
    public void IsSettledAlone_WhenThereIsNoOtherNode()
    {
        _liveness.SetNodes([Node(1)]);
        _liveness.Started(0);
        Assert.True(_liveness.IsSettled(0));
    }

    [Fact]
    public void TakesThePeersOfItsOwnFamily()
    {
        _liveness.SetNodes([Node(1), Node(2) with { InternalIPs = [IpAddress.Parse("fd00::2"), IpAddress.Parse("192.168.100.101")] }, Node(3) with { InternalIPs = [IpAddress.Parse("fd00::3")] }]);
        Assert.Equal(["192.168.100.101"], _liveness.Peers.Select(peer => peer.ToString()));
    }

    private static NodeFacts Node(int number) => new() { Name = $"node{number}", InternalIPs = [Address(number)], Ready = true };

    private static IpAddress Address(int number) => IpAddress.Parse($"192.168.100.{99 + number}");

    private void Hear(int node, BfdState state, BfdState remote = BfdState.Down) =>
        _liveness.On(new BfdTransition<IpAddress>(Address(node), BfdState.Down, state, BfdDiagnostic.None, remote));
}

using Portolan.Core.Addresses;
using Portolan.Core.Announcements;
using Portolan.Protocols.Bfd;
using Portolan.Protocols.Peers;
using static Portolan.Tests.Speaker.Peers.SimulatedSpeakers;

namespace Portolan.Tests.Speaker.Peers;

public sealed class PeerExchangeTests
{
    private static readonly NodeReport Draining = new()
    {
        Conditions = NodeConditions.Draining | NodeConditions.NoCarrier,
        Unprogrammed = new HashSet<ulong> { 1, ulong.MaxValue },
        Standing = -1_700_000_000_000,
        HeldBack = new HashSet<string> { "east", "west" },
        Yielded = new HashSet<IpAddress> { IpAddress.Parse("192.168.100.240"), IpAddress.Parse("fd00::240") },
    };

    [Fact]
    public void IsSettledAndKnowsAll_OnceAllHaveSpoken()
    {
        var speakers = new SimulatedSpeakers(3);
        foreach (var node in speakers.Nodes)
            speakers.Start(node.Name);
        Assert.False(speakers["node1"].View.IsSettled);
        speakers.Run(50 * Millisecond);
        foreach (var node in speakers.Running)
        {
            Assert.True(speakers[node].View.IsSettled);
            Assert.Equal("node1 node2 node3", speakers.Living(node));
        }
    }

    [Fact]
    public void TellsItsReportAtOnce()
    {
        var speakers = Settled(3);
        speakers["node2"].SetReport(Draining, speakers.Now);
        speakers.Run(1 * Millisecond);
        foreach (var node in speakers.Running)
            Assert.Equal(Draining, speakers[node].View.Reports["node2"]);
        speakers["node2"].SetReport(NodeReport.Well, speakers.Now);
        speakers.Run(1 * Millisecond);
        Assert.Equal(NodeReport.Well, speakers["node1"].View.Reports["node2"]);
    }

    [Fact]
    public void TellsAReportOfSeveralDatagrams_AndAShorterOneAfterIt()
    {
        var speakers = Settled(2);
        var large = new NodeReport { Yielded = Enumerable.Range(0, 300).Select(i => IpAddress.V6((UInt128)i)).ToHashSet(), HeldBack = new HashSet<string> { new('p', 253) } };
        speakers["node2"].SetReport(large, speakers.Now);
        speakers.Run(2 * Millisecond);
        Assert.Equal(large, speakers["node1"].View.Reports["node2"]);
        speakers["node2"].SetReport(Draining, speakers.Now);
        speakers.Run(2 * Millisecond);
        Assert.Equal(Draining, speakers["node1"].View.Reports["node2"]);
    }

    [Fact]
    public void ActsOnTwoObserversWithinAMillisecond_AndAloneAfterTwenty()
    {
        var speakers = Settled(3);
        speakers.Silence("node3");
        speakers.See("node1", "node3", BfdState.Down);
        speakers.Run(60 * Millisecond);
        Assert.Equal("node1 node2 node3", speakers.Living("node1")); // node2 says that it hears it
        speakers.See("node2", "node3", BfdState.Down);
        Assert.Equal("node1 node2", speakers.Living("node2"));
        speakers.Run(1 * Millisecond);
        Assert.Equal("node1 node2", speakers.Living("node1"));

        speakers.Silence("node2");
        speakers.See("node1", "node2", BfdState.Down);
        speakers.Run(20 * Millisecond - 1);
        Assert.Equal("node1 node2", speakers.Living("node1"));
        speakers.Run(1);
        Assert.Equal("node1", speakers.Living("node1"));
    }

    [Fact]
    public void KeepsANodeAliveThatAnotherHears_ForAsLongAsItDoes()
    {
        var speakers = Settled(3);
        speakers.See("node1", "node3", BfdState.Down);
        speakers.See("node3", "node1", BfdState.Down);
        speakers.IsLost = (from, to, _) => (from, to) is ("node1", "node3") or ("node3", "node1");
        for (var i = 0; i < 100; i++)
        {
            speakers.Run(100 * Millisecond);
            Assert.Equal("node1 node2 node3", speakers.Living("node1"));
            Assert.Equal("node1 node2 node3", speakers.Living("node3"));
        }

        Assert.Equal(["node3"], speakers["node1"].View.Contested);
        speakers["node3"].SetReport(Draining, speakers.Now); // reaches node1 by node2
        speakers.Run(3 * Second);
        Assert.Equal(Draining, speakers["node1"].View.Reports["node3"]);
        speakers.Silence("node3");
        speakers.See("node2", "node3", BfdState.Down);
        speakers.Run(1 * Millisecond);
        Assert.Equal("node1 node2", speakers.Living("node1"));
    }

    [Fact]
    public void LosesNoNews_WhenHalfOfTheDatagramsAreLost()
    {
        var speakers = Settled(4);
        var random = new Random(3);
        speakers.IsLost = (_, _, _) => random.Next(2) == 0;
        speakers["node2"].SetReport(Draining, speakers.Now);
        speakers["node3"].Publish(PeerItemType.QueryResults, 5, [1, 2, 3], speakers.Now);
        speakers.Run(20 * Second);
        foreach (var node in speakers.Running)
            Assert.Equal(Draining, speakers[node].View.Reports["node2"]);
    }

    [Fact]
    public void HandsOnWhatItDoesNotReadItself()
    {
        var speakers = Settled(2);
        var heard = new List<string>();
        speakers["node1"].Listen(PeerItemType.Askers, (node, part, payload) => heard.Add($"{node} {part} {Convert.ToHexString(payload)}"));
        speakers["node2"].Publish(PeerItemType.Askers, 4, [0xca, 0xfe], speakers.Now);
        speakers["node2"].Publish(PeerItemType.Askers, 4, [0xca, 0xfe], speakers.Now);
        speakers.Run(3 * Second);
        speakers["node2"].Publish(PeerItemType.Askers, 4, [], speakers.Now);
        speakers.Run(1 * Millisecond);
        Assert.Equal(["node2 4 CAFE", "node2 4 "], heard);
    }

    [Fact]
    public void BelievesANodeThatRestartedWithAClockThatWentBack()
    {
        var speakers = Settled(3);
        speakers["node3"].SetReport(Draining, speakers.Now);
        speakers.Run(1 * Second);
        speakers.Kill("node3");
        speakers.Run(1 * Second);
        speakers.Start("node3", incarnation: 5);
        speakers.Run(100 * Millisecond);
        Assert.Equal("node1 node2 node3", speakers.Living("node1"));
        Assert.False(speakers["node1"].View.Reports.ContainsKey("node3")); // that was said in its former life
        speakers["node3"].SetReport(new NodeReport { Conditions = NodeConditions.GatewayUnreachable }, speakers.Now);
        speakers.Run(1 * Millisecond);
        Assert.Equal(NodeConditions.GatewayUnreachable, speakers["node1"].View.Reports["node3"].Conditions);
    }

    [Fact]
    public void TellsARestartedNodeHowOftenItWentAway()
    {
        var speakers = Settled(3);
        for (var times = 1; times <= 3; times++)
        {
            speakers.Kill("node3");
            speakers.Run(1 * Second);
            speakers.Start("node3");
            speakers.Run(100 * Millisecond);
            Assert.Equal(times, speakers["node3"].View.Disappearances);
        }

        speakers.See("node1", "node3", BfdState.Down, BfdState.AdminDown);
        speakers.See("node2", "node3", BfdState.Down, BfdState.AdminDown);
        speakers.Silence("node3");
        speakers.Run(1 * Second);
        speakers.Start("node3");
        speakers.Run(100 * Millisecond);
        Assert.Equal(3, speakers["node3"].View.Disappearances); // that was a goodbye
        speakers.Run(3700 * Second);
        Assert.Equal(0, speakers["node3"].View.Disappearances);
    }

    [Fact]
    public void IsNotFooledByARecording()
    {
        var speakers = Settled(3);
        var recorded = new List<(string To, byte[] Bytes)>();
        speakers.IsLost = (from, to, bytes) =>
        {
            if (from == "node3")
                recorded.Add((to, bytes));
            return false;
        };
        speakers.Run(5 * Second);
        speakers.Kill("node3");
        speakers.Run(100 * Millisecond);
        Assert.Equal("node1 node2", speakers.Living("node1"));
        foreach (var (to, bytes) in recorded)
            speakers.Inject(to, bytes);
        foreach (var (to, bytes) in recorded) // and what was meant for the one is shown to the other
            speakers.Inject(to == "node1" ? "node2" : "node1", bytes);
        speakers.Run(5 * Second);
        Assert.Equal("node1 node2", speakers.Living("node1"));
        Assert.Equal(2 * recorded.Count, speakers.Rejections.Count(rejection => rejection is PeerRejection.Replayed or PeerRejection.NotForUs));

        // A node that restarted remembers nothing, and asks.
        speakers.Kill("node2");
        speakers.Start("node2");
        foreach (var (to, bytes) in recorded)
            speakers.Inject(to, bytes);
        speakers.Run(2 * Second);
        Assert.Equal("node1 node2", speakers.Living("node2"));
        Assert.Contains(PeerRejection.Unproven, speakers.Rejections);
    }

    [Fact]
    public void BelievesNobodyWithAnotherKey()
    {
        var speakers = Settled(2);
        speakers["node2"].UseKey(PeerKey.Derive("another"u8));
        speakers["node2"].SetReport(Draining, speakers.Now);
        speakers.Run(2 * Second);
        Assert.Empty(speakers["node1"].View.Reports);
        Assert.Contains(PeerRejection.BadTag, speakers.Rejections);
        speakers["node1"].UseKey(null);
        speakers["node2"].UseKey(null);
        speakers.Run(2 * Second);
        Assert.Equal(Draining, speakers["node1"].View.Reports["node2"]);
    }

    [Fact]
    public void SaysFarewell_WhenItsSessionsStop()
    {
        var speakers = Settled(3);
        speakers["node2"].Stopped(speakers.Now);
        speakers.Run(1 * Millisecond);
        Assert.Equal("node1 node3", speakers.Living("node1"));
    }

    [Theory]
    [InlineData(17)]
    [InlineData(40)]
    public void ReachesEveryNode_WithTheSameFewDatagramsPerSecond_BeyondSixteen(int count)
    {
        var speakers = Settled(count);
        speakers.Run(5 * Second);
        speakers.Sent.Clear();
        speakers.Run(10 * Second);
        Assert.All(speakers.Sent.Values, sent => Assert.InRange(sent, 30, 120)); // eight peers, a second each, and up to a third more often
        speakers["node2"].SetReport(Draining, speakers.Now);
        speakers.Run(10 * Millisecond);
        foreach (var node in speakers.Running)
            Assert.Equal(Draining, speakers[node].View.Reports["node2"]);
        speakers.Kill("node2");
        speakers.Run(30 * Millisecond);
        foreach (var node in speakers.Running)
        {
            Assert.DoesNotContain("node2", speakers[node].View.Living);
            Assert.Equal(count - 1, speakers[node].View.Living.Count);
        }

        speakers.Start("node2");
        speakers.Run(2 * Second);
        foreach (var node in speakers.Running)
            Assert.Equal(count, speakers[node].View.Living.Count);
    }

    [Fact]
    public void ReadsWhateverComes_WithoutFailing()
    {
        var speakers = Settled(2);
        var recorded = new List<byte[]>();
        speakers.IsLost = (_, to, bytes) =>
        {
            if (to == "node1")
                recorded.Add(bytes);
            return false;
        };
        speakers["node1"].UseKey(null);
        speakers["node2"].UseKey(null);
        speakers["node2"].SetReport(Draining, speakers.Now);
        speakers.Run(3 * Second);
        var random = new Random(11);
        for (var i = 0; i < 50_000; i++)
        {
            var bytes = recorded[random.Next(recorded.Count)].ToArray();
            for (var times = random.Next(1, 4); times > 0; times--)
                bytes[random.Next(bytes.Length)] = (byte)random.Next(256);
            speakers["node1"].Receive(bytes.AsSpan(0, random.Next(bytes.Length + 1)), speakers.Now);
        }

        speakers.Run(10 * Second);
        Assert.Contains("node2", speakers.Living("node1"));
    }

    private static SimulatedSpeakers Settled(int count)
    {
        var speakers = new SimulatedSpeakers(count);
        speakers.StartAll();
        foreach (var node in speakers.Running)
        {
            Assert.True(speakers[node].View.IsSettled);
            Assert.Equal(count, speakers[node].View.Living.Count);
        }

        speakers.Rejections.Clear();
        return speakers;
    }
}

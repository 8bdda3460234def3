using Portolan.Core.Addresses;
using Portolan.Core.Announcements;
using Portolan.Core.Cluster;
using Portolan.Speaker.Moves;

namespace Portolan.Tests.Speaker.Moves;

public sealed class PlannedMovesTests
{
    private static readonly ObjectKey Web = new("default", "web");
    private static readonly ObjectKey Mail = new("default", "mail");
    private static readonly IpAddress Vip = IpAddress.Parse("192.168.100.240");
    private static readonly IpAddress Vip6 = IpAddress.Parse("fd00:100::240");
    private readonly PlannedMoves _moves = new("node1");
    private readonly HashSet<string> _forwarding = ["node1", "node2", "node3"];

    [Fact]
    public void LeavesConnectionsToTheNodeAnAddressCameFrom_ForAMinute()
    {
        Assert.Empty(See(Web, Plan("node2"), 0));
        Assert.Equal([new Handover(Vip, "node2", Address("node2"), 61_000_000)], See(Web, Plan("node1"), 1_000_000));
        Assert.Equal(61_000_000, _moves.Deadline);
        Assert.False(_moves.Expire(60_999_999));
        Assert.True(_moves.Expire(61_000_000));
        Assert.Empty(_moves.All);
        Assert.Null(_moves.Deadline);
    }

    [Fact]
    public void LeavesNothingToANodeThatDied()
    {
        See(Web, Plan("node2"), 0);
        _forwarding.Remove("node2");
        Assert.Empty(See(Web, Plan("node1"), 1));
    }

    [Fact]
    public void StopsLeavingConnectionsToANode_WhenItDiesAfterTheMove()
    {
        See(Web, Plan("node2"), 0);
        See(Mail, Plan("node3", IpAddress.Parse("192.168.100.241")), 0);
        See(Web, Plan("node1"), 1);
        See(Mail, Plan("node1", IpAddress.Parse("192.168.100.241")), 1);
        Assert.False(_moves.Keep(Holder));
        _forwarding.Remove("node2");
        Assert.True(_moves.Keep(Holder));
        Assert.Equal("node3", Assert.Single(_moves.All).Node);
    }

    [Fact]
    public void AsksNothingOfOthers_ForAServiceThatIsNew() => Assert.Empty(See(Web, Plan("node1"), 0));

    [Fact]
    public void AsksTheNextInLine_WhenThisSpeakerHasJustStarted() =>
        Assert.Equal("node3", Assert.Single(See(Web, Plan("node1", others: ["node3", "node2"]), 0, isStarting: true)).Node);

    [Fact]
    public void AsksTheNextInLineThatForwards_WhenThisSpeakerHasJustStarted()
    {
        _forwarding.Remove("node3");
        Assert.Equal("node2", Assert.Single(See(Web, Plan("node1", others: ["node3", "node2"]), 0, isStarting: true)).Node);
    }

    [Fact]
    public void LeavesOnlyTheAddressesThatTheServiceHadBefore()
    {
        See(Web, Plan("node2"), 0);
        var plan = Plan("node1") with { Addresses = [IpAddress.Parse("192.168.100.241"), Vip] };
        Assert.Equal(Vip, Assert.Single(See(Web, plan, 1)).Address);
    }

    [Fact]
    public void LeavesAnAddressThatSeveralServicesShareOnce()
    {
        See(Web, Plan("node2"), 0);
        See(Mail, Plan("node2"), 0);
        var added = new List<Handover>();
        _moves.On(Web, Plan("node1"), false, Holder, 1, added);
        _moves.On(Mail, Plan("node1"), false, Holder, 1, added);
        Assert.Single(added);
    }

    [Fact]
    public void UsesTheFormerHoldersAddressOfTheSameFamily()
    {
        See(Web, Plan("node2", Vip6), 0);
        Assert.Equal(IpAddress.Parse("fd00:100::2"), Assert.Single(See(Web, Plan("node1", Vip6), 1)).Holder);
    }

    [Fact]
    public void StartsTheMinuteAgain_WhenAnAddressComesAgain()
    {
        See(Web, Plan("node2"), 0);
        See(Web, Plan("node1"), 0);
        See(Web, Plan("node3"), 5);
        var again = Assert.Single(See(Web, Plan("node1"), 10));
        Assert.Equal(("node3", 60_000_010), (again.Node, again.Until));
        Assert.Single(_moves.All);
    }

    [Fact]
    public void RemembersNoHolder_OnceNobodyAnnounces()
    {
        See(Web, Plan("node2"), 0);
        See(Web, null, 1);
        Assert.Empty(See(Web, Plan("node1"), 2));
    }

    [Fact]
    public void FollowsANodeThatLeavesThoseThatShareAnAddress()
    {
        See(Web, Shared("node1", "node2", "node3"), 0);
        Assert.Equal("node2", Assert.Single(See(Web, Shared("node1", "node3"), 1)).Node);
        _forwarding.Remove("node3");
        Assert.Empty(See(Web, Shared("node1"), 2));
    }

    [Fact]
    public void LeadsFromNodeToNode_WhereOneJoinsThoseThatShareAnAddress()
    {
        _forwarding.UnionWith(["node0", "node4"]);

        // Its clients were with any of them: here first, then with those whose names come after ours.
        See(Web, Shared("node0", "node1", "node3", "node4"), 0);
        Assert.Equal("node3", Assert.Single(See(Web, Shared("node0", "node1", "node2", "node3", "node4"), 1)).Node);
        Assert.Empty(See(Mail, Shared("node0", "node1"), 2)); // new: nobody had it
        Assert.Empty(See(Mail, Shared("node0", "node1", "node4"), 3)); // ours is the last

        // This node joins: those that were there are asked from the first on.
        Assert.Equal("node0", Assert.Single(See(new ObjectKey("default", "new"), Shared(IpAddress.Parse("192.168.100.241"), "node0", "node1", "node3"), 4, isStarting: true)).Node);
        See(Web, Shared("node2", "node3"), 5);
        Assert.Equal("node2", Assert.Single(See(Web, Shared("node1", "node2", "node3"), 6)).Node);

        // One that had the address alone.
        See(Web, Plan("node2"), 7);
        Assert.Equal("node2", Assert.Single(See(Web, Shared("node1", "node2", "node3"), 8)).Node);
    }

    private static AnnouncementPlan Shared(params string[] nodes) => Shared(Vip, nodes);

    private static AnnouncementPlan Shared(IpAddress address, params string[] nodes) => Plan("node9", address) with
    {
        Election = new Election("node9", [.. nodes.Select(node => new NodeVerdict(node, WithdrawalReason.None))]),
        Answering = [.. nodes.Select(node => new AnsweringNode(node, []))],
    };

    [Fact]
    public void FormerAnnouncerAnswersALittleLonger_UnlessTheAddressComesBack()
    {
        var departures = new Departures();
        departures.Add(Web, 0);
        departures.Add(Mail, 100);
        Assert.Equal(Departures.Overlap, departures.Deadline);
        Assert.False(departures.TryTakeDue(Departures.Overlap - 1, out _));
        Assert.True(departures.Contains(Web));
        departures.Remove(Web);
        Assert.False(departures.Contains(Web));
        departures.Add(Web, 200);
        Assert.False(departures.TryTakeDue(Departures.Overlap, out _));
        Assert.True(departures.TryTakeDue(Departures.Overlap + 200, out var first));
        Assert.True(departures.TryTakeDue(Departures.Overlap + 200, out var second));
        Assert.Equal((Mail, Web), (first, second));
        Assert.Null(departures.Deadline);
    }

    private static IpAddress Address(string node) => IpAddress.Parse("192.168.100." + node[^1]);

    private IpAddress? Holder(string node, IpFamily family) =>
        !_forwarding.Contains(node) ? null : family is IpFamily.IPv4 ? Address(node) : IpAddress.Parse("fd00:100::" + node[^1]);

    private List<Handover> See(ObjectKey service, AnnouncementPlan? plan, long now, bool isStarting = false)
    {
        var added = new List<Handover>();
        _moves.On(service, plan, isStarting, Holder, now, added);
        return added;
    }

    private static AnnouncementPlan Plan(string winner, IpAddress? address = null, params string[] others) => new(
        Web, [address ?? Vip], WithdrawalReason.None,
        new Election(winner, [new NodeVerdict(winner, WithdrawalReason.None), .. others.Select(node => new NodeVerdict(node, WithdrawalReason.NotOwner))]), []);
}

using Portolan.Core.Addresses;
using Portolan.Core.Announcements;
using Portolan.Core.Cluster;

namespace Portolan.Core.Tests.Announcements;

public sealed class NodeRankingTests
{
    // By digest alone: node3 node1 node2.
    private static readonly ServiceFacts Service = Given.Service("192.168.100.240");

    [Theory]
    [InlineData(NodeConditions.NoCarrier, "noCarrier")]
    [InlineData(NodeConditions.GatewayUnreachable, "gatewayUnreachable")]
    [InlineData(NodeConditions.NotProgrammed, "notProgrammed")]
    [InlineData(NodeConditions.OutOfService, "outOfService")]
    [InlineData(NodeConditions.Draining, "draining")]
    public void RanksANodeBehindOthers_ByEachCondition(NodeConditions condition, string name)
    {
        var election = Elect(("node3", condition));
        Assert.Equal("node1", election.Winner);
        Assert.Equal(["", "notOwner", $"notOwner ({name})"], election.Verdicts.Select(verdict => verdict.ToString()));
        Assert.Equal(["node1", "node2", "node3"], election.Verdicts.Select(verdict => verdict.Node));
    }

    [Fact]
    public void RanksByTheWorstCondition_HoweverManyLesserThereAre()
    {
        var all = new[] { NodeConditions.NoCarrier, NodeConditions.GatewayUnreachable, NodeConditions.NotProgrammed, NodeConditions.OutOfService, NodeConditions.Draining, NodeConditions.HeldBack };
        for (var i = 0; i < all.Length; i++)
        {
            var lesser = all.Skip(i + 1).Aggregate(NodeConditions.None, (sum, condition) => sum | condition);
            Assert.True(all[i].Severity() > lesser.Severity());
        }

        Assert.Equal("noCarrier, draining, heldBack", (NodeConditions.HeldBack | NodeConditions.NoCarrier | NodeConditions.Draining).Names());
        Assert.Equal("node2", Elect(
            ("node3", NodeConditions.NoCarrier),
            ("node1", NodeConditions.GatewayUnreachable),
            ("node2", NodeConditions.NotProgrammed | NodeConditions.Draining | NodeConditions.OutOfService)).Winner);
    }

    [Fact]
    public void IgnoresWhatAllCandidatesShare()
    {
        Assert.Equal("node3", Elect(("node1", NodeConditions.NoCarrier), ("node2", NodeConditions.NoCarrier), ("node3", NodeConditions.NoCarrier)).Winner);
        Assert.Equal("node2", Elect(("node1", NodeConditions.NoCarrier | NodeConditions.Draining), ("node2", NodeConditions.NoCarrier), ("node3", NodeConditions.NoCarrier | NodeConditions.Draining)).Winner);
    }

    [Fact]
    public void NeverElectsADeadSpeaker_HoweverUnwellTheLivingAre()
    {
        var context = Reporting(("node1", NodeConditions.NoCarrier), ("node2", NodeConditions.NoCarrier)) with { LivingSpeakers = new HashSet<string> { "node2" } };
        var election = Given.Plan(Service, context).Election;
        Assert.Equal("node2", election.Winner);
        Assert.Equal("(noCarrier)", election.Verdicts[0].ToString());
        Assert.Equal(WithdrawalReason.NoSpeaker, election.Of("node3"));
    }

    [Fact]
    public void KeepsHardExclusionsHard_WhateverTheOthersConditions()
    {
        var context = Reporting(("node1", NodeConditions.NoCarrier)) with { Nodes = [Given.Node("node1"), Given.Node("node2") with { NetworkUnavailable = true }] };
        Assert.Equal("node1", Given.Plan(Service, context).Election.Winner);
    }

    [Fact]
    public void LeavesThePresentHolder_WhenTheLastCandidateFails()
    {
        // node3 drains first, then node1, then node2, which holds the address by then.
        var reports = new Dictionary<string, NodeReport>();
        var context = Given.Context with { Reports = reports };
        foreach (var (node, holder) in new[] { ("", "node3"), ("node3", "node1"), ("node1", "node2"), ("node2", "node2") })
        {
            Change(reports, node, NodeConditions.Draining, 1000 + reports.Count);
            Assert.Equal(holder, Given.Plan(Service, context).Election.Winner);
        }

        // node3's speaker starts anew and still drains: it does not take the address back.
        reports["node3"] = new NodeReport { Conditions = NodeConditions.Draining }.After(null, 2000);
        Assert.Equal("node2", Given.Plan(Service, context).Election.Winner);
        Change(reports, "node3", NodeConditions.Draining | NodeConditions.NoCarrier, 3000);
        Change(reports, "node3", NodeConditions.Draining, 4000);
        Assert.Equal("node2", Given.Plan(Service, context).Election.Winner);

        // A dead holder cannot stay; who is well again goes first.
        Assert.Equal("node1", Given.Plan(Service, context with { LivingSpeakers = new HashSet<string> { "node1", "node3" } }).Election.Winner);
        Change(reports, "node3", NodeConditions.None, 5000);
        Assert.Equal("node3", Given.Plan(Service, context).Election.Winner);
    }

    [Fact]
    public void RanksByASingleServiceThatIsNotProgrammed_AndMovesAllThatShareItsAddress()
    {
        var reports = new Dictionary<string, NodeReport> { ["node3"] = new() { Unprogrammed = new HashSet<ulong> { ServiceDigest.Of(Given.Web) } } };
        var index = new AnnouncementIndex();
        index.Set(Given.Context with { Reports = reports });
        var mail = Service with { Key = new ObjectKey("default", "mail") };
        index.Set(Given.Slice(Given.Endpoint("node1")));
        index.Set(Given.Slice(Given.Endpoint("node1")) with { Key = new ObjectKey("default", "mail-1"), Service = mail.Key });
        index.Set(mail);
        Assert.Equal("node3", index.Plans[mail.Key].Election.Winner);
        Assert.Equal([mail.Key, Given.Web], index.Set(Service));
        Assert.All(index.Plans.Values, plan => Assert.Equal("node1", plan.Election.Winner));
        Assert.Equal([mail.Key, Given.Web], index.Set(Given.Service("192.168.100.243"))); // node2 node3 node1
        Assert.Equal("node3", index.Plans[mail.Key].Election.Winner);
        Assert.Equal("node2", index.Plans[Given.Web].Election.Winner);
        index.Set(Service);
        Assert.Equal([Given.Web, mail.Key], index.RemoveService(Given.Web).OrderDescending());
        Assert.Equal("node3", index.Plans[mail.Key].Election.Winner);
    }

    [Fact]
    public void HoldsANodeBack_OnlyUnderThePolicyOfTheAddress()
    {
        var context = Given.Context with
        {
            Policies = [new AnnouncementPolicy { Name = "late", IPAddressPools = ["lan"] }, new AnnouncementPolicy { Name = "early", IPAddressPoolSelectors = [Given.Label("pool", "lan")] }],
            Reports = new Dictionary<string, NodeReport> { ["node3"] = new() { HeldBack = new HashSet<string> { "late" } } },
        };
        Assert.Equal("early", Given.Plan(Service, context).Policy.Name);
        Assert.Equal("node3", Given.Plan(Service, context).Election.Winner);
        context = context with { Reports = new Dictionary<string, NodeReport> { ["node3"] = new() { HeldBack = new HashSet<string> { "early" } } } };
        Assert.Equal("node1", Given.Plan(Service, context).Election.Winner);
        Assert.Equal(AnnouncementPolicy.Default, Given.Plan(Given.Service("10.9.0.1"), context).Policy);
    }

    [Fact]
    public void AddsThePolicysPreferencesToTheAdvertisements()
    {
        var context = Given.Context with
        {
            Nodes = [Given.Node("node1", ("rack", "a")), Given.Node("node2", ("rack", "b")), Given.Node("node3")],
            Advertisements = [new Layer2Advertisement { Name = "l2", PreferredNodeSelectors = [new NodePreference(10, Given.Label("rack", "a"))] }],
        };
        Assert.Equal("node1", Given.Plan(Service, context).Election.Winner);
        var policy = new AnnouncementPolicy { Name = "p", PreferredNodeSelectors = [new NodePreference(11, Given.Label("rack", "b"))] };
        Assert.Equal("node2", Given.Plan(Service, context with { Policies = [policy] }).Election.Winner);
    }

    [Fact]
    public void TellsGettingWorseFromGettingBetter()
    {
        var started = new NodeReport { Conditions = NodeConditions.NotProgrammed }.After(null, 10);
        Assert.Equal(-10, started.Standing);
        var same = new NodeReport { Conditions = NodeConditions.NotProgrammed }.After(started, 20);
        Assert.Equal(started, same);
        var better = new NodeReport().After(same, 30);
        Assert.Equal(-30, better.Standing);
        var heldBack = new NodeReport { HeldBack = new HashSet<string> { "p" } }.After(better, 40);
        Assert.Equal(40, heldBack.Standing);
        Assert.Equal(50, new NodeReport { Unprogrammed = new HashSet<ulong> { 1 } }.After(heldBack, 50).Standing);
        Assert.Equal(40, new NodeReport { HeldBack = heldBack.HeldBack, Yielded = new HashSet<IpAddress> { IpAddress.Parse("10.0.0.1") } }.After(heldBack, 60).Standing);
    }

    private static void Change(Dictionary<string, NodeReport> reports, string node, NodeConditions conditions, long now)
    {
        if (node.Length > 0)
            reports[node] = new NodeReport { Conditions = conditions }.After(reports.GetValueOrDefault(node) ?? NodeReport.Well, now);
    }

    private static AnnouncementContext Reporting(params (string Node, NodeConditions Conditions)[] reports) =>
        Given.Context with { Reports = reports.ToDictionary(report => report.Node, report => new NodeReport { Conditions = report.Conditions }) };

    private static Election Elect(params (string Node, NodeConditions Conditions)[] reports) => Given.Plan(Service, Reporting(reports)).Election;
}

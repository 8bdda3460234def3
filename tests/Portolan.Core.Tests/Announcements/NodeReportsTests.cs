using Portolan.Core.Announcements;
using Portolan.Core.Cluster;

namespace Portolan.Core.Tests.Announcements;

public sealed class NodeReportsTests
{
    [Theory]
    [InlineData(false, false, "", false, NodeConditions.None)]
    [InlineData(true, false, "", false, NodeConditions.Draining)]
    [InlineData(true, false, "", true, NodeConditions.None)]
    [InlineData(true, true, "", true, NodeConditions.Draining)]
    [InlineData(false, false, "ToBeDeletedByClusterAutoscaler", true, NodeConditions.Draining)]
    [InlineData(false, false, "node.kubernetes.io/out-of-service", false, NodeConditions.OutOfService)]
    [InlineData(false, false, "DeletionCandidateOfClusterAutoscaler", false, NodeConditions.None)]
    [InlineData(false, false, "node-role.kubernetes.io/control-plane", false, NodeConditions.None)]
    [Contract("§4 cordon")]
    public void ReadsFromTheNodeWhatEveryoneCanSee(bool cordoned, bool deleting, string taint, bool ignoreCordon, NodeConditions expected) =>
        Assert.Equal(expected, NodeReports.OfObject(
            new NodeFacts { Name = "node1", Unschedulable = cordoned, Deleting = deleting, TaintKeys = taint.Length > 0 ? [taint] : [] }, ignoreCordon));

    [Fact]
    public void AddsItToWhatTheNodesSpeakerSays_OrSaysItInItsPlaceWhereThatIsDead()
    {
        var said = new Dictionary<string, NodeReport>
        {
            ["node1"] = new() { Conditions = NodeConditions.NoCarrier, Unprogrammed = new HashSet<ulong> { 7 } },
            ["node3"] = new() { Conditions = NodeConditions.NotProgrammed },
        };
        NodeFacts[] nodes = [new() { Name = "node1", Unschedulable = true }, new() { Name = "node2", TaintKeys = [NodeReports.OutOfServiceTaint] }, new() { Name = "node3" }, new() { Name = "node4" }];
        var all = NodeReports.Merge(said, nodes, ignoreCordon: false);
        Assert.Equal(new NodeReport { Conditions = NodeConditions.NoCarrier | NodeConditions.Draining, Unprogrammed = new HashSet<ulong> { 7 }, Standing = long.MaxValue }, all["node1"]);
        Assert.Equal(new NodeReport { Conditions = NodeConditions.OutOfService, Standing = long.MaxValue }, all["node2"]);
        Assert.Equal(said["node3"], all["node3"]);
        Assert.False(all.ContainsKey("node4"));
        Assert.Equal(NodeConditions.NoCarrier, said["node1"].Conditions);
    }

    [Fact]
    public void LeavesThePresentHolder_WhenTheLastNodeIsCordoned_BeforeItsSpeakerSaysSo()
    {
        // By digest alone: node3 node1 node2. node3 and node1 were cordoned before, and their speakers said so; node2 holds the address.
        var said = new Dictionary<string, NodeReport>
        {
            ["node3"] = new() { Conditions = NodeConditions.Draining, Standing = 1000 },
            ["node1"] = new() { Conditions = NodeConditions.Draining, Standing = 2000 },
            ["node2"] = new() { Standing = -10 },
        };
        Assert.Equal("node2", Winner());
        said["node2"] = new() { Conditions = NodeConditions.Draining, Standing = 3000 };
        Assert.Equal("node2", Winner());

        string? Winner()
        {
            NodeFacts[] cordoned = [.. Given.Context.Nodes.Select(node => node with { Unschedulable = true })];
            var context = Given.Context with { Nodes = cordoned, Reports = NodeReports.Merge(said, cordoned, ignoreCordon: false) };
            return Given.Plan(Given.Service("192.168.100.240"), context).Election.Winner;
        }
    }
}

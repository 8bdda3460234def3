using Portolan.Core.Announcements;
using Portolan.Core.Cluster;

namespace Portolan.Core.Tests.Announcements;

public sealed class PartitionTests
{
    private static readonly ServiceFacts Service = Given.Service("192.168.100.240");

    // printf node1 | sha256sum, and so on; in ascending order: node2 node5 node3 node1 node4.
    [Theory]
    [InlineData(3, "node1 node2 node3", true)]
    [InlineData(3, "node1 node3", true)]
    [InlineData(3, "node2", false)]
    [InlineData(4, "node2 node4", true)] // an even split: the side of the lowest hash
    [InlineData(4, "node1 node3", false)]
    [InlineData(4, "node1 node3 node4", true)]
    [InlineData(5, "node2 node5", false)]
    [InlineData(5, "node1 node3 node4", true)]
    [InlineData(2, "node1", true)] // refused below three nodes
    [InlineData(1, "node1", true)]
    [InlineData(3, "node1 node7 node8", false)] // speakers of no known node do not count
    public void AnnouncesOnTheSideOfTheMajority(int nodes, string living, bool announced)
    {
        var plan = Given.Plan(Service, Cut(nodes, living) with { Policies = [new AnnouncementPolicy { Name = "p", RequireMajority = true }] });
        Assert.Equal(announced ? WithdrawalReason.None : WithdrawalReason.NoMajority, plan.Reason);
        Assert.Equal(announced, plan.Election.Winner is not null);
        Assert.Equal(plan.Reason, plan.On(plan.Election.Winner ?? "node1"));
    }

    [Fact]
    public void NeverAnnouncesOnBothSides()
    {
        for (var nodes = Majority.FewestNodes; nodes <= 7; nodes++)
        {
            var all = Enumerable.Range(1, nodes).Select(i => Given.Node($"node{i}")).ToList();
            for (var side = 0; side < 1 << nodes; side++)
            {
                HashSet<string> Members(int bits) => [.. all.Where((_, i) => (bits & (1 << i)) != 0).Select(node => node.Name)];
                Assert.NotEqual(Majority.IsHeld(all, Members(side)), Majority.IsHeld(all, Members(~side)));
            }
        }
    }

    [Fact]
    public void AnnouncesOnBothSides_WithoutThePolicy() => Assert.Equal(WithdrawalReason.None, Given.Plan(Service, Cut(5, "node2")).Reason);

    private static AnnouncementContext Cut(int nodes, string living) => Given.Context with
    {
        Nodes = [.. Enumerable.Range(1, nodes).Select(i => Given.Node($"node{i}"))],
        LivingSpeakers = living.Split(' ').ToHashSet(),
    };
}

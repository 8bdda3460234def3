using Portolan.Core.Addresses;
using Portolan.Core.Announcements;
using Portolan.Core.Cluster;

namespace Portolan.Core.Tests.Announcements;

public sealed class ClaimedAddressTests
{
    // By digest alone: node3 node1 node2.
    private static readonly ServiceFacts Service = Given.Service("192.168.100.240");

    [Theory]
    [InlineData(ConflictPolicy.Defend, true)]
    [InlineData(ConflictPolicy.Yield, false)]
    [InlineData(ConflictPolicy.Refuse, false)]
    public void LeavesAnAddressToWhomeverClaimsIt_ByPolicyOnly(ConflictPolicy onConflict, bool announced)
    {
        var context = Given.Context with
        {
            Policies = [new AnnouncementPolicy { Name = "p", OnConflict = onConflict }],
            Reports = new Dictionary<string, NodeReport> { ["node2"] = new() { Yielded = new HashSet<IpAddress> { IpAddress.Parse("192.168.100.240") } } },
        };
        var plan = Given.Plan(Service, context);
        Assert.Equal(announced ? WithdrawalReason.None : WithdrawalReason.AddressConflict, plan.Reason);

        // Its other addresses are announced all the same, and by the same node.
        plan = Given.Plan(Given.Service("192.168.100.240", "192.168.100.241"), context);
        Assert.Equal(announced ? 2 : 1, plan.Addresses.Count);
        Assert.Equal("node3", plan.Election.Winner);

        // What a dead speaker saw is nobody's business any more.
        Assert.Equal(WithdrawalReason.None, Given.Plan(Service, context with { LivingSpeakers = new HashSet<string> { "node1", "node3" } }).Reason);
    }
}

namespace Portolan.Core.Tests.Addresses;

public sealed class PoolSetTests
{
    [Fact]
    public void WrongPoolKeepsItsLastGoodVersion_AndOthersFollowTheirEdits()
    {
        var before = Given.Pools(Given.Pool("a", "10.0.0.0/24"), Given.Pool("b", "10.0.1.0/24"));
        var after = before.Update([Given.Pool("a", "10.0.0.9-10.0.0.1"), Given.Pool("b", "10.0.2.0/24")]);
        Assert.Equal("10.0.0.0-10.0.0.255", after.Find("a")!.Ranges[0].ToString());
        Assert.Equal("10.0.2.0-10.0.2.255", after.Find("b")!.Ranges[0].ToString());
        Assert.True(after.IsComplete);
        Assert.Equal("spec.addresses[0]: 10.0.0.9-10.0.0.1: range ends before it starts", Assert.Single(after.Problems).Error.ToString());
    }

    [Fact]
    public void OverlappingNewcomerIsRefused_NotTheOneInUse()
    {
        var before = Given.Pools(Given.Pool("z", "10.0.0.0/24"));
        var after = before.Update([Given.Pool("a", "10.0.0.128-10.0.1.5"), Given.Pool("z", "10.0.0.0/24")]);
        Assert.Equal(["z"], after.Pools.Select(pool => pool.Name));
        Assert.Equal("a: spec.addresses[0]: 10.0.0.128-10.0.1.5: overlaps 10.0.0.0-10.0.0.255 of IPAddressPool z",
            string.Join("", after.Problems.Select(problem => $"{problem.Pool}: {problem.Error}")));
        Assert.False(after.IsComplete);
    }

    [Fact]
    public void PoolsMaySwapTheirRanges()
    {
        var before = Given.Pools(Given.Pool("a", "10.0.0.0/24"), Given.Pool("b", "10.0.1.0/24"));
        var halfway = before.Update([Given.Pool("a", "10.0.1.0/24"), Given.Pool("b", "10.0.1.0/24")]);
        Assert.Single(halfway.Problems);
        var after = halfway.Update([Given.Pool("a", "10.0.1.0/24"), Given.Pool("b", "10.0.0.0/24")]);
        Assert.Empty(after.Problems);
        Assert.Equal("10.0.1.0-10.0.1.255", after.Find("a")!.Ranges[0].ToString());
    }

    [Fact]
    public void TriesPoolsByPriorityThenName()
    {
        var pools = Given.Pools(Given.Pool("c", "10.0.0.0/24"), Given.Pool("a", "10.0.1.0/24"), Given.Pool("d", "10.0.2.0/24") with { Priority = 9 }, Given.Pool("b", "10.0.3.0/24") with { Priority = 1 });
        Assert.Equal(["b", "d", "a", "c"], pools.Pools.Select(pool => pool.Name));
    }
}

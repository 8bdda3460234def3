using Portolan.Lab.Network;
using Portolan.Lab.Network.Faults;
using Portolan.Lab.Supervision;

namespace Portolan.Lab.Tests.Network.Faults;

/// <summary>What people write for a fault, and what the switch is told.</summary>
public sealed class FaultTextTests
{
    private readonly Topology _topology = new(new LabLayout("lab"), 3);

    [Theory]
    [InlineData("10%", 1000)]
    [InlineData("0.5", 50)]
    [InlineData("0.01%", 1)]
    [InlineData("100%", 10000)]
    [InlineData("0", 0)]
    public void ReadsPercentages(string text, int hundredths)
    {
        Assert.True(PacketLoss.TryParsePercent(text, out var read));
        Assert.Equal(hundredths, read);
    }

    [Theory]
    [InlineData("")]
    [InlineData("%")]
    [InlineData("-1%")]
    [InlineData("101%")]
    [InlineData("0.001%")]
    [InlineData("1e1")]
    [InlineData("ten")]
    public void RefusesWhatIsNoPercentage(string text) => Assert.False(PacketLoss.TryParsePercent(text, out _));

    [Theory]
    [InlineData("node1,node2/node3,control")]
    [InlineData("node1,node2 / node3,control")]
    [InlineData("node1 node2 / node3 , control")]
    public void ReadsGroupsHoweverTheyAreSpaced(string text)
    {
        Assert.Null(Partition.TryParse(text.Split(' '), out var groups));
        Assert.Equal("node1,node2 / node3,control", Partition.ToString(groups));
    }

    [Theory]
    [InlineData("node1,node2")]
    [InlineData("node1 /")]
    [InlineData("/")]
    [InlineData("node1 / node2,node1")]
    public void RefusesWhatIsNoPartition(string text) => Assert.NotNull(Partition.TryParse(text.Split(' '), out _));

    [Fact]
    public void WithoutFaultsTheSwitchHasNoTable() =>
        Assert.Equal("add table bridge faults\ndelete table bridge faults\n", SwitchRules.Of(_topology, [], []));

    [Fact]
    public void DropsBothWaysBetweenGroups()
    {
        var rules = SwitchRules.Of(_topology, [["node1", "node2"], ["control"]], []);
        Assert.Contains("""iifname { "v-node1", "v-node2" } oifname { "v-control" } drop""", rules, StringComparison.Ordinal);
        Assert.Contains("""iifname { "v-control" } oifname { "v-node1", "v-node2" } drop""", rules, StringComparison.Ordinal);
    }

    [Fact]
    public void AHostBehindTheRouterIsToldByItsAddress()
    {
        var rules = SwitchRules.Of(_topology, [["remote"], ["node3"]], []);
        Assert.Contains("""ip saddr 192.168.200.20 oifname { "v-node3" } drop""", rules, StringComparison.Ordinal);
        Assert.Contains("""iifname { "v-node3" } ip6 daddr fd00:200::20 drop""", rules, StringComparison.Ordinal);
    }

    [Fact]
    public void LossIsAChanceOfOneInTenThousandAtTheLeast()
    {
        var rules = SwitchRules.Of(_topology, [], [new PacketLoss("client", 0, 1), new PacketLoss("router", PacketLoss.All, 0)]);
        Assert.Contains("""iifname { "v-client" } numgen random mod 10000 < 1 drop""", rules, StringComparison.Ordinal);
        Assert.Contains("""oifname { "v-router", "v-router-eth1" } drop""", rules, StringComparison.Ordinal);
    }
}

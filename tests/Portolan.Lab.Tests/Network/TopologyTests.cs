using Portolan.Lab.Network;
using Portolan.Lab.Supervision;

namespace Portolan.Lab.Tests.Network;

public sealed class TopologyTests
{
    private readonly Topology _topology = new(new LabLayout("lab"), 3);

    [Fact]
    public void NumbersNodesFromOneHundred() =>
        Assert.Equal(
            ["router 192.168.100.1", "control 192.168.100.10", "client 192.168.100.20", "remote 192.168.200.20", "node1 192.168.100.100", "node2 192.168.100.101", "node3 192.168.100.102"],
            _topology.Hosts.Select(h => $"{h.Name} {h.Address}"));

    [Fact]
    public void GivesANodeItsThreeLocalAddresses_AndTheOtherNodesPods() =>
        Assert.Equal(
            [
                "link set lo up",
                "addr add 192.168.100.101/24 dev eth0",
                "link set eth0 up",
                "route add default via 192.168.100.1",
                "link add pods0 type bridge",
                "addr add 10.233.66.1/32 dev pods0",
                "link set pods0 up",
                "link add nodelocaldns type bridge",
                "addr add 169.254.25.10/32 dev nodelocaldns",
                "link set nodelocaldns up",
                "route add 10.233.65.0/24 via 192.168.100.100",
                "route add 10.233.67.0/24 via 192.168.100.102",
            ],
            _topology.HostLines(_topology.Find("node2")!));

    [Fact]
    public void ClientKnowsOnlyTheLanAndItsRouter() =>
        Assert.DoesNotContain(_topology.HostLines(_topology.Find("client")!), l => l.Contains("10.233.", StringComparison.Ordinal));

    [Fact]
    public void RouterHasACableInEachSegment() =>
        Assert.Equal(
            ["link set lo up", "addr add 192.168.100.1/24 dev eth0", "link set eth0 up", "addr add 192.168.200.1/24 dev eth1", "link set eth1 up"],
            _topology.HostLines(_topology.Find("router")!).Take(5));

    [Fact]
    public void ANodeOfADualStackLabHasBothFamiliesOfEverything()
    {
        var topology = new Topology(new LabLayout("lab"), 2, dualStack: true);
        Assert.Equal(
            [
                "addr add fd00:100::101/64 dev eth0 nodad",
                "route add default via fd00:100::1",
                "addr add fd00:234:0:66::1/128 dev pods0 nodad",
                "route add fd00:234:0:65::/64 via fd00:100::100",
            ],
            topology.HostLines(topology.Find("node2")!).Where(l => l.Contains("fd00:", StringComparison.Ordinal)));
    }

    [Fact]
    public void SetsForwardingBeforeRedirects_BecauseTheKernelResetsThem()
    {
        var paths = Topology.Settings("node1").Select(s => s.Path).ToList();
        Assert.True(paths.IndexOf("ipv4/ip_forward") < paths.IndexOf("ipv4/conf/all/accept_redirects"));
    }

    [Theory]
    [InlineData(0)]
    [InlineData(64)]
    public void RefusesANumberOfNodesWithoutPodAddresses(int nodes) =>
        Assert.Throws<ArgumentOutOfRangeException>(() => new Topology(new LabLayout("lab"), nodes));

    [Theory]
    [InlineData("")]
    [InlineData("a-b")]
    [InlineData("Lab")]
    [InlineData("../x")]
    [InlineData("abcdefghijklm")]
    public void RefusesNamesThatCouldMeetAnotherLabs(string name) => Assert.Throws<ArgumentException>(() => new LabLayout(name));
}

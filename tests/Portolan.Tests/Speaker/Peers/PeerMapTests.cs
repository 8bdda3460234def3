using Portolan.Core.Addresses;
using Portolan.Core.Cluster;
using Portolan.Speaker.Peers;

namespace Portolan.Tests.Speaker.Peers;

public sealed class PeerMapTests
{
    [Fact]
    public void TakesThePeersOfItsOwnFamily()
    {
        var map = PeerMap.Of("node1", [Node(1, "192.168.100.100"), Node(2, "fd00::2", "192.168.100.101"), Node(3, "fd00::3")]);
        Assert.Equal("192.168.100.100", map.Local.ToString());
        Assert.Equal(["node2 192.168.100.101"], map.Watched.Select(entry => $"{entry.Key} {entry.Value}"));
        Assert.Equal(["node1", "node2"], map.Nodes.Order());
    }

    [Fact]
    public void DoesNotAwaitNodesThatAreNotReady_ButWatchesThem()
    {
        var map = PeerMap.Of("node1", [Node(1, "192.168.100.100"), Node(2, "192.168.100.101") with { Ready = false }]);
        Assert.Empty(map.Awaited);
        Assert.Equal(["node2"], map.Watched.Keys);
    }

    [Fact]
    public void HasNoPeers_WhileItsOwnAddressIsUnknown()
    {
        var map = PeerMap.Of("node1", [Node(2, "192.168.100.101")]);
        Assert.Null(map.Local);
        Assert.Empty(map.Watched);
    }

    private static NodeFacts Node(int number, params string[] addresses) =>
        new() { Name = $"node{number}", InternalIPs = [.. addresses.Select(IpAddress.Parse)], Ready = true };
}

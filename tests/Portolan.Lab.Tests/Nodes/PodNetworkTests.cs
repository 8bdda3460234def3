using System.Net;

using Portolan.Lab.Network;
using Portolan.Lab.Nodes.Networking;

namespace Portolan.Lab.Tests.Nodes;

public sealed class PodNetworkTests(ContainerFixture fixture) : IClassFixture<ContainerFixture>
{
    [Fact]
    public async Task PodsReachTheirGatewayAndEachOther_AndLeaveNothingBehind()
    {
        ContainerFixture.SkipUnlessRoot();
        var node = fixture.NetworkNamespaceName;
        await Ip(node, "link add pods0 type bridge", "addr add 10.233.65.1/32 dev pods0", "addr add fd00:234:0:65::1/128 dev pods0 nodad", "link set pods0 up");
        await ContainerFixture.RunAsync("nsenter", $"--net={fixture.NetworkNamespace}", "sh", "-c", "echo 1 > /proc/sys/net/ipv4/ip_forward; echo 1 > /proc/sys/net/ipv6/conf/all/forwarding");
        var network = new PodNetwork(node + "-", node, new PodAddresses(IPNetwork.Parse("10.233.65.0/24")), new LabHost("node1", Segment.Lan, 100, dualStack: true, nodeNumber: 1));
        try
        {
            var first = await network.AddAsync("11111111-2222-3333-4444-555555555555", CancellationToken.None);
            var second = await network.AddAsync("66666666-2222-3333-4444-555555555555", CancellationToken.None);
            Assert.Equal("10.233.65.2", first.Address.ToString());
            await ContainerFixture.RunAsync("nsenter", $"--net={first.NamespacePath}", "ping", "-c1", "-W2", "10.233.65.1");
            await ContainerFixture.RunAsync("nsenter", $"--net={first.NamespacePath}", "ping", "-c1", "-W2", second.Address.ToString());
            await ContainerFixture.RunAsync("nsenter", $"--net={first.NamespacePath}", "ping", "-c1", "-W2", "fd00:234:0:65::3");
            Assert.Contains("src 10.233.65.1", await ContainerFixture.RunAsync("ip", "-n", node, "route", "get", first.Address.ToString()));

            await network.RemoveAsync("11111111-2222-3333-4444-555555555555", CancellationToken.None);
            Assert.False(File.Exists(first.NamespacePath));
            Assert.True(File.Exists(second.NamespacePath));
        }
        finally
        {
            await network.RemoveAllAsync(CancellationToken.None);
        }
        Assert.DoesNotContain("pod6", await ContainerFixture.RunAsync("ip", "-n", node, "link"));
        Assert.Empty(Directory.GetFiles("/run/netns", node + "-*"));
    }

    private static async Task Ip(string ns, params string[] lines)
    {
        foreach (var line in lines)
            await ContainerFixture.RunAsync("ip", ["-n", ns, .. line.Split(' ')]);
    }
}

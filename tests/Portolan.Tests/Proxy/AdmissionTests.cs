using Portolan.Core.Addresses;
using Portolan.Core.Cluster;
using Portolan.Core.Forwarding;
using static Portolan.Tests.Proxy.ForwardingLab;

namespace Portolan.Tests.Proxy;

/// <summary>Who may connect, and what happens to what is left.</summary>
public sealed class AdmissionTests
{
    [Fact]
    public void DropsClientsOutsideTheSourceRanges()
    {
        using var lab = new ForwardingLab(pods: 1);
        lab.Client.Link("addr add 192.0.2.11/24 dev eth0");
        var (connection, table) = lab.OpenTable();
        using var c = connection;
        var index = new ForwardingIndex(Context);
        index.Set(Service() with { LoadBalancerSourceRanges = [Prefix("192.0.2.11/32"), Prefix("10.9.0.0/24")] });
        index.Set(Slice([0]));
        index.TakeChanges();
        table.Reconcile(index.Plans);
        Assert.Equal("nothing", lab.Client.Ask(To(Vip, 80), 300));
        Assert.StartsWith("pod0", lab.Client.Ask(To(ClusterIP, 80)));
        Assert.StartsWith("pod0", lab.Client.Ask(To(NodeIP, 31313)));
        Assert.StartsWith("pod0", lab.Pods[0].Ask(To(Vip, 80)));
        Assert.Equal("nothing", lab.Node.Ask(To(Vip, 80), 300));

        index.Set(Service() with { LoadBalancerSourceRanges = [Prefix("192.0.2.0/28")] });
        table.Apply(index.TakeChanges());
        Assert.StartsWith("pod0", lab.Client.Ask(To(Vip, 80)));
        Assert.Equal("nothing", lab.Pods[0].Ask(To(Vip, 80), 300));
        Assert.StartsWith("pod0", lab.Node.Ask(To(Vip, 80)));

        index.Set(Service() with { LoadBalancerSourceRanges = [Prefix("192.0.2.11/32"), Prefix("0.0.0.0/0")] });
        table.Apply(index.TakeChanges());
        Assert.StartsWith("pod0", lab.Pods[0].Ask(To(Vip, 80)));
    }

    [Fact]
    public void SharesEqualListsOfSourceRanges()
    {
        using var lab = new ForwardingLab(pods: 0);
        var (connection, table) = lab.OpenTable();
        using var c = connection;
        var index = new ForwardingIndex(Context);
        for (var i = 0; i < 20; i++)
        {
            index.Set(Service($"web{i}") with
            {
                ClusterIPs = [IpAddress.V4(0x0a080010 + (uint)i)], Ingress = [new IngressAddress(IpAddress.V4(0xc0000264 + (uint)i), false)],
                LoadBalancerSourceRanges = [Prefix("10.0.0.0/25"), Prefix("10.0.0.128/25"), Prefix(i % 2 == 0 ? "172.16.0.0/12" : "172.17.0.0/16")],
            });
        }

        index.TakeChanges();
        table.Reconcile(index.Plans);
        var ranges = lab.Node.RunInside("nft", "list set ip portolan source-ranges");
        Assert.Equal(2, ranges.Split("10.0.0.0/24").Length - 1);
        Assert.Contains(" . 172.16.0.0/12", ranges);
        for (var i = 0; i < 20; i += 2)
            index.RemoveService(new ObjectKey("default", $"web{i}"));
        table.Apply(index.TakeChanges());
        Assert.Equal(1, lab.Node.RunInside("nft", "list set ip portolan source-ranges").Split("10.0.0.0/24").Length - 1);
        Assert.Equal(0, table.Reconcile(index.Plans));
    }

    [Fact]
    public void RefusesPortsNoServiceUses_AtItsOwnAddressesOnly()
    {
        using var lab = new ForwardingLab(pods: 1);
        lab.Client.Link("route add 192.0.2.241 via 192.0.2.1");
        var (connection, table) = lab.OpenTable();
        using var c = connection;
        var external = IpAddress.Parse("192.0.2.241");
        var index = new ForwardingIndex(Context);
        // A load balancer address that the node has itself keeps its other ports.
        index.Set(Service() with { ExternalIPs = [external], Ingress = [new IngressAddress(Vip, false), new IngressAddress(NodeIP, false)] });
        index.Set(Slice([0]));
        index.TakeChanges();
        table.Reconcile(index.Plans);
        lab.Node.Serve("node", new System.Net.IPEndPoint(System.Net.IPAddress.Any, 99));
        foreach (var from in (NetworkNamespace[])[lab.Client, lab.Node, lab.Pods[0]])
        {
            Assert.Equal("refused", from.Ask(To(Vip, 81)));
            Assert.Equal("refused", from.Ask(To(ClusterIP, 81)));
            Assert.StartsWith("node", from.Ask(To(NodeIP, 99)));
        }

        Assert.NotEqual("refused", lab.Client.Ask(To(external, 81), 300));
        index.RemoveService(Service().Key);
        table.Apply(index.TakeChanges());
        Assert.NotEqual("refused", lab.Client.Ask(To(Vip, 81), 300));
    }

    [Fact]
    public void DropsConnectionsToUnusedClusterIPs()
    {
        using var lab = new ForwardingLab(pods: 1);
        // Without the rule the packet would go back out to a host that refuses.
        lab.Node.Link("route add 10.8.0.0/16 via 192.0.2.10");
        lab.Client.Link("addr add 10.8.0.77/32 dev lo");
        var (connection, table) = lab.OpenTable();
        using var c = connection;
        table.Reconcile([]);
        Assert.Equal("refused", lab.Node.Ask(To(IpAddress.Parse("10.8.0.77"), 80), 300));
        table.Settings = table.Settings with { ServiceCidrs = [Prefix("10.8.0.0/16")] };
        Assert.NotEqual(0, table.Reconcile([]));
        Assert.Equal("nothing", lab.Node.Ask(To(IpAddress.Parse("10.8.0.77"), 80), 300));
        Assert.Equal("nothing", lab.Pods[0].Ask(To(IpAddress.Parse("10.8.0.77"), 80), 300));
        var index = new ForwardingIndex(Context);
        index.Set(Service());
        index.Set(Slice([0]));
        table.Apply(index.TakeChanges());
        Assert.StartsWith("pod0", lab.Pods[0].Ask(To(ClusterIP, 80)));

        // A proxy that has just started does not know them yet, and takes nothing away.
        var (second, restarted) = lab.OpenTable();
        using var s = second;
        restarted.Settings = table.Settings with { ServiceCidrs = null };
        Assert.Equal(0, restarted.Reconcile(index.Plans));
        Assert.Equal("nothing", lab.Pods[0].Ask(To(IpAddress.Parse("10.8.0.77"), 80), 300));
    }
}

using System.Net;
using Portolan.Linux.Links;

namespace Portolan.Linux.Tests.Links;

public sealed class LinkMonitorTests
{
    [Fact]
    public async Task FollowsAnInterfaceThroughItsLife()
    {
        PrivateNetwork.SkipUnlessRoot();
        var (links, monitor) = TestLinks.Open(links =>
        {
            links.AddVeth("before", "peer0");
            return LinkMonitor.Open();
        });
        using var l = links;
        using var m = monitor;
        Assert.True(monitor.Current.Find("lo")!.Has(LinkFlags.Up | LinkFlags.Loopback));
        Assert.Contains(monitor.Current.Addresses, address => address.Address.Equals(IPAddress.Loopback) && address.PrefixLength == 8);
        Assert.Equal(("veth", Link.Ethernet, 0, 6), monitor.Current.Find("before") is { } before ? (before.Kind, before.HardwareType, before.Master, before.Address.Length) : default);

        links.AddVeth("eth7", "peer7");
        var eth7 = (await Until(monitor, now => now.Find("eth7") is not null)).Find("eth7")!;
        Assert.False(eth7.Has(LinkFlags.Up));

        links.SetMac("eth7", 2, 0, 0x5e, 0x10, 0, 7);
        links.SetUp("eth7", true);
        var up = await Until(monitor, now => now.Find("eth7")!.Has(LinkFlags.Up) && now.Find("eth7")!.Address != eth7.Address);
        Assert.Equal("02:00:5e:10:00:07", up.Find("eth7")!.Address.ToString());
        Assert.False(up.Find("eth7")!.Has(LinkFlags.LowerUp)); // the other end is down

        links.SetUp("peer7", true);
        await Until(monitor, now => now.Find("eth7")!.Has(LinkFlags.LowerUp));

        links.AddAddress(eth7.Index, IPAddress.Parse("192.0.2.7"), 24);
        var addressed = await Until(monitor, now => now.Addresses.Any(address => address.Link == eth7.Index && address.PrefixLength == 24));
        Assert.Contains(addressed.Addresses, address => address.Address.ToString() == "192.0.2.7");

        links.AddBridge("br0");
        await Until(monitor, now => now.Find("br0") is not null);
        links.SetMaster("eth7", monitor.Current.Find("br0")!.Index);
        await Until(monitor, now => now.Find("eth7")!.Master == now.Find("br0")!.Index);
        links.SetMaster("eth7", 0);
        await Until(monitor, now => now.Find("eth7") is { Master: 0 }); // and not gone, although the bridge says that its port is

        links.SetUp("eth7", false);
        links.Rename(eth7.Index, "lan0");
        var renamed = await Until(monitor, now => now.Find("lan0") is not null);
        Assert.Null(renamed.Find("eth7"));
        Assert.Equal(eth7.Index, renamed.Find("lan0")!.Index);

        links.Delete("lan0");
        var gone = await Until(monitor, now => now.Find("lan0") is null && now.Find("peer7") is null);
        Assert.DoesNotContain(gone.Addresses, address => address.Link == eth7.Index); // they went before it
    }

    internal static async Task<LinkSnapshot> Until(LinkMonitor monitor, Func<LinkSnapshot, bool> condition)
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(TestContext.Current.CancellationToken);
        limit.CancelAfter(TimeSpan.FromSeconds(10));
        while (!condition(monitor.Current))
            await monitor.WaitAsync(limit.Token);
        return monitor.Current;
    }
}

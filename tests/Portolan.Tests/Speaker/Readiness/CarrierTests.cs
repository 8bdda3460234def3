using System.Text.RegularExpressions;
using Portolan.Linux.Links;
using Portolan.Speaker.Layer2;
using Portolan.Speaker.Readiness;
using Portolan.Tests.Proxy;

namespace Portolan.Tests.Speaker.Readiness;

public sealed class CarrierTests
{
    [Fact]
    [Contract("§4 carrier")]
    public async Task IsLostWithTheCable_AndBackWithIt()
    {
        NetworkNamespace.SkipUnlessRoot();
        using var node = new NetworkNamespace("carrier-node");
        using var far = new NetworkNamespace("carrier-switch");
        using var monitor = node.Inside(LinkMonitor.Open);
        var carrier = new Carrier(new InterfaceSelection([new Regex("^lo$"), new Regex("^cni.*")]));
        Assert.False(carrier.IsLost); // nobody has looked yet
        carrier.SetLinks(monitor.Current);
        Assert.True(carrier.IsLost);

        // A bridge of pods has a carrier too; it does not qualify.
        node.Wire("cni0", far, "pods");
        node.Wire("eth0", far, "port");
        await Until(monitor, carrier, isLost: false);
        far.Link("link set port down");
        await Until(monitor, carrier, isLost: true);
        far.Link("link set port up");
        await Until(monitor, carrier, isLost: false);
        node.Link("link set eth0 down");
        await Until(monitor, carrier, isLost: true);
        node.Link("link set eth0 up");
        await Until(monitor, carrier, isLost: false);

        // A port of a bridge is not announced on; the bridge is, and has the carrier of its ports.
        node.Link("link add br0 type bridge");
        node.Link("link set br0 up");
        node.Link("link set eth0 master br0");
        await Until(monitor, carrier, isLost: false);
        far.Link("link set port down");
        await Until(monitor, carrier, isLost: true);
    }

    [Fact]
    public async Task WiresOfPodsDoNotHideThatTheNodesOwnCableIsOut()
    {
        NetworkNamespace.SkipUnlessRoot();
        using var node = new NetworkNamespace("carrier-node");
        using var far = new NetworkNamespace("carrier-switch");
        using var monitor = node.Inside(LinkMonitor.Open);
        var carrier = new Carrier(new InterfaceSelection([new Regex("^lo$")]));
        node.Wire("podf00", far, "pod");
        node.Wire("eth0", far, "port");
        await Until(monitor, carrier, isLost: false);
        node.Link("addr add 192.168.100.100/24 dev eth0");
        far.Link("link set port down");
        await Until(monitor, carrier, isLost: true);
        far.Link("link set port up");
        await Until(monitor, carrier, isLost: false);
        node.Link("link set eth0 down");
        await Until(monitor, carrier, isLost: true);
    }

    private static async Task Until(LinkMonitor monitor, Carrier carrier, bool isLost)
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(TestContext.Current.CancellationToken);
        limit.CancelAfter(TimeSpan.FromSeconds(20));
        for (carrier.SetLinks(monitor.Current); carrier.IsLost != isLost; carrier.SetLinks(monitor.Current))
            await monitor.WaitAsync(limit.Token);
    }
}

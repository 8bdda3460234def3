using Portolan.Core.Addresses;
using Portolan.Core.Cluster;
using Portolan.Core.Forwarding;
using static Portolan.Tests.Proxy.ForwardingLab;

namespace Portolan.Tests.Proxy;

public sealed class NftablesTableTests
{
    private static string[] AskMany(NetworkNamespace from, IpAddress address, int port, int times = 30) =>
        [.. Enumerable.Range(0, times).Select(_ => from.Ask(To(address, port)))];

    private static string[] Pods(IEnumerable<string> answers) => [.. answers.Select(answer => answer.Split(' ')[0]).Distinct().Order()];

    private static string[] Sources(IEnumerable<string> answers) => [.. answers.Select(answer => answer.Split(' ').Last()).Distinct().Order()];

    private static ForwardingIndex Index(ServiceFacts service, EndpointSliceFacts? slice, ForwardingContext? context = null)
    {
        var index = new ForwardingIndex(context ?? Context);
        index.Set(service);
        if (slice is not null)
            index.Set(slice);
        index.TakeChanges();
        return index;
    }

    [Fact]
    public void ForwardsEveryFrontToEveryEndpoint()
    {
        using var lab = new ForwardingLab();
        var (connection, table) = lab.OpenTable();
        using var c = connection;
        table.Reconcile(Index(Service(), Slice([0, 1, 2])).Plans);

        string[] all = ["pod0", "pod1", "pod2"];
        var vip = AskMany(lab.Client, Vip, 80);
        Assert.Equal(all, Pods(vip));
        Assert.Equal(["192.0.2.1"], Sources(vip));

        var cluster = AskMany(lab.Client, ClusterIP, 80);
        Assert.Equal(all, Pods(cluster));
        Assert.Equal(["192.0.2.10"], Sources(cluster));

        Assert.Equal(all, Pods(AskMany(lab.Client, NodeIP, 31313)));
        Assert.Equal(all, Pods(AskMany(lab.Node, Vip, 80)));
        Assert.Equal(all, Pods(AskMany(lab.Node, ClusterIP, 80)));
        Assert.Equal(all, Pods(AskMany(lab.Node, NodeIP, 31313)));
        // A pod that is an endpoint itself reaches itself, too.
        Assert.Equal(all, Pods(AskMany(lab.Pods[0], ClusterIP, 80)));
        Assert.Equal(all, Pods(AskMany(lab.Pods[0], Vip, 80)));
        Assert.Equal("refused", lab.Client.Ask(To(NodeIP, 80)));
    }
}

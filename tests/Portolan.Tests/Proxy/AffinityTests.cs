using Portolan.Core.Addresses;
using Portolan.Core.Cluster;
using Portolan.Core.Forwarding;
using Portolan.Linux.Nftables;
using Portolan.Proxy.Nftables;
using static Portolan.Tests.Proxy.ForwardingLab;

namespace Portolan.Tests.Proxy;

public sealed class AffinityTests
{
    private static readonly IpPrefix PodRange = Prefix("10.9.0.0/16");

    private static string[] Pods(NetworkNamespace from, IpAddress address, int port, int times = 12) =>
        [.. from.AskMany(To(address, port), times).Select(answer => answer.Split(' ')[0]).Distinct().Order()];

    [Fact]
    public void BringsAClientBack_WhicheverAddressItUses()
    {
        using var lab = new ForwardingLab();
        var (connection, table) = lab.OpenTable();
        using var c = connection;
        var index = new ForwardingIndex(Context);
        index.Set(Service() with { AffinitySeconds = 300 });
        index.Set(Slice([0, 1, 2]));
        table.Reconcile([]);
        table.Apply(index.TakeChanges());
        foreach (var from in (NetworkNamespace[])[lab.Client, lab.Node, lab.Pods[0]])
        {
            var first = Assert.Single(Pods(from, ClusterIP, 80));
            Assert.Equal(first, Assert.Single(Pods(from, Vip, 80)));
            Assert.Equal(first, Assert.Single(Pods(from, NodeIP, 31313)));
        }

        // What is left of the usable ones takes over, for good.
        var gone = int.Parse(Assert.Single(Pods(lab.Client, Vip, 80))[3..], null);
        int[] left = [.. new[] { 0, 1, 2 }.Where(pod => pod != gone)];
        index.Set(Slice(left));
        table.Apply(index.TakeChanges());
        var second = Assert.Single(Pods(lab.Client, Vip, 80, 30));
        Assert.NotEqual($"pod{gone}", second);
        index.Set(Slice([0, 1, 2]));
        table.Apply(index.TakeChanges());
        Assert.Equal(second, Assert.Single(Pods(lab.Client, ClusterIP, 80, 30)));

        index.Set(Service());
        table.Apply(index.TakeChanges());
        Assert.Equal(["pod0", "pod1", "pod2"], Pods(lab.Client, Vip, 80, 40));
    }

    [Fact]
    [Contract("proxy §1.2-10")]
    public void RemembersByAnotherNumber_WhenTheTimeIsAnother()
    {
        using var lab = new ForwardingLab(pods: 1);
        var (connection, table) = lab.OpenTable();
        using var c = connection;
        var index = new ForwardingIndex(Context);
        index.Set(Slice([0]));
        table.Reconcile([]);
        var numbers = new List<uint>();
        foreach (var seconds in (int[])[300, 600, 300])
        {
            index.Set(Service() with { AffinitySeconds = seconds });
            table.Apply(index.TakeChanges());
            numbers.Add(Assert.Single(TableReader.Read(connection, NftFamily.Ip).Fronts.Values.Select(front => front.Port).Distinct()));
            Assert.StartsWith("pod0", lab.Client.Ask(To(Vip, 80)));
        }

        // None of them twice in a row; a freed one may come back later.
        Assert.NotEqual(numbers[0], numbers[1]);
        Assert.NotEqual(numbers[1], numbers[2]);
    }

    [Fact]
    public void ForgetsAClient_AfterItsTime()
    {
        using var lab = new ForwardingLab();
        var (connection, table) = lab.OpenTable();
        using var c = connection;
        var index = new ForwardingIndex(Context);
        index.Set(Service() with { AffinitySeconds = 1 });
        index.Set(Slice([0, 1, 2]));
        index.TakeChanges();
        table.Reconcile(index.Plans);
        var seen = new HashSet<string>();
        for (var i = 0; i < 20 && seen.Count < 2; i++)
        {
            seen.Add(Assert.Single(Pods(lab.Client, Vip, 80, 5)));
            Thread.Sleep(1300);
        }

        Assert.Equal(2, seen.Count);
    }

    [Fact]
    public void KeepsToTheNodesOwn_WhenExternalTrafficPolicyIsLocal()
    {
        using var lab = new ForwardingLab();
        var (connection, table) = lab.OpenTable(clusterCidrs: PodRange);
        using var c = connection;
        var index = new ForwardingIndex(Context with { DetectsPodsIPv4 = true });
        index.Set(Service(external: TrafficPolicy.Local) with { AffinitySeconds = 300 });
        var here = Slice([0, 1]);
        index.Set(here with { Endpoints = [.. here.Endpoints, .. Slice([2], "another").Endpoints] });
        index.TakeChanges();
        table.Reconcile(index.Plans);
        var first = Assert.Single(Pods(lab.Client, Vip, 80, 30));
        Assert.NotEqual("pod2", first);
        Assert.Equal(first, Assert.Single(Pods(lab.Client, NodeIP, 31313)));
        Assert.Single(Pods(lab.Node, Vip, 80));
        var fromPod = Assert.Single(lab.Pods[1].AskMany(To(Vip, 80), 12).Distinct());
        Assert.EndsWith(fromPod.StartsWith("pod1 ", StringComparison.Ordinal) ? " 192.0.2.1" : " 10.9.0.3", fromPod); // a pod that reaches itself is masqueraded
    }

    [Fact]
    public void RemembersClients_WhenTheProxyRestarts()
    {
        using var lab = new ForwardingLab();
        var (connection, table) = lab.OpenTable();
        using var c = connection;
        var index = new ForwardingIndex(Context);
        index.Set(Service() with { AffinitySeconds = 10800 });
        index.Set(Slice([0, 1, 2]));
        index.TakeChanges();
        table.Reconcile(index.Plans);
        var first = Assert.Single(Pods(lab.Client, Vip, 80));
        var (second, restarted) = lab.OpenTable();
        using var s = second;
        Assert.Equal(0, restarted.Reconcile(index.Plans));
        Assert.Equal(first, Assert.Single(Pods(lab.Client, Vip, 80)));
    }

    [Fact]
    public void ReachesARealServerOnTheNodeItself()
    {
        using var lab = new ForwardingLab(pods: 0);
        lab.Node.Link("addr add 10.9.0.2/32 dev lo");
        lab.Node.Link("addr add 10.9.0.3/32 dev lo");
        lab.Node.Serve("node", new System.Net.IPEndPoint(System.Net.IPAddress.Any, 8080));
        var (connection, table) = lab.OpenTable();
        using var c = connection;
        var index = new ForwardingIndex(Context);
        index.Set(Service() with { AffinitySeconds = 600 });
        index.Set(Slice([0, 1]));
        index.TakeChanges();
        table.Reconcile(index.Plans);
        Assert.Single(lab.Client.AskMany(To(Vip, 80), 16).Distinct());
        Assert.Single(lab.Node.AskMany(To(Vip, 80), 16).Select(answer => answer.Split(' ')[1]).Distinct());
    }
}

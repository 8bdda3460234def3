using System.Collections.Concurrent;
using System.Diagnostics;
using System.Net.Sockets;
using Microsoft.Extensions.Logging.Abstractions;
using Portolan.Core.Addresses;
using Portolan.Core.Cluster;
using Portolan.Core.Forwarding;
using Portolan.Proxy.Ipvs;

namespace Portolan.Tests.Proxy.Ipvs;

/// <summary>What the real <c>ipvsadm</c> says of what we programmed.</summary>
[Collection(IpvsTableCollection.Name)]
public sealed class IpvsTableTests
{
    private readonly ITestOutputHelper _output;

    public IpvsTableTests(ITestOutputHelper output)
    {
        IpvsKernel.SkipUnlessThere();
        _output = output;
    }

    [Fact]
    public void TheArticlesServiceHasTheArticlesTable()
    {
        using var lab = new ForwardingLab();
        lab.Node.Link("link add nodelocaldns type dummy");
        lab.Node.Link("addr add 169.254.25.10/32 dev nodelocaldns");
        using var node = new IpvsNode(lab.Node);
        node.Index.Set(ForwardingLab.Service());
        node.Index.Set(ForwardingLab.Slice([0, 1, 2]));
        node.Reconcile();
        Assert.Equal(
            """
            IP Virtual Server version 1.2.1 (size=4096)
            Prot LocalAddress:Port Scheduler Flags
              -> RemoteAddress:Port           Forward Weight ActiveConn InActConn
            TCP  169.254.1.1:31313 rr
              -> 10.9.0.2:8080                Masq    1      0          0         
              -> 10.9.0.3:8080                Masq    1      0          0         
              -> 10.9.0.4:8080                Masq    1      0          0         
            TCP  169.254.25.10:31313 rr
              -> 10.9.0.2:8080                Masq    1      0          0         
              -> 10.9.0.3:8080                Masq    1      0          0         
              -> 10.9.0.4:8080                Masq    1      0          0         
            TCP  192.0.2.1:31313 rr
              -> 10.9.0.2:8080                Masq    1      0          0         
              -> 10.9.0.3:8080                Masq    1      0          0         
              -> 10.9.0.4:8080                Masq    1      0          0         
            TCP  192.0.2.240:80 rr
              -> 10.9.0.2:8080                Masq    1      0          0         
              -> 10.9.0.3:8080                Masq    1      0          0         
              -> 10.9.0.4:8080                Masq    1      0          0         
            TCP  10.8.0.1:80 rr
              -> 10.9.0.2:8080                Masq    1      0          0         
              -> 10.9.0.3:8080                Masq    1      0          0         
              -> 10.9.0.4:8080                Masq    1      0          0         

            """,
            node.Ipvsadm("-ln"));
        Assert.Equal(node.Ipvsadm("-ln"), node.Listing());
        Assert.Equal([ForwardingLab.ClusterIP, ForwardingLab.Vip], node.LinkAddresses().Order());

        // Another address of the node is another virtual server, and none when it goes.
        lab.Node.Link("addr add 192.0.2.77/32 dev eth0");
        node.LookAround();
        node.Reconcile();
        Assert.Contains("TCP  192.0.2.77:31313 rr", node.Ipvsadm("-ln"), StringComparison.Ordinal);
        lab.Node.Link("addr del 192.0.2.77/32 dev eth0");
        node.LookAround();
        node.Reconcile();
        Assert.DoesNotContain("192.0.2.77", node.Ipvsadm("-ln"), StringComparison.Ordinal);
    }

    [Fact]
    public void PrintsWhatIpvsadmPrints_AndIsAsFromScratch_OverTwoHundredRandomPlans()
    {
        using var inside = new NetworkNamespace("ipvs");
        using var node = new IpvsNode(inside);
        var services = new RandomServices(7);
        node.Reconcile();
        for (var plan = 0; plan < 200; plan++)
        {
            for (var step = 0; step < 4; step++)
                services.Step(node.Index);
            node.Apply();
            Assert.Equal(node.Ipvsadm("-Sn"), node.Rules());
            if (plan % 10 != 0)
                continue;
            Assert.Equal(node.Ipvsadm("-Ln"), node.Listing());
            var rules = node.Rules();
            node.Reconcile(); // chains of nftables that nobody needs any more may go
            Assert.Equal(rules, node.Rules());
            node.Reconcile();
            Assert.Equal(0, node.Reconcile());
            Assert.Equal(
                node.Index.Plans.SelectMany(port => port.VirtualServers).Where(server => !server.Front.IsNodePort).Select(server => server.Front.Address).ToHashSet(),
                node.LinkAddresses());
        }

        Assert.NotEmpty(node.Index.Plans);
        var incremental = node.Rules();
        node.Ipvsadm("-C");
        inside.Link("link del kube-ipvs0");
        node.Reconcile();
        Assert.Equal(incremental, node.Rules());
    }

    [Fact]
    public void SendsARequestForEachRowThatChanges()
    {
        using var inside = new NetworkNamespace("ipvs");
        using var ipvs = IpvsKernel.Open(inside);
        using var counted = inside.Inside(() => new IpvsTable(ipvs, new IpvsSettings(), NullLogger.Instance));
        var plans = Plans(1000, 10);
        var started = Stopwatch.GetTimestamp();
        var rows = counted.Reconcile(plans);
        var ours = Stopwatch.GetElapsedTime(started);
        Assert.Equal(11_000, rows);
        Assert.InRange(ipvs.Requests, rows, rows + 2);

        var before = ipvs.Requests;
        Assert.Equal(0, counted.Reconcile(plans));
        Assert.InRange(ipvs.Requests - before, 0, 2);

        // One real server of each virtual server goes, one comes.
        before = ipvs.Requests;
        Assert.Equal(2000, counted.Reconcile(Plans(1000, 10, first: 1)));
        Assert.InRange(ipvs.Requests - before, 2000, 2002);

        var file = Path.GetTempFileName();
        File.WriteAllText(file, inside.RunInside("ipvsadm", "-Sn"));
        inside.RunInside("ipvsadm", "-C");
        started = Stopwatch.GetTimestamp();
        inside.RunInside("sh", $"-c \"ipvsadm -R <{file}\"");
        _output.WriteLine($"1,000 virtual servers with 10 real servers each: {ours.TotalMilliseconds:n0} ms; ipvsadm -R of the same: {Stopwatch.GetElapsedTime(started).TotalMilliseconds:n0} ms");
        File.Delete(file);
    }

    [Fact]
    public void LeavesOthersVirtualServersAlone()
    {
        using var inside = new NetworkNamespace("ipvs");
        using var node = new IpvsNode(inside, new IpvsSettings { Excluded = [ForwardingLab.Prefix("203.0.113.0/24")] });
        foreach (var rule in (string[])["-A -t 203.0.113.7:80 -s rr", "-A -f 7 -s rr", "-A -t 10.8.0.9:80 -s rr"])
            node.Ipvsadm(rule);
        node.Reconcile();
        Assert.Equal("-A -t 203.0.113.7:80 -s rr\n-A -f 7 -s rr\n", node.Ipvsadm("-Sn"));
    }

    [Fact]
    public void ASchedulerThatTheKernelLacksIsReplaced()
    {
        using var inside = new NetworkNamespace("ipvs");
        using var ipvs = IpvsKernel.Open(inside);
        using var table = inside.Inside(() => new IpvsTable(ipvs, new IpvsSettings { Scheduler = "nonesuch" }, NullLogger.Instance));
        var plans = Plans(1, 1);
        Assert.Throws<Linux.Netlink.NetlinkException>(() => table.Reconcile(plans));
        table.Reconcile(plans);
        Assert.Equal("rr", Assert.Single(ipvs.Services()).Scheduler);
    }

    [Fact]
    public void ARealServerThatGoesKeepsItsConnections()
    {
        using var lab = new ForwardingLab();
        using var node = new IpvsNode(lab.Node);
        using var echoes = new EchoServers(lab.Pods);
        node.Index.Set(ForwardingLab.Service());
        node.Index.Set(EchoServers.Slice([0]));
        node.Reconcile();
        using var client = echoes.Connect(lab.Client, ForwardingLab.To(ForwardingLab.Vip, 80));
        Assert.Equal("pod0 a", client.Say("a"));

        node.Index.Set(EchoServers.Slice([1]));
        node.Apply();
        Assert.True(node.IsDraining);
        Assert.Contains("-> 10.9.0.2:7000                Masq    0      1", node.Ipvsadm("-ln"), StringComparison.Ordinal);
        for (var i = 0; i < 10; i++)
        {
            using var another = echoes.Connect(lab.Client, ForwardingLab.To(ForwardingLab.Vip, 80));
            Assert.Equal("pod1 b", another.Say("b"));
        }

        Assert.Equal("pod0 c", client.Say("c"));
        node.Drain();
        Assert.Equal("pod0 d", client.Say("d"));
        node.Reconcile();
        Assert.Equal("pod0 e", client.Say("e"));
        Assert.True(node.IsDraining);

        // Once more wanted it gets new connections at once.
        node.Index.Set(EchoServers.Slice([0]));
        node.Apply();
        using (var again = echoes.Connect(lab.Client, ForwardingLab.To(ForwardingLab.Vip, 80)))
            Assert.Equal("pod0 f", again.Say("f"));
        node.Index.Set(EchoServers.Slice([1]));
        node.Apply();

        // With its last connection it goes; the kernel forgets one that was reset at once.
        client.Reset();
        lab.Node.Sysctl("net.ipv4.vs.expire_nodest_conn", "1");
        for (var attempt = 0; node.IsDraining; attempt++)
        {
            Assert.True(attempt < 300, node.Ipvsadm("-ln"));
            Thread.Sleep(100);
            node.Drain();
        }

        Assert.DoesNotContain("10.9.0.2:7000", node.Ipvsadm("-ln"), StringComparison.Ordinal);
    }

    [Fact]
    public void RealServersThatGoUnderLoadBreakNoConnection()
    {
        const int Clients = 24;
        using var lab = new ForwardingLab();
        using var node = new IpvsNode(lab.Node);
        using var echoes = new EchoServers(lab.Pods);
        node.Index.Set(ForwardingLab.Service());
        node.Index.Set(EchoServers.Slice([0, 1, 2]));
        node.Reconcile();
        var (failures, said, isOver) = (new ConcurrentQueue<string>(), 0, false);
        var talkers = Enumerable.Range(0, Clients).Select(_ => echoes.Connect(lab.Client, ForwardingLab.To(ForwardingLab.Vip, 80))).Select((client, i) => new Thread(() =>
        {
            try
            {
                using (client)
                {
                    var pod = client.Say("hello")[..4];
                    for (var n = 0; !Volatile.Read(ref isOver); n++, Interlocked.Increment(ref said))
                    {
                        if (client.Say($"{n}") is var answer && answer != $"{pod} {n}")
                            failures.Enqueue($"client {i}: {answer} instead of {pod} {n}");
                    }
                }
            }
            catch (SocketException failure)
            {
                failures.Enqueue($"client {i}: {failure.Message}");
            }
        })).ToList();
        talkers.ForEach(talker => talker.Start());
        foreach (var pods in (int[][])[[0, 1], [1], [1, 2], [0]])
        {
            var before = Volatile.Read(ref said);
            node.Index.Set(EchoServers.Slice(pods));
            node.Apply();
            for (var waited = 0; Volatile.Read(ref said) < before + (10 * Clients); waited++)
            {
                Assert.True(waited < 600 && failures.IsEmpty, string.Join(Environment.NewLine, failures.Take(10)));
                Thread.Sleep(50);
            }

            node.Drain();
        }

        Volatile.Write(ref isOver, true);
        talkers.ForEach(talker => talker.Join());
        Assert.Empty(failures);
    }

    private static List<ServicePortPlan> Plans(int services, int servers, int first = 0)
    {
        var index = new ForwardingIndex(new ForwardingContext { NodeName = "node", IsIpvs = true });
        for (var i = 0; i < services; i++)
        {
            index.Set(ForwardingLab.Service($"web{i}") with { Type = ServiceType.ClusterIP, Ingress = [], ClusterIPs = [IpAddress.V4(0x0a800000 + (uint)i)], Ports = [new ServicePort("", Protocol.Tcp, 80, 0)] });
            index.Set(ForwardingLab.Slice(Enumerable.Range(first, servers), service: $"web{i}"));
        }

        index.TakeChanges();
        return [.. index.Plans];
    }
}

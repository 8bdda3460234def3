using System.Net;
using System.Net.Sockets;
using Portolan.Core.Forwarding;
using Portolan.Proxy;
using Portolan.Proxy.Nftables;
using static Portolan.Tests.Proxy.ForwardingLab;

namespace Portolan.Tests.Proxy.Cleanup;

/// <summary>Our tables beside other people's rules on the same node, with real packets.</summary>
public sealed class CoexistenceTests : IDisposable
{
    private const int Port = 9090;
    private readonly ForwardingLab _lab = new(pods: 2);
    private readonly RecordedLog _log = new();
    private readonly ForwardingIndex _index = new(Context);

    public void Dispose() => _lab.Dispose();

    public static TheoryData<string> Variants => ["nft", "legacy"];

    private static void SkipWithout(string variant) => Assert.SkipUnless(
        variant != "legacy" || NetworkNamespace.Succeeds("iptables-legacy", "-L -n"), "this kernel has no legacy iptables");

    private void Restore(string program, string rules)
    {
        var file = Path.GetTempFileName();
        File.WriteAllText(file, rules);
        _lab.Node.RunInside(program, file);
        File.Delete(file);
    }

    private void KubeProxy(string variant, int pod) => Restore(
        $"iptables-{variant}-restore --noflush",
        KubeProxyRules.Iptables(false, ("10.8.0.1", 80, $"10.9.0.{pod + 2}", 8080), ("10.8.0.9", 90, $"10.9.0.{pod + 2}", Port)));

    private ProxyKernel OpenKernel() => _lab.Node.Inside(() => new ProxyKernel(new TableSettings { NodePortAddresses = NodePortAddresses.From([]) }, _log));

    private IReadOnlyList<ServicePortPlan> Plans(params int[] pods)
    {
        _index.Set(Service());
        _index.Set(Slice(pods));
        _index.TakeChanges();
        return [.. _index.Plans];
    }

    [Theory]
    [MemberData(nameof(Variants))]
    [Contract("proxy §1.9-1")]
    public async Task TakesOverFromKubeProxy_WithoutALostConnection(string variant)
    {
        SkipWithout(variant);
        KubeProxy(variant, 0);
        using var listener = _lab.Pods[0].Inside(() => new TcpListener(IPAddress.Any, Port));
        listener.Start();
        using var client = _lab.Client.Inside(() => new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp) { ReceiveTimeout = 5000 });
        client.Connect(IPEndPoint.Parse("10.8.0.9:90"));
        using var server = await listener.AcceptSocketAsync(TestContext.Current.CancellationToken);

        using var kernel = OpenKernel();
        var (asking, stop) = (new List<string>(), false);
        var asker = Task.Run(() =>
        {
            while (!Volatile.Read(ref stop))
                asking.Add(_lab.Client.Ask(To(ClusterIP, 80)));
        });
        await Task.Delay(100, TestContext.Current.CancellationToken);
        kernel.Reconcile(Plans(1));
        await Task.Delay(100, TestContext.Current.CancellationToken);
        Volatile.Write(ref stop, true);
        await asker;

        Assert.DoesNotContain("KUBE-SERVICES", _lab.Node.RunInside($"iptables-{variant}-save", ""), StringComparison.Ordinal);
        Assert.StartsWith("pod0", asking[0], StringComparison.Ordinal);
        Assert.StartsWith("pod1", asking[^1], StringComparison.Ordinal);
        Assert.All(asking, answer => Assert.StartsWith("pod", answer, StringComparison.Ordinal));

        // What kube-proxy had translated goes on being translated.
        client.Send("still"u8);
        Assert.Equal(5, server.Receive(new byte[100]));
        server.Send("here"u8);
        Assert.Equal(4, client.Receive(new byte[100]));
    }

    /// <summary>Both translate at the same priority; the kernel asks first the chain that was registered last, and the first answer holds.</summary>
    [Theory]
    [MemberData(nameof(Variants))]
    public void TheYoungerOfTwoProxiesDecides(string variant)
    {
        SkipWithout(variant);
        KubeProxy(variant, 0);
        var (connection, table) = _lab.OpenTable();
        using var c = connection;
        table.Reconcile(Plans(1));
        Assert.All(_lab.Client.AskMany(To(ClusterIP, 80), 20), answer => Assert.StartsWith("pod1 10.9.0.3 192.0.2.10", answer, StringComparison.Ordinal));
        Assert.All(_lab.Node.AskMany(To(ClusterIP, 80), 20), answer => Assert.StartsWith("pod1", answer, StringComparison.Ordinal));

        // kube-proxy's chains of its nftables mode, made after ours.
        Restore("nft -f", """
            table ip kube-proxy {
              chain nat-prerouting {
                type nat hook prerouting priority dstnat; policy accept;
                ip daddr 10.8.0.1 tcp dport 80 dnat to 10.9.0.2:8080
              }
            }
            """);
        Assert.All(_lab.Client.AskMany(To(ClusterIP, 80), 20), answer => Assert.StartsWith("pod0", answer, StringComparison.Ordinal));
        // What it does not know is ours all the same.
        Assert.All(_lab.Client.AskMany(To(Vip, 80), 20), answer => Assert.StartsWith("pod1", answer, StringComparison.Ordinal));
    }

    /// <summary>A verdict of ours cannot overrule another table's drop: what Docker's policy drops, somebody has to accept there.</summary>
    [Theory]
    [MemberData(nameof(Variants))]
    [Contract("proxy §1.9-4")]
    [Contract("proxy §1.5-12")]
    public void IsDroppedByAnothersForwardPolicy_UntilAccepted(string variant)
    {
        SkipWithout(variant);
        Restore($"iptables-{variant}-restore --noflush", KubeProxyRules.Others(false));
        KubeProxy(variant, 0);
        // kube-proxy's KUBE-FORWARD accepts what it marked.
        Assert.StartsWith("pod0", _lab.Client.Ask(To(ClusterIP, 80)), StringComparison.Ordinal);
        using var kernel = OpenKernel();
        kernel.Reconcile(Plans(0, 1));
        Assert.Equal("nothing", _lab.Client.Ask(To(Vip, 80), 300));
        var advice = Assert.Single(_log.Lines, line => line.Contains("drops what no rule accepts", StringComparison.Ordinal));

        // As the warning says.
        var command = advice[advice.IndexOf("-A FORWARD", StringComparison.Ordinal)..].Split(", in ")[0];
        _lab.Node.RunInside($"iptables-{variant}", command);
        Assert.All(_lab.Client.AskMany(To(Vip, 80), 20), answer => Assert.StartsWith("pod", answer, StringComparison.Ordinal));
        Assert.All(_lab.Client.AskMany(To(ClusterIP, 80), 20), answer => Assert.StartsWith("pod", answer, StringComparison.Ordinal));
        Assert.Equal("nothing", _lab.Client.Ask(IPEndPoint.Parse("10.9.0.2:8080"), 300)); // nothing else is let through
    }

    [Fact]
    [Contract("proxy §1.9-4")]
    public void LivesBesideFirewalld()
    {
        Restore("nft -f", """
            table inet firewalld {
              chain nat_PREROUTING {
                type nat hook prerouting priority dstnat + 10; policy accept;
                jump nat_PREROUTING_ZONES
              }
              chain nat_PREROUTING_ZONES {
              }
              chain nat_POSTROUTING {
                type nat hook postrouting priority srcnat + 10; policy accept;
              }
              chain filter_FORWARD {
                type filter hook forward priority filter + 10; policy accept;
                ct state { established, related } accept
                ct status dnat accept
                iifname "lo" accept
                reject with icmpx type admin-prohibited
              }
              chain filter_OUTPUT {
                type filter hook output priority filter + 10; policy accept;
                ct state { established, related } accept
              }
            }
            """);
        var before = _lab.Node.RunInside("nft", "list table inet firewalld");
        using var kernel = OpenKernel();
        kernel.Reconcile(Plans(0, 1));
        foreach (var from in (NetworkNamespace[])[_lab.Client, _lab.Node, _lab.Pods[0]])
        {
            Assert.All(from.AskMany(To(Vip, 80), 10), answer => Assert.StartsWith("pod", answer, StringComparison.Ordinal));
            Assert.All(from.AskMany(To(ClusterIP, 80), 10), answer => Assert.StartsWith("pod", answer, StringComparison.Ordinal));
        }

        kernel.Reconcile(Plans());
        Assert.Equal("refused", _lab.Client.Ask(To(Vip, 80)));
        Assert.Equal(before, _lab.Node.RunInside("nft", "list table inet firewalld"));
    }

    [Fact]
    [Contract("proxy §1.9-3")]
    public void LeavesNothingOfItsOwn_AfterCleanup()
    {
        KubeProxy("nft", 0);
        var before = _lab.Node.RunInside("nft", "list ruleset");
        var (connection, table) = _lab.OpenTable();
        using var c = connection;
        table.Reconcile(Plans(0, 1));
        Assert.NotEqual(before, _lab.Node.RunInside("nft", "list ruleset"));
        var output = new StringWriter();
        Assert.Equal(0, _lab.Node.Inside(() => Portolan.Proxy.Cleanup.OwnTables.Remove(output, [])));
        Assert.Equal("table ip portolan deleted\n", output.ToString());
        Assert.Equal(before, _lab.Node.RunInside("nft", "list ruleset"));
        Assert.Equal(0, _lab.Node.Inside(() => Portolan.Proxy.Cleanup.OwnTables.Remove(output, []))); // once more is no error
    }
}

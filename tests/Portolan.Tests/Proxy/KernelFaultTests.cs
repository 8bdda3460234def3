using Portolan.Core.Addresses;
using Portolan.Core.Cluster;
using Portolan.Core.Forwarding;
using Portolan.Linux.Netlink;
using Portolan.Linux.Nftables;
using Portolan.Proxy;
using Portolan.Proxy.Nftables;
using Portolan.Tests.Proxy.Cleanup;
using static Portolan.Tests.Proxy.ForwardingLab;

namespace Portolan.Tests.Proxy;

/// <summary>What the kernel refuses, or others do to it meanwhile, leaves no half-applied state, and is put right by the next comparison.</summary>
public sealed class KernelFaultTests
{
    private static ForwardingIndex Index(int pods)
    {
        var index = new ForwardingIndex(Context);
        index.Set(Service() with { AffinitySeconds = 60 });
        index.Set(Slice(Enumerable.Range(0, pods)));
        index.TakeChanges();
        return index;
    }

    [Theory]
    [InlineData("delete table ip portolan", Errors.NotFound)]
    [InlineData("flush map ip portolan fronts", Errors.NotFound)]
    [InlineData("add element ip portolan endpoints { 0x00000002 . 0x00000003 : 1.2.3.4 . 80 }", Errors.Exists)]
    [InlineData("add element ip portolan hairpins { 10.9.0.5 . 10.9.0.5 }", Errors.Exists)]
    [InlineData("add element ip portolan members { 10.9.0.5 . 8080 . 0x00000002 }", Errors.Exists)]
    public void AppliesAllOrNothing_AndConverges(string harm, int errno)
    {
        using var lab = new ForwardingLab(pods: 1);
        var (connection, table) = lab.OpenTable();
        using var c = connection;
        var index = Index(3);
        table.Reconcile(index.Plans);
        lab.Node.RunInside("nft", harm);
        var before = lab.Node.RunInside("nft", "list ruleset");

        // One endpoint more: elements of nearly every map change, and one of them cannot.
        index.Set(Slice([0, 1, 2, 3]));
        var refusal = Assert.Throws<NetlinkException>(() => table.Apply(index.TakeChanges()));
        Assert.Equal(errno, refusal.Errno);
        Assert.Contains("program the changed Services", refusal.Message);
        Assert.Equal(before, lab.Node.RunInside("nft", "list ruleset"));

        Assert.NotEqual(0, table.Reconcile(index.Plans));
        Assert.Equal(0, table.Reconcile(index.Plans));
        var view = TableView.Of(connection, NftFamily.Ip);
        lab.Node.RunInside("nft", "flush ruleset");
        var (second, fresh) = lab.OpenTable();
        using var s = second;
        fresh.Reconcile(index.Plans);
        Assert.Equal(TableView.Of(second, NftFamily.Ip), view);
    }

    [Fact]
    public async Task ComparesAgain_WhenTheRulesetChangesUnderneath()
    {
        using var lab = new ForwardingLab(pods: 0);
        var (connection, table) = lab.OpenTable();
        using var c = connection;
        using var other = lab.Node.Inside(NftConnection.Open);
        var batch = new NftBatch(NftFamily.Ip, "other");
        using var stop = new CancellationTokenSource();
        var changes = 0;
        var changing = Task.Run(
            () =>
            {
                while (!stop.IsCancellationRequested)
                {
                    batch.Reset();
                    if (changes++ % 2 == 0)
                        batch.AddTable();
                    else
                        batch.DeleteTable();
                    other.Commit(batch, "change the ruleset");
                    Thread.Sleep(1);
                }
            },
            TestContext.Current.CancellationToken);

        var index = Index(40);
        var refused = 0;
        for (var round = 0; round < 30; round++)
        {
            table.Settings = table.Settings with { ServiceCidrs = round % 2 == 0 ? [Prefix("10.8.0.0/16")] : [] };
            for (; ; refused++)
            {
                try
                {
                    table.Reconcile(index.Plans);
                    break;
                }
                catch (NetlinkException refusal) when (refusal.Errno is Errors.Restart or Errors.Interrupted)
                {
                    Assert.True(refused < 10_000);
                }
            }
        }

        await stop.CancelAsync();
        await changing;
        Assert.True(changes > 0);
        Assert.Equal(0, table.Reconcile(index.Plans));
    }

    [Fact]
    public async Task TakesLostNotificationsForAChange()
    {
        using var lab = new ForwardingLab(pods: 0);
        var (connection, table) = lab.OpenTable();
        using var c = connection;
        table.Reconcile(Index(1).Plans);
        using var changes = lab.Node.Inside(() => NftNotifications.Open(Shape.Table, connection.PortId));

        // More than the socket's buffer takes while nobody reads, and nothing of it about our table.
        var text = Path.GetTempFileName();
        File.WriteAllText(text, "add table ip other\nadd set ip other s { type ipv4_addr; }\nadd element ip other s { "
            + string.Join(", ", Enumerable.Range(0, 200_000).Select(i => $"11.{i >> 16}.{(i >> 8) & 255}.{i & 255}")) + " }\n");
        lab.Node.RunInside("nft", "-f " + text);
        File.Delete(text);
        lab.Node.RunInside("nft", "delete table ip portolan");
        using var patience = new CancellationTokenSource(TimeSpan.FromSeconds(10));
        Assert.Equal(NftForeignChange.Structure, await changes.ReceiveAsync(patience.Token));
        Assert.NotEqual(0, table.Reconcile(Index(1).Plans));
    }

    [Fact]
    public void MakesRoom_WhenASetIsFull()
    {
        using var lab = new ForwardingLab(pods: 0);
        var (connection, table) = lab.OpenTable();
        using var c = connection;
        var index = Many(0, 3000);
        index.TakeChanges();
        table.Reconcile(index.Plans);
        var sizes = connection.Sets(NftFamily.Ip, Shape.Table).ToDictionary(set => set.Name, set => set.Size);
        Assert.Equal((12288u, 0u), (sizes[ShapeSets.Fronts], sizes[ShapeSets.Endpoints]));

        Many(3000, 9000, index);
        Assert.Equal(Errors.SetFull, Assert.Throws<NetlinkException>(() => table.Apply(index.TakeChanges())).Errno);
        table.Reconcile(index.Plans);
        Assert.Equal(0, table.Reconcile(index.Plans));

        // Widened in place: what was there has not been touched. Another process takes it as it is.
        Assert.Contains(connection.Sets(NftFamily.Ip, Shape.Table), set => set is { Name: ShapeSets.Fronts, Size: ShapeSets.Unlimited });
        var (second, later) = lab.OpenTable();
        using var s = second;
        Assert.Equal(0, later.Reconcile(index.Plans));
    }

    // Two addresses each, no endpoints.
    private static ForwardingIndex Many(int first, int end, ForwardingIndex? index = null)
    {
        index ??= new ForwardingIndex(Context);
        for (var i = first; i < end; i++)
            index.Set(Service($"web{i}") with { ClusterIPs = [IpAddress.V4(0x0a080000 + (uint)i)], Ingress = [new IngressAddress(IpAddress.V4(0x0a0a0000 + (uint)i), false)], Ports = [new ServicePort("", Protocol.Tcp, 80, 0)] });
        return index;
    }

    [Fact]
    public void ServesClientsBeyondThoseItCanRemember()
    {
        using var lab = new ForwardingLab(pods: 1);
        var (connection, table) = lab.OpenTable();
        using var c = connection;
        table.Settings = table.Settings with { MaxAffinityClients = 2 };
        var index = Index(1);
        table.Reconcile(index.Plans);
        for (var client = 11; client < 16; client++)
        {
            lab.Client.Link($"addr add 192.0.2.{client}/32 dev eth0");
            lab.Client.Link($"route replace 192.0.2.240 via 192.0.2.1 src 192.0.2.{client}");
            Assert.StartsWith("pod0", lab.Client.Ask(To(Vip, 80)));
        }

        var remembered = 0;
        connection.Elements(NftFamily.Ip, Shape.Table, ShapeSets.Affinity, () => remembered = 0, _ => remembered++);
        Assert.Equal(2, remembered);
        Assert.True(table.IsAffinityFull());
    }

    [Fact]
    public void SaysOnceThatNoMoreClientsCanBeRemembered()
    {
        using var lab = new ForwardingLab(pods: 1);
        var log = new RecordedLog();
        using var kernel = lab.Node.Inside(() => new ProxyKernel(new TableSettings { MaxAffinityClients = 2 }, log));
        var plans = Index(1).Plans;
        for (var client = 11; client < 14; client++)
        {
            lab.Client.Link($"addr add 192.0.2.{client}/32 dev eth0");
            lab.Client.Link($"route replace 192.0.2.240 via 192.0.2.1 src 192.0.2.{client}");
            kernel.Reconcile([.. plans]);
            Assert.Equal(client == 13 ? 1 : 0, Warnings());
            Assert.StartsWith("pod0", lab.Client.Ask(To(Vip, 80)));
        }

        kernel.Reconcile([.. plans]);
        Assert.Equal(1, Warnings());
        lab.Node.RunInside("nft", $"flush map ip portolan {ShapeSets.Affinity}");
        kernel.Reconcile([.. plans]);
        Assert.Equal(1, Warnings());

        int Warnings() => log.Lines.Count(line => line.StartsWith("Warning", StringComparison.Ordinal) && line.Contains("are remembered as can be (2)", StringComparison.Ordinal));
    }

    [Fact]
    public void AcceptsAnotherProgramsLeftovers_InATableOfOurName()
    {
        using var lab = new ForwardingLab(pods: 1);
        lab.Node.RunInside("nft", "add table ip portolan");
        lab.Node.RunInside("nft", "add set ip portolan fronts { type ipv4_addr; }");
        lab.Node.RunInside("nft", "add chain ip portolan prerouting { type filter hook forward priority 0; policy drop; }");
        var (connection, table) = lab.OpenTable();
        using var c = connection;
        table.Reconcile(Index(1).Plans);
        Assert.StartsWith("pod0", lab.Client.Ask(To(Vip, 80)));
        Assert.Equal(0, table.Reconcile(Index(1).Plans));
    }
}

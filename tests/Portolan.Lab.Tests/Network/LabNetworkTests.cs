using System.Security.Cryptography;

using Portolan.Lab.Network;
using Portolan.Lab.Network.Faults;
using Portolan.Lab.Supervision;

namespace Portolan.Lab.Tests.Network;

public sealed class LabNetworkTests : IAsyncLifetime
{
    private readonly LabLayout _layout = new("tn" + RandomNumberGenerator.GetHexString(8, lowercase: true));

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    public ValueTask InitializeAsync()
    {
        Assert.SkipUnless(Environment.UserName == "root", "making network namespaces needs root");
        return ValueTask.CompletedTask;
    }

    public async ValueTask DisposeAsync() => await LabNetwork.RemoveAsync(_layout, CancellationToken.None);

    [Fact]
    public async Task HostsReachEachOther_AndNothingIsLeftAfterwards()
    {
        var topology = new Topology(_layout, 2);
        var network = new LabNetwork(_layout, topology);
        await network.CreateAsync(Cancel);

        Assert.Equal(["192.168.100.101", "10.233.66.1", "169.254.25.10"], await LocalAddressesAsync("node2"));
        Assert.True(await ReachesAsync("client", "192.168.100.101"));
        Assert.True(await ReachesAsync("control", "10.233.66.1"));
        Assert.True(await ReachesAsync("node1", "10.233.66.1"));
        Assert.Equal("0", await SettingAsync("node1", "ipv4/conf/eth0/accept_redirects"));
        Assert.Equal("1", await SettingAsync("node1", "ipv4/ip_forward"));

        await LabNetwork.RemoveAsync(_layout, Cancel);
        Assert.DoesNotContain(NamedNamespaces.List(), n => n.StartsWith(_layout.NamespacePrefix, StringComparison.Ordinal));
    }

    [Fact]
    public async Task PulledCableStopsTraffic_UntilItIsBack()
    {
        var topology = new Topology(_layout, 1);
        var network = new LabNetwork(_layout, topology);
        await network.CreateAsync(Cancel);
        var node = topology.Find("node1")!;

        await network.CutAsync(node, Cancel);
        Assert.False(await ReachesAsync("client", "192.168.100.100", patienceMilliseconds: 300));
        await network.HealAsync(node, Cancel);
        Assert.True(await ReachesAsync("client", "192.168.100.100"));
    }

    [Fact]
    public async Task TheSecondSegmentIsReachedThroughTheRouterOnly()
    {
        var topology = new Topology(_layout, 1, dualStack: true);
        var network = new LabNetwork(_layout, topology);
        await network.CreateAsync(Cancel);
        Assert.True(await ReachesAsync("remote", "192.168.100.100"));
        Assert.True(await ReachesAsync("client", "fd00:200::20"));
        Assert.True(await ReachesAsync("remote", "fd00:234:0:65::1"));

        await network.CutAsync(topology.Find("router")!, Cancel);
        Assert.False(await ReachesAsync("remote", "192.168.100.100", patienceMilliseconds: 300));
        await network.ReplaceAsync(topology.Find("router")!, Cancel);
        Assert.True(await ReachesAsync("remote", "192.168.100.100"));
        Assert.True(await ReachesAsync("remote", "fd00:100::20"));
    }

    [Fact]
    public async Task PartitionKeepsGroupsApart_AndNobodyElse()
    {
        var topology = new Topology(_layout, 3, dualStack: true);
        var network = new LabNetwork(_layout, topology);
        await network.CreateAsync(Cancel);
        await network.ApplyRulesAsync(SwitchRules.Of(topology, [["node1", "remote"], ["node2", "control"]], []), Cancel);

        Assert.False(await ReachesAsync("node1", "192.168.100.101", patienceMilliseconds: 300));
        Assert.False(await ReachesAsync("control", "fd00:100::100", patienceMilliseconds: 300));
        Assert.False(await ReachesAsync("remote", "192.168.100.101", patienceMilliseconds: 300));
        Assert.True(await ReachesAsync("node2", "192.168.100.10"));
        Assert.True(await ReachesAsync("node3", "192.168.100.100"));
        Assert.True(await ReachesAsync("node3", "192.168.100.101"));
        Assert.True(await ReachesAsync("remote", "192.168.100.100"));
        Assert.Equal("", await Tool.RunAsync("nsenter", [$"--net={LabLayout.NamespacePath(_layout.Namespace("node1"))}", "nft", "list", "tables"], null, Cancel));

        await network.ApplyRulesAsync(SwitchRules.Of(topology, [], []), Cancel);
        Assert.True(await ReachesAsync("node1", "192.168.100.101"));
        Assert.True(await ReachesAsync("remote", "192.168.100.101"));
    }

    [Fact]
    public async Task PodNamespacesOfADualStackNodeAreRoutedInBothFamilies()
    {
        var topology = new Topology(_layout, 2, dualStack: true);
        await new LabNetwork(_layout, topology).CreateAsync(Cancel);
        Assert.True(await ReachesAsync("node1", "fd00:234:0:66::1"));
        Assert.True(await ReachesAsync("remote", "fd00:100::101"));
        Assert.Equal("1", await SettingAsync("node1", "ipv6/conf/all/forwarding"));
    }

    [Theory]
    [InlineData(5000, 0, 0.42, 0.58)]
    [InlineData(0, 5000, 0.42, 0.58)]
    [InlineData(5000, 5000, 0.66, 0.84)]
    public async Task AboutAsManyPacketsAreLostAsWereAskedFor(int received, int sent, double least, double most)
    {
        const int Packets = 1000;
        var topology = new Topology(_layout, 1);
        var network = new LabNetwork(_layout, topology);
        await network.CreateAsync(Cancel);
        // Each knows the other's card and never asks again: a lost question for it would lose more than was asked for.
        foreach (var (host, other) in new[] { ("client", "node1"), ("node1", "client") })
            await Tool.RunAsync("ip", ["-n", _layout.Namespace(host), "neigh", "replace", $"{topology.Find(other)!.Address}", "lladdr", topology.Find(other)!.Cables[0].Mac, "dev", "eth0", "nud", "permanent"], null, Cancel);
        await network.ApplyRulesAsync(SwitchRules.Of(topology, [], [new PacketLoss("node1", received, sent)]), Cancel);

        var pinged = await Tool.TryRunAsync("nsenter", [$"--net={LabLayout.NamespacePath(_layout.Namespace("client"))}", "ping", "-q", "-f", "-i", "0.002", "-W", "1", "-c", $"{Packets}", "192.168.100.100"], null, Cancel);

        var answers = int.Parse(System.Text.RegularExpressions.Regex.Match(pinged.Output, @"(\d+) received").Groups[1].ValueSpan, System.Globalization.CultureInfo.InvariantCulture);
        Assert.InRange(1 - (answers / (double)Packets), least, most);
    }

    [Fact]
    public async Task ReplacedHostKeepsItsCardAndForgetsItsKernelState()
    {
        var topology = new Topology(_layout, 1);
        var network = new LabNetwork(_layout, topology);
        await network.CreateAsync(Cancel);
        var name = _layout.Namespace("node1");
        await Tool.RunAsync("ip", ["-n", name, "route", "add", "203.0.113.0/24", "via", "192.168.100.1"], null, Cancel);

        await network.ReplaceAsync(topology.Find("node1")!, Cancel);

        Assert.DoesNotContain("203.0.113.0", await Tool.RunAsync("ip", ["-n", name, "route"], null, Cancel));
        Assert.Contains("02:00:c0:a8:64:64", await Tool.RunAsync("ip", ["-n", name, "link", "show", "eth0"], null, Cancel));
        Assert.True(await ReachesAsync("client", "192.168.100.100"));
    }

    [Fact]
    public async Task HalfMadeLabIsRemovedByItsNameAlone()
    {
        await NamedNamespaces.EnsureDirectoryAsync(Cancel);
        await Tool.RunAsync("ip", ["netns", "add", _layout.Namespace("node7")], null, Cancel);
        await LabNetwork.RemoveAsync(_layout, Cancel);
        Assert.DoesNotContain(_layout.Namespace("node7"), NamedNamespaces.List());
    }

    private async Task<string[]> LocalAddressesAsync(string host)
    {
        var lines = await Tool.RunAsync("ip", ["-n", _layout.Namespace(host), "-o", "-4", "addr", "show"], null, Cancel);
        return [.. lines.Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(l => l.Split(' ', StringSplitOptions.RemoveEmptyEntries)[3].Split('/')[0]).Where(a => a != "127.0.0.1")];
    }

    /// <summary>A refused connection is an answer, as good as an echo and without a tool that may be absent.</summary>
    private Task<bool> ReachesAsync(string host, string address, int patienceMilliseconds = 5000)
    {
        var socket = NetworkNamespace.Run(LabLayout.NamespacePath(_layout.Namespace(host)),
            () => new System.Net.Sockets.Socket(System.Net.IPAddress.Parse(address).AddressFamily, System.Net.Sockets.SocketType.Stream, System.Net.Sockets.ProtocolType.Tcp));
        return AnswersAsync(socket, address, patienceMilliseconds);
    }

    private static async Task<bool> AnswersAsync(System.Net.Sockets.Socket socket, string address, int patienceMilliseconds)
    {
        using (socket)
        using (var limit = CancellationTokenSource.CreateLinkedTokenSource(Cancel))
        {
            limit.CancelAfter(TimeSpan.FromMilliseconds(patienceMilliseconds));
            try
            {
                await socket.ConnectAsync(address, 9, limit.Token);
                return true;
            }
            catch (System.Net.Sockets.SocketException e)
            {
                return e.SocketErrorCode == System.Net.Sockets.SocketError.ConnectionRefused;
            }
            catch (OperationCanceledException)
            {
                return false;
            }
        }
    }

    private Task<string> SettingAsync(string host, string name) =>
        Task.FromResult(NetworkNamespace.Run(LabLayout.NamespacePath(_layout.Namespace(host)), () => File.ReadAllText($"/proc/sys/net/{name}").Trim()));
}

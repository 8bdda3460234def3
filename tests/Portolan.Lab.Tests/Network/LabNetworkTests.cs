using System.Security.Cryptography;

using Portolan.Lab.Network;
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
            () => new System.Net.Sockets.Socket(System.Net.Sockets.AddressFamily.InterNetwork, System.Net.Sockets.SocketType.Stream, System.Net.Sockets.ProtocolType.Tcp));
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

using System.Net.Sockets;
using Portolan.Linux.Links;
using Portolan.Linux.Sockets;
using Portolan.Linux.Tests.Links;

namespace Portolan.Linux.Tests.Sockets;

public sealed class ArpSocketTests
{
    private static readonly byte[] Request = Convert.FromHexString(
        "ffffffffffff" + "02005e100014" + "0806" + "0001080006040001" + "02005e100014" + "c0a86414" + "000000000000" + "c0a864f0");

    [Fact]
    public async Task HearsRequestsAndRepliesAndNothingElse()
    {
        PrivateNetwork.SkipUnlessRoot();
        using var wire = await Wire.OpenAsync();
        var reply = Request.ToArray();
        reply[21] = 2;
        var reverse = Request.ToArray();
        reverse[21] = 3; // RARP
        var ip = Request.ToArray();
        (ip[12], ip[13]) = (0x08, 0x00);
        var ipv6 = Request.ToArray();
        (ipv6[16], ipv6[17]) = (0x86, 0xdd);
        var others = Request.ToArray();
        others[0] = 0x02; // another host's

        wire.Client.Send(reverse);
        wire.Client.Send(ip);
        wire.Client.Send(ipv6);
        wire.Client.Send(others);
        wire.Client.Send(Request);
        var frame = new byte[128];
        var length = await wire.Server.ReceiveAsync(frame).AsTask().WaitAsync(TimeSpan.FromSeconds(10), TestContext.Current.CancellationToken);
        Assert.Equal(Request, frame.AsSpan(0, length).ToArray());
        Assert.Equal(1, wire.Server.PacketType); // broadcast

        wire.Server.Send(Request); // our own
        wire.Client.Send(reply);
        Assert.Equal(Request.Length, await wire.Server.ReceiveAsync(frame).AsTask().WaitAsync(TimeSpan.FromSeconds(10), TestContext.Current.CancellationToken));
        Assert.Equal(reply, frame.AsSpan(0, Request.Length).ToArray());
    }

    [Fact]
    public async Task Fails_WhenTheInterfaceGoesDown()
    {
        PrivateNetwork.SkipUnlessRoot();
        using var wire = await Wire.OpenAsync();
        var receive = wire.Server.ReceiveAsync(new byte[128]).AsTask();
        wire.Links.SetUp("eth0", false);
        var down = await Assert.ThrowsAsync<SocketException>(() => receive.WaitAsync(TimeSpan.FromSeconds(10), TestContext.Current.CancellationToken));
        Assert.Equal(SocketError.NetworkDown, down.SocketErrorCode);
    }

    [Fact]
    public async Task EndsItsWait_WhenDisposed()
    {
        PrivateNetwork.SkipUnlessRoot();
        using var wire = await Wire.OpenAsync();
        var receive = wire.Server.ReceiveAsync(new byte[128]).AsTask();
        wire.Server.Dispose();
        await Assert.ThrowsAnyAsync<Exception>(() => receive.WaitAsync(TimeSpan.FromSeconds(10), TestContext.Current.CancellationToken));
    }

    /// <summary>Two ends of one wire in one namespace: eth0, which the socket under test listens on, and its peer.</summary>
    private sealed record Wire(TestLinks Links, LinkMonitor Monitor, ArpSocket Server, ArpSocket Client) : IDisposable
    {
        public static async Task<Wire> OpenAsync()
        {
            var (links, opened) = TestLinks.Open(links =>
            {
                links.AddVeth("eth0", "peer0");
                links.SetUp("eth0", true);
                links.SetUp("peer0", true);
                var monitor = LinkMonitor.Open();
                return (monitor, ArpSocket.Open(monitor.Current.Find("eth0")!.Index), ArpSocket.Open(monitor.Current.Find("peer0")!.Index));
            });
            // A new wire drops what is sent before the kernel has switched its queues on.
            await LinkMonitorTests.Until(opened.monitor, now => now.Find("eth0")!.Has(LinkFlags.Running) && now.Find("peer0")!.Has(LinkFlags.Running));
            return new Wire(links, opened.monitor, opened.Item2, opened.Item3);
        }

        public void Dispose()
        {
            Server.Dispose();
            Client.Dispose();
            Monitor.Dispose();
            Links.Dispose();
        }
    }
}

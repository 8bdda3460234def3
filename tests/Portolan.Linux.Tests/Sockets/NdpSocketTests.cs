using System.Net;
using System.Net.Sockets;
using Portolan.Linux.Links;
using Portolan.Linux.Sockets;
using Portolan.Linux.Tests.Links;

namespace Portolan.Linux.Tests.Sockets;

public sealed class NdpSocketTests
{
    // who has fd00:100::f0, asked by fe80::5eff:fe10:14 in the group of the address
    private static readonly byte[] Solicitation = Convert.FromHexString(
        "3333ff0000f0" + "02005e100014" + "86dd" + "60000000" + "0020" + "3a" + "ff" + "fe8000000000000000005efffe100014" + "ff0200000000000000000001ff0000f0"
        + "8700" + "bdf4" + "00000000" + "fd0001000000000000000000000000f0" + "0101" + "02005e100014");

    [Fact]
    public async Task HearsNeighbourDiscoveryAndNothingElse()
    {
        PrivateNetwork.SkipUnlessRoot();
        var (links, (monitor, server, client)) = TestLinks.Open(links =>
        {
            links.AddVeth("eth0", "peer0");
            links.SetUp("eth0", true);
            links.SetUp("peer0", true);
            var monitor = LinkMonitor.Open();
            return (monitor, NdpSocket.Open(monitor.Current.Find("eth0")!.Index), NdpSocket.Open(monitor.Current.Find("peer0")!.Index));
        });
        using var ownedLinks = links;
        using var ownedMonitor = monitor;
        using var ownedServer = server;
        using var ownedClient = client;
        await LinkMonitorTests.Until(monitor, now => now.Find("eth0")!.Has(LinkFlags.Running) && now.Find("peer0")!.Has(LinkFlags.Running));

        client.Send(With(12, 0x08)); // another protocol
        client.Send(With(20, 17)); // UDP
        client.Send(With(21, 254)); // through a router
        client.Send(With(54, 134)); // router advertisement
        client.Send(With(54, 137)); // redirect
        client.Send(With(54, 128)); // ping
        client.Send([.. Convert.FromHexString("02005e100099"), .. Solicitation.AsSpan(6)]); // another host's
        server.Send(Solicitation); // our own
        var advertisement = With(54, 136);
        client.Send(Solicitation);
        client.Send(advertisement);

        // The two kernels greet each other as well.
        Assert.Equal(Solicitation, await Next());
        Assert.Equal(2, server.PacketType); // a group
        Assert.Equal(advertisement, await Next());

        async Task<byte[]> Next()
        {
            var frame = new byte[512];
            while (true)
            {
                var length = await server.ReceiveAsync(frame).AsTask().WaitAsync(TimeSpan.FromSeconds(10), TestContext.Current.CancellationToken);
                Assert.Contains(frame[54], new byte[] { 135, 136 });
                Assert.Equal((58, 255), (frame[20], frame[21]));
                if (length == Solicitation.Length && frame.AsSpan(6, 6).SequenceEqual(Solicitation.AsSpan(6, 6)))
                    return frame[..length];
            }
        }
    }

    [Fact]
    public void JoinsMoreGroupsThanOneSocketHolds()
    {
        PrivateNetwork.SkipUnlessRoot();
        const int Count = 3000;
        var (links, seen) = TestLinks.Open(links =>
        {
            links.AddVeth("eth0", "peer0");
            links.SetUp("eth0", true);
            using var monitor = LinkMonitor.Open();
            using var socket = NdpSocket.Open(monitor.Current.Find("eth0")!.Index);
            for (var i = 0; i < Count; i++)
                socket.Join(Group(i));
            var joined = Groups();
            socket.Join(Group(0));
            socket.Leave(Group(0));
            var shared = Groups();
            for (var i = 1; i < Count; i++)
                socket.Leave(Group(i));
            socket.Leave(Group(0));
            return (joined, shared, Groups());
        });
        links.Dispose();
        Assert.Equal((Count, Count, 0), seen);
    }

    [Fact]
    public void TellsWhenAGroupCannotBeJoined()
    {
        PrivateNetwork.SkipUnlessRoot();
        var (links, socket) = TestLinks.Open(links => NdpSocket.Open(1));
        using var owned = links;
        using var opened = socket;
        Assert.Throws<SocketException>(() => socket.Join(IPAddress.Parse("fd00::1"))); // no group
        socket.Leave(Group(7)); // never joined
    }

    private static IPAddress Group(int i) => IPAddress.Parse($"ff02::1:ff00:{i:x}");

    private static int Groups() =>
        File.ReadLines("/proc/thread-self/net/igmp6").Count(line => line.Contains(" eth0 ", StringComparison.Ordinal) && line.Contains("00000001ff00", StringComparison.Ordinal));

    private static byte[] With(int offset, byte value)
    {
        var frame = Solicitation.ToArray();
        frame[offset] = value;
        return frame;
    }
}

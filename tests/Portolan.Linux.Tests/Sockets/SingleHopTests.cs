using System.Net;
using System.Net.Sockets;
using Portolan.Linux.Sockets;
using Portolan.Linux.Tests.Links;

namespace Portolan.Linux.Tests.Sockets;

public sealed class SingleHopTests
{
    [Theory]
    [InlineData("127.0.0.1")]
    [InlineData("::1")]
    public void HearsOnlyWhatNoRouterTouched(string address)
    {
        PrivateNetwork.SkipUnlessRoot();
        var here = IPAddress.Parse(address);
        var (links, (server, near, far)) = TestLinks.Open(_ =>
        {
            var server = SingleHopListener.Open(new IPEndPoint(here, 3784));
            var near = SingleHopSender.Connect(here, new IPEndPoint(here, 3784));
            var far = new Socket(here.AddressFamily, SocketType.Dgram, ProtocolType.Udp) { Ttl = 254 };
            far.Connect(new IPEndPoint(here, 3784));
            return (server, near, far);
        });
        using var l = links;
        using var s = server;
        using var n = near;
        using var f = far;
        using var wait = new DeadlineWait();
        wait.Add(server.Socket);

        Assert.InRange(((IPEndPoint)near.LocalEndPoint!).Port, 49152, 65535);
        far.Send([1]);
        far.Ttl = 64;
        far.Send([2]);
        near.Send([3]);
        far.Ttl = 255;
        far.Send([4]);
        wait.Until(DeadlineWait.Now + 10_000_000);
        var buffer = new byte[16];
        Assert.True(server.TryReceive(buffer, out var length, out var source));
        Assert.Equal((1, 3), (length, buffer[0]));
        Assert.Equal(here.GetAddressBytes(), source.ToArray());
        Assert.True(server.TryReceive(buffer, out _, out _));
        Assert.Equal(4, buffer[0]);
        Assert.False(server.TryReceive(buffer, out _, out _));
    }
}

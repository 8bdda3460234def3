using System.Net;
using System.Net.Sockets;
using Portolan.Linux.Sockets;
using Portolan.Linux.Tests.Links;

namespace Portolan.Linux.Tests.Sockets;

public sealed class MultihopTests
{
    private static readonly IPEndPoint _here = new(IPAddress.Loopback, 4784);

    [Fact]
    public void HearsEachNeighbour_FromItsLeastTtlOn()
    {
        PrivateNetwork.SkipUnlessRoot();
        var (links, (server, near, far, stranger)) = TestLinks.Open(_ => (MultihopListener.Open(_here), Sender("127.0.0.2"), Sender("127.0.0.3"), Sender("127.0.0.4")));
        using var l = links;
        using var s = server;
        using var n = near;
        using var f = far;
        using var x = stranger;
        Send(near, 255, 1);
        Assert.Empty(Heard(server)); // it knows nobody yet

        server.Hear([new(IPAddress.Parse("127.0.0.2"), 254), new(IPAddress.Parse("127.0.0.3"), 250)]);
        Send(near, 253, 2);
        Send(near, 254, 3);
        Send(near, 255, 4);
        Send(stranger, 255, 5);
        Send(far, 249, 6);
        Send(far, 250, 7);
        Send(far, 1, 8);
        Assert.Equal([3, 4, 7], Heard(server));

        server.Hear([new(IPAddress.Parse("127.0.0.4"), 1)]);
        Send(near, 255, 9);
        Send(stranger, 1, 10);
        Assert.Equal([10], Heard(server));
    }

    [Fact]
    public void HearsOneOfManyNeighbours()
    {
        PrivateNetwork.SkipUnlessRoot();
        var (links, (server, last)) = TestLinks.Open(_ => (MultihopListener.Open(_here), Sender("127.0.1.244")));
        using var l = links;
        using var s = server;
        using var f = last;
        server.Hear([.. Enumerable.Range(1, 500).Select(i => new KeyValuePair<IPAddress, byte>(new IPAddress([127, 0, (byte)(i >> 8), (byte)i]), 200))]);
        Send(last, 199, 1);
        Send(last, 200, 2);
        Assert.Equal([2], Heard(server));
    }

    [Theory]
    [InlineData("::2")]
    [InlineData("0:0:0:1::1")]
    [InlineData("1::1")]
    [InlineData("::1:0:1")]
    public void TellsIPv6NeighboursApartByTheWholeAddress(string other)
    {
        PrivateNetwork.SkipUnlessRoot();
        var here = new IPEndPoint(IPAddress.IPv6Loopback, 4784);
        var (links, (server, sender)) = TestLinks.Open(_ => (MultihopListener.Open(here), SingleHopSender.Connect(here.Address, here)));
        using var l = links;
        using var s = server;
        using var n = sender;
        server.Hear([new(IPAddress.Parse(other), 1)]);
        Send(sender, 255, 1);
        server.Hear([new(IPAddress.Parse(other), 1), new(here.Address, 251)]);
        Send(sender, 250, 2);
        Send(sender, 251, 3);
        Assert.Equal([3], Heard(server));
    }

    [Fact]
    public void RefusesANeighbourOfTheOtherFamily()
    {
        PrivateNetwork.SkipUnlessRoot();
        var (links, server) = TestLinks.Open(_ => MultihopListener.Open(_here));
        using var l = links;
        using var s = server;
        Assert.Throws<ArgumentException>(() => server.Hear([new(IPAddress.IPv6Loopback, 254)]));
    }

    [Fact]
    public void SharesAnAddress_WithOneThatHearsOneInterface_AndWithNobodyElse()
    {
        PrivateNetwork.SkipUnlessRoot();
        var here = new IPEndPoint(IPAddress.Loopback, 3784);
        var (links, (any, one, sender, refusal)) = TestLinks.Open(_ =>
        {
            var any = SingleHopListener.Open(here);
            Assert.Throws<SocketException>(() => SingleHopListener.Open(here, "lo", shared: true));
            any.Share(true);
            var one = SingleHopListener.Open(here, "lo", shared: true);
            any.Share(false);
            var refusal = Assert.Throws<SocketException>(() => SingleHopListener.Open(here, shared: true));
            return (any, one, SingleHopSender.Connect(here.Address, here), refusal);
        });
        using var l = links;
        using var a = any;
        using var o = one;
        using var s = sender;
        Assert.Equal(SocketError.AddressAlreadyInUse, refusal.SocketErrorCode);
        Send(sender, 255, 1);
        Assert.Equal([1], Heard(one));
        Assert.Empty(Heard(any));
    }

    private static Socket Sender(string address) => SingleHopSender.Connect(IPAddress.Parse(address), _here);

    private static void Send(Socket socket, short ttl, byte what)
    {
        socket.Ttl = ttl;
        socket.Send([what]);
    }

    // On the loopback what was sent has arrived, or never will.
    private static List<int> Heard(UdpListener server)
    {
        var (heard, buffer) = (new List<int>(), new byte[16]);
        while (server.TryReceive(buffer, out var length, out _))
        {
            Assert.Equal(1, length);
            heard.Add(buffer[0]);
        }

        return heard;
    }
}

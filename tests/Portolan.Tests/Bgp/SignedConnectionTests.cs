using System.Net;
using System.Net.Sockets;
using Portolan.Linux.Sockets;
using Portolan.Tests.Proxy;

namespace Portolan.Tests.Bgp;

/// <summary>What a connection is asked for that was made before the listener had its key.</summary>
public sealed class SignedConnectionTests
{
    [Theory]
    [InlineData("", false)]
    [InlineData("s3cret", true)]
    public void NothingUnsignedIsHeard_OfOneWhoIsToSign(string password, bool isDeaf)
    {
        NetworkNamespace.SkipUnlessRoot();
        using var where = new NetworkNamespace("bgp-signed");
        using var listener = where.Inside(() => SessionListener.Open(new IPEndPoint(IPAddress.Loopback, 179)));
        using var stranger = where.Inside(() =>
        {
            var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
            socket.Connect(IPAddress.Loopback, 179);
            return socket;
        });
        Assert.True(listener.TryAccept(out var accepted, out _));
        using var connection = SessionListener.Adopt(accepted, new SessionSocketOptions { Password = password });
        stranger.Send("unsigned"u8);
        var count = -1;
        var before = where.Inside(TcpMd5Key.BadSignatures);
        Patience.Until(() => (count = connection.Receive(new byte[100], out _)) > 0 || where.Inside(TcpMd5Key.BadSignatures) > before, () => "it neither came nor was refused");
        Assert.Equal(isDeaf ? -1 : 8, count);
    }
}

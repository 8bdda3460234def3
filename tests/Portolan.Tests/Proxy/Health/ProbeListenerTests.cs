using System.Net;
using System.Net.Sockets;
using System.Text;
using Microsoft.Extensions.Logging.Abstractions;
using Portolan.Core.Addresses;
using Portolan.Proxy.Health;

namespace Portolan.Tests.Proxy.Health;

public sealed class ProbeListenerTests : IDisposable
{
    private readonly List<ProbeListener> _listeners = [];
    private ProbeRequest _seen;

    private IPEndPoint Listen(int places = 64, TimeSpan? patience = null, IPAddress? at = null)
    {
        var listener = ProbeListener.Open(new IPEndPoint(at ?? IPAddress.Loopback, 0), request =>
        {
            _seen = request;
            return new ProbeAnswer(200, ProbeAnswer.PlainText, "hällo") { Header = ("X-Weight", 7) };
        }, new ProbePlaces(places), TimeProvider.System, NullLogger.Instance, patience);
        _listeners.Add(listener);
        return new IPEndPoint(IPAddress.Loopback, listener.Address.Port);
    }

    private static string Exchange(IPEndPoint at, params string[] pieces)
    {
        using var socket = Connect(at);
        foreach (var piece in pieces)
        {
            socket.Send(Encoding.ASCII.GetBytes(piece));
            Thread.Sleep(5);
        }

        return Read(socket);
    }

    private static Socket Connect(IPEndPoint at)
    {
        var socket = new Socket(at.AddressFamily, SocketType.Stream, ProtocolType.Tcp) { ReceiveTimeout = 10_000, NoDelay = true };
        socket.Connect(at);
        return socket;
    }

    private static string Read(Socket socket)
    {
        var text = new List<byte>();
        var buffer = new byte[1000];
        try
        {
            while (socket.Receive(buffer) is > 0 and var count)
                text.AddRange(buffer.AsSpan(0, count));
        }
        catch (SocketException reset) when (reset.SocketErrorCode is SocketError.ConnectionReset)
        {
            return "reset";
        }

        return Encoding.UTF8.GetString([.. text]);
    }

    [Fact]
    public async Task AnswersAnHttpClient()
    {
        var at = Listen();
        using var http = new HttpClient();
        using var answer = await http.GetAsync(new Uri($"http://{at}/some/path?query"), TestContext.Current.CancellationToken);
        Assert.Equal("hällo", await answer.Content.ReadAsStringAsync(TestContext.Current.CancellationToken));
        Assert.Equal("7", Assert.Single(answer.Headers.GetValues("X-Weight")));
        Assert.Equal("nosniff", Assert.Single(answer.Headers.GetValues("X-Content-Type-Options")));
        Assert.Equal("text/plain; charset=utf-8", answer.Content.Headers.ContentType!.ToString());
        Assert.True(answer.Headers.ConnectionClose);
        Assert.NotNull(answer.Headers.Date);
        Assert.Equal("/some/path", _seen.Path);
    }

    [Theory]
    [InlineData("GET / HTTP/1.1\r\nHost: x\r\n\r\n", "/")]
    [InlineData("GET /a?b HTTP/1.0\n\n", "/a")]
    [InlineData("POST /a HTTP/1.1\r\nContent-Length: 3\r\n\r\nabc", "/a")]
    [InlineData("GET http://node:1/b?c HTTP/1.1\r\n\r\n", "/b")]
    [InlineData("OPTIONS * HTTP/1.1\r\n\r\n", "*")]
    public void UnderstandsWhatClientsSend(string request, string path)
    {
        Assert.StartsWith("HTTP/1.1 200 OK\r\n", Exchange(Listen(), request), StringComparison.Ordinal);
        Assert.Equal(path, _seen.Path);
    }

    [Fact]
    public void HeadHasTheSameHeadersAndNoBody()
    {
        var answer = Exchange(Listen(), "HEAD / HTTP/1.1\r\n\r\n");
        Assert.Contains("Content-Length: 6\r\n", answer, StringComparison.Ordinal);
        Assert.EndsWith("\r\n\r\n", answer, StringComparison.Ordinal);
    }

    [Fact]
    public void ARequestMayComeInPieces() =>
        Assert.StartsWith("HTTP/1.1 200 OK\r\n", Exchange(Listen(), "G", "ET / HTT", "P/1.1\r\nHost: x\r", "\n\r", "\n"), StringComparison.Ordinal);

    [Theory]
    [InlineData("hello\r\n\r\n")]
    [InlineData("GET  HTTP/1.1\r\n\r\n")]
    [InlineData("GET / HTTP/2.0\r\n\r\n")]
    [InlineData("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n")]
    [InlineData("GET /\u0001 HTTP/1.1\r\n\r\n")]
    public void RefusesWhatIsNoRequest(string request) =>
        Assert.StartsWith("HTTP/1.1 400 Bad Request\r\n", Exchange(Listen(), request), StringComparison.Ordinal);

    [Fact]
    public void RefusesAHeadThatDoesNotEnd() =>
        Assert.StartsWith("HTTP/1.1 400 Bad Request\r\n", Exchange(Listen(), "GET / HTTP/1.1\r\nX: " + new string('x', ProbeRequest.LongestHead)), StringComparison.Ordinal);

    [Fact]
    public void ASlowClientIsSentAway()
    {
        using var slow = Connect(Listen(patience: TimeSpan.FromMilliseconds(100)));
        slow.Send("GET / HTTP"u8);
        Assert.True(Read(slow) is "" or "reset");
    }

    [Fact]
    public void SlowClientsMakeRoomForProbes()
    {
        var at = Listen(places: 4, patience: TimeSpan.FromMinutes(5));
        var slow = Enumerable.Range(0, 20).Select(_ => Connect(at)).ToList();
        Assert.StartsWith("HTTP/1.1 200 OK\r\n", Exchange(at, "GET / HTTP/1.1\r\n\r\n"), StringComparison.Ordinal);
        Assert.All(slow[..16], socket => Assert.True(Read(socket) is "" or "reset"));
        slow.ForEach(socket => socket.Dispose());
    }

    [Fact]
    public void KnowsByWhichFamilyTheClientCame()
    {
        Assert.SkipUnless(Socket.OSSupportsIPv6, "needs IPv6");
        var at = Listen(at: IPAddress.IPv6Any);
        Exchange(at, "GET / HTTP/1.1\r\n\r\n");
        Assert.Equal(IpFamily.IPv4, _seen.Family);
        Exchange(new IPEndPoint(IPAddress.IPv6Loopback, at.Port), "GET / HTTP/1.1\r\n\r\n");
        Assert.Equal(IpFamily.IPv6, _seen.Family);
    }

    [Fact]
    public void APortCanBeOpenedAgainAtOnce()
    {
        var at = Listen();
        Exchange(at, "GET / HTTP/1.1\r\n\r\n");
        _listeners[0].Dispose();
        using var again = ProbeListener.Open(at, _ => ProbeAnswer.NotFound, new ProbePlaces(1), TimeProvider.System, NullLogger.Instance);
        Assert.StartsWith("HTTP/1.1 404 Not Found\r\n", Exchange(at, "GET / HTTP/1.1\r\n\r\n"), StringComparison.Ordinal);
    }

    public void Dispose() => _listeners.ForEach(listener => listener.Dispose());
}

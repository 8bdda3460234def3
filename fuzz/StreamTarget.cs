using System.Collections.Concurrent;
using System.Net.Sockets;
using System.Text;

namespace Portolan.Fuzz;

/// <summary>
/// Frames of exec and attach, after the connection was upgraded: over a WebSocket, or over SPDY/3.1. An input is the bytes the client sends, a first byte before them saying whether
/// with a terminal. Whatever they are, the server must end the connection soon after the client has said its last.
/// </summary>
internal sealed class StreamTarget(ServerProcess server, bool spdy) : FuzzTarget
{
    private const string WebSocket = "Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Protocol: v5.channel.k8s.io\r\n";
    private const string Spdy = "Upgrade: SPDY/3.1\r\nX-Stream-Protocol-Version: v4.channel.k8s.io\r\n";

    private static readonly byte[] GoAway = [0x80, 3, 0, 7, 0, 0, 0, 8, 0, 0, 0, 0, 0, 0, 0, 0];

    private readonly ConcurrentDictionary<string, long> _tally = new();

    public override string? Dead => server.Dead;

    public override string Tally => string.Join(' ', _tally.OrderBy(t => t.Key).Select(t => $"{t.Key}×{t.Value}"));

    public override Task<long> MemoryAsync() => server.MemoryAsync();

    public override FuzzLane Open() => new Lane(server, spdy, _tally);

    public override byte[] Mutate(Random random, IReadOnlyList<byte[]> corpus)
    {
        var input = corpus[random.Next(corpus.Count)];
        var frames = spdy ? Frames.SplitSpdy(input.AsSpan(1)) : Frames.SplitWebSocket(input.AsSpan(1));
        // Whole frames in another order, or bytes of one of them: the others still lead the way in.
        for (var times = random.Next(3); times > 0 && frames.Count > 0; times--)
        {
            var (from, to) = (random.Next(frames.Count), random.Next(frames.Count));
            switch (random.Next(4))
            {
                case 0:
                    frames.RemoveAt(from);
                    break;
                case 1:
                    frames.Insert(to, frames[from]);
                    break;
                default:
                    (frames[from], frames[to]) = (frames[to], frames[from]);
                    break;
            }
        }

        if (frames.Count > 0 && random.Next(5) > 0)
        {
            var at = random.Next(frames.Count);
            frames[at] = ByteMutation.Mutate(frames[at], random, corpus, Tokens.Frames);
        }

        return [(byte)(random.Next(8) == 0 ? 1 : input[0]), .. frames.SelectMany(f => f)];
    }

    public override ValueTask DisposeAsync() => server.DisposeAsync();

    private sealed class Lane(ServerProcess server, bool spdy, ConcurrentDictionary<string, long> tally) : FuzzLane
    {
        public override async Task<string?> TryAsync(byte[] input)
        {
            using var patience = new CancellationTokenSource(FuzzRun.Patience);
            try
            {
                using var socket = new Socket(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
                await socket.ConnectAsync("127.0.0.1", server.StreamPort, patience.Token);
                await using var stream = new NetworkStream(socket);
                var path = input.Length > 0 && input[0] == 1 ? "/tty" : "/plain";
                await stream.WriteAsync(Encoding.ASCII.GetBytes($"GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\n{(spdy ? Spdy : WebSocket)}\r\n"), patience.Token);
                if (!await UpgradedAsync(stream, patience.Token)) return "the connection was not upgraded";
                var reading = DrainAsync(stream, patience.Token);
                try
                {
                    await stream.WriteAsync(input.AsMemory(Math.Min(1, input.Length)), patience.Token);
                    if (spdy) await stream.WriteAsync(GoAway, patience.Token);
                    // The end of the connection must not overtake what was said on it: a server that sees the end first does not read the rest.
                    await Task.WhenAny(reading, Task.Delay(TimeSpan.FromMilliseconds(20), patience.Token));
                    socket.Shutdown(SocketShutdown.Send);
                }
                catch (Exception e) when (e is IOException or SocketException)
                {
                    // The server has had enough already.
                }

                tally.AddOrUpdate(await reading > 0 ? "answered" : "closed at once", 1, (_, n) => n + 1);
                return server.Dead;
            }
            catch (OperationCanceledException)
            {
                return $"the connection was still open after {FuzzRun.Patience.TotalSeconds:F0} s";
            }
            catch (SocketException e)
            {
                return $"no connection: {e.Message}";
            }
        }

        public override ValueTask DisposeAsync() => ValueTask.CompletedTask;

        private static async Task<bool> UpgradedAsync(NetworkStream stream, CancellationToken cancellation)
        {
            var head = new List<byte>();
            var one = new byte[1];
            while (head.Count < 4096 && await stream.ReadAsync(one, cancellation) == 1)
            {
                head.Add(one[0]);
                if (head is [.., (byte)'\r', (byte)'\n', (byte)'\r', (byte)'\n']) return head[9] == (byte)'1';
            }

            return false;
        }

        // What it says is for the tests of the protocol; here it only has to come to an end.
        private static async Task<long> DrainAsync(NetworkStream stream, CancellationToken cancellation)
        {
            var buffer = new byte[16 * 1024];
            long read = 0;
            try
            {
                while (await stream.ReadAsync(buffer, cancellation) is > 0 and var count) read += count;
            }
            catch (IOException)
            {
                // A reset is an end as well: the server closed with something of ours unread.
            }

            return read;
        }
    }
}

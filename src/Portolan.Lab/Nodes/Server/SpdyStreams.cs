using System.Text;
using System.Text.Json.Nodes;

using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.Extensions.Logging;

using Portolan.Lab.Nodes.Containers;
using Portolan.Lab.Nodes.Spdy;

namespace Portolan.Lab.Nodes.Server;

/// <summary>Exec and attach over SPDY/3.1: the client opens a stream for each of error, stdin, stdout, stderr and resize, named by the header <c>streamType</c>.</summary>
internal sealed class SpdyStreams : IRemoteStreams
{
    public const string UpgradeToken = "SPDY/3.1";
    private const string ProtocolHeader = "X-Stream-Protocol-Version";
    private const string Protocol = "v4.channel.k8s.io";
    private static readonly TimeSpan _streamsExpected = TimeSpan.FromSeconds(30);
    private static readonly TimeSpan _farewell = TimeSpan.FromSeconds(2);

    private readonly SpdyConnection _connection;
    private readonly Dictionary<string, SpdyStream> _streams;

    private SpdyStreams(SpdyConnection connection, Dictionary<string, SpdyStream> streams) => (_connection, _streams) = (connection, streams);

    public static async Task ServeAsync(HttpContext http, StreamSet wanted, Func<IRemoteStreams, CancellationToken, Task> run, ILogger logger)
    {
        var offered = http.Request.Headers[ProtocolHeader].SelectMany(v => (v ?? "").Split(',', StringSplitOptions.TrimEntries)).ToList();
        if (!offered.Contains(Protocol))
        {
            http.Response.StatusCode = StatusCodes.Status403Forbidden;
            http.Response.Headers["X-Accepted-Stream-Protocol-Versions"] = Protocol;
            await http.Response.WriteAsync($"unable to upgrade: {Protocol} is required, the client offers {string.Join(", ", offered)}\n", http.RequestAborted).ConfigureAwait(false);
            return;
        }
        http.Response.Headers.Upgrade = UpgradeToken;
        http.Response.Headers[ProtocolHeader] = Protocol;
        var transport = await http.Features.GetRequiredFeature<IHttpUpgradeFeature>().UpgradeAsync().ConfigureAwait(false);
        await using var connection = new SpdyConnection(transport);
        using var gone = CancellationTokenSource.CreateLinkedTokenSource(http.RequestAborted);
        var reading = connection.RunAsync(gone.Token);
        try
        {
            if (await CollectAsync(connection, wanted, gone.Token).ConfigureAwait(false) is not { } streams)
            {
                logger.LogDebug("{Path}: the client did not open its streams", http.Request.Path);
                return;
            }
            using var over = CancellationTokenSource.CreateLinkedTokenSource(gone.Token);
            var running = run(new SpdyStreams(connection, streams), over.Token);
            if (await Task.WhenAny(running, reading).ConfigureAwait(false) == reading)
                await over.CancelAsync().ConfigureAwait(false);
            await running.ConfigureAwait(false);
            await connection.GoAwayAsync(gone.Token).ConfigureAwait(false);
            // Closing now, with something of the client's unread, would take back what is still on its way to it.
            await Task.WhenAny(reading, Task.Delay(_farewell, gone.Token)).ConfigureAwait(false);
        }
        finally
        {
            await gone.CancelAsync().ConfigureAwait(false);
            await reading.ConfigureAwait(false);
        }
    }

    private static async Task<Dictionary<string, SpdyStream>?> CollectAsync(SpdyConnection connection, StreamSet wanted, CancellationToken cancel)
    {
        var missing = new HashSet<string> { "error" };
        if (wanted.Stdin)
            missing.Add("stdin");
        if (wanted.Stdout)
            missing.Add("stdout");
        if (wanted.Stderr && !wanted.Terminal)
            missing.Add("stderr");
        if (wanted.Terminal)
            missing.Add("resize");
        var streams = new Dictionary<string, SpdyStream>();
        using var timeout = CancellationTokenSource.CreateLinkedTokenSource(cancel);
        timeout.CancelAfter(_streamsExpected);
        try
        {
            while (missing.Count > 0)
            {
                var stream = await connection.Opened.ReadAsync(timeout.Token).ConfigureAwait(false);
                var type = stream.Headers.GetValueOrDefault("streamtype", "");
                streams[type] = stream;
                missing.Remove(type);
            }
            return streams;
        }
        catch (Exception ended) when (ended is OperationCanceledException or System.Threading.Channels.ChannelClosedException)
        {
            return null;
        }
    }

    public ValueTask<ReadOnlyMemory<byte>> ReadInputAsync(CancellationToken cancel) =>
        _streams.TryGetValue("stdin", out var stream) ? stream.ReadAsync(cancel) : default;

    public async ValueTask<TerminalSize?> ReadResizeAsync(CancellationToken cancel)
    {
        if (!_streams.TryGetValue("resize", out var stream))
            return null;
        while (await stream.ReadAsync(cancel).ConfigureAwait(false) is { Length: > 0 } bytes)
            if (RemoteStatus.TryParseResize(bytes.Span, out var size))
                return size;
        return null;
    }

    public ValueTask WriteAsync(OutputStream stream, ReadOnlyMemory<byte> bytes, CancellationToken cancel) =>
        _streams.TryGetValue(stream == OutputStream.Out ? "stdout" : "stderr", out var target) ? _connection.SendAsync(target, bytes, isLast: false, cancel) : default;

    public async ValueTask FinishAsync(JsonObject status, CancellationToken cancel)
    {
        await _connection.SendAsync(_streams["error"], Encoding.UTF8.GetBytes(status.ToJsonString()), isLast: true, cancel).ConfigureAwait(false);
        foreach (var name in (string[])["stdout", "stderr"])
            if (_streams.TryGetValue(name, out var stream))
                await _connection.SendAsync(stream, default, isLast: true, cancel).ConfigureAwait(false);
    }
}

using System.Globalization;
using System.Text;

using Microsoft.Extensions.Logging;

using Portolan.Lab.Nodes.Spdy;

namespace Portolan.Lab.Nodes.Server.Forwarding;

/// <summary>
/// Port forwarding over SPDY/3.1: for each connection the client opens a stream for data and one for an error, told to belong together by the header
/// <c>requestid</c>, both with <c>port</c> and <c>streamtype</c>. The same connection may forward any number of ports.
/// </summary>
internal sealed class SpdyForwarding(SpdyConnection connection, PodEndpoint pod, ILogger logger)
{
    /// <summary>Until the client closes the connection.</summary>
    public async Task RunAsync(CancellationToken cancel)
    {
        var waiting = new Dictionary<string, SpdyStream>();
        var running = new List<Task>();
        using var gone = CancellationTokenSource.CreateLinkedTokenSource(cancel);
        var reading = connection.RunAsync(gone.Token);
        try
        {
            while (await connection.Opened.WaitToReadAsync(gone.Token).ConfigureAwait(false) && connection.Opened.TryRead(out var stream))
            {
                running.RemoveAll(static task => task.IsCompleted);
                // Very old clients name no request: there the error stream comes first, the data stream next.
                var request = stream.Headers.GetValueOrDefault("requestid") ?? "";
                if (!waiting.Remove(request, out var other))
                    waiting[request] = stream;
                else if (IsPair(stream, other))
                    running.Add(ForwardAsync(Typed(stream, other, "data"), Typed(stream, other, "error"), gone.Token));
                else
                    await RefuseAsync(stream, other, gone.Token).ConfigureAwait(false);
            }
        }
        catch (OperationCanceledException) when (gone.IsCancellationRequested)
        {
            // The server stops.
        }
        finally
        {
            await gone.CancelAsync().ConfigureAwait(false);
            await Task.WhenAll([reading, .. running]).ConfigureAwait(false);
        }
    }

    private static string Type(SpdyStream stream) => stream.Headers.GetValueOrDefault("streamtype") ?? "";

    private static bool IsPair(SpdyStream one, SpdyStream other) => (Type(one), Type(other)) is ("data", "error") or ("error", "data");

    private static SpdyStream Typed(SpdyStream one, SpdyStream other, string type) => Type(one) == type ? one : other;

    private async Task ForwardAsync(SpdyStream data, SpdyStream error, CancellationToken cancel)
    {
        var client = new Pair(connection, data, error);
        try
        {
            var text = data.Headers.GetValueOrDefault("port");
            if (int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var port) && port is > 0 and < 65536)
                await ForwardedPort.ServeAsync(pod, port, client, cancel).ConfigureAwait(false);
            else
                await client.FailAsync($"\"port\" header must be a number from 1 to 65535, not \"{text}\"", cancel).ConfigureAwait(false);
        }
        catch (Exception ended) when (ended is OperationCanceledException or IOException or ObjectDisposedException)
        {
            logger.LogDebug("forwarding to {Pod} ended: {Reason}", pod.Uid, ended.Message);
        }
        finally
        {
            connection.Forget(data);
            connection.Forget(error);
        }
    }

    private async Task RefuseAsync(SpdyStream one, SpdyStream other, CancellationToken cancel)
    {
        foreach (var stream in (SpdyStream[])[one, other])
        {
            await connection.ResetAsync(stream, cancel).ConfigureAwait(false);
            connection.Forget(stream);
        }
    }

    private sealed class Pair(SpdyConnection connection, SpdyStream data, SpdyStream error) : IForwardedConnection
    {
        public bool IsAborted => data.IsReset;

        public ValueTask<ReadOnlyMemory<byte>> ReadAsync(CancellationToken cancel) => data.ReadAsync(cancel);

        public ValueTask WriteAsync(ReadOnlyMemory<byte> bytes, CancellationToken cancel) => connection.SendAsync(data, bytes, isLast: false, cancel);

        public async ValueTask EndAsync(CancellationToken cancel)
        {
            await connection.SendAsync(data, default, isLast: true, cancel).ConfigureAwait(false);
            // Clients take the end of this stream as the answer that all went well, and wait for it.
            await connection.SendAsync(error, default, isLast: true, cancel).ConfigureAwait(false);
        }

        public async ValueTask FailAsync(string why, CancellationToken cancel)
        {
            await connection.SendAsync(error, Encoding.UTF8.GetBytes(why), isLast: true, cancel).ConfigureAwait(false);
            await connection.SendAsync(data, default, isLast: true, cancel).ConfigureAwait(false);
        }
    }
}

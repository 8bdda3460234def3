using System.Net.Security;
using System.Net.Sockets;
using System.Security.Cryptography.X509Certificates;
using System.Text;

namespace Portolan.Fuzz;

/// <summary>What came back.</summary>
/// <param name="Code">The HTTP status.</param>
/// <param name="Body">As far as it was read: of a stream without an end only the beginning.</param>
/// <param name="Closed">The server closed the connection after it.</param>
/// <param name="Problem">Why there is no whole answer; null when there is one.</param>
internal readonly record struct Answer(int Code, byte[] Body, bool Closed, string? Problem = null);

/// <summary>A client that sends what it is given, however wrong: one TLS connection, opened anew when the server closes it.</summary>
internal sealed class RequestConnection(ServerProcess server) : IAsyncDisposable
{
    // A watch has no end; this much of it is enough.
    private static readonly TimeSpan Glance = TimeSpan.FromMilliseconds(20);

    private readonly X509Certificate2 _admin = Load(server.Directory);
    private readonly byte[] _buffer = new byte[64 * 1024];
    private SslStream? _stream;
    private int _start;
    private int _end;

    /// <param name="head"><c>METHOD TARGET</c>, and header lines after it.</param>
    /// <param name="body">Sent with its length.</param>
    public async Task<Answer> SendAsync(string head, byte[] body)
    {
        var lines = head.Split('\n');
        var watch = head.Contains("watch", StringComparison.OrdinalIgnoreCase);
        var text = new StringBuilder().Append(lines[0]).Append(" HTTP/1.1\r\nHost: localhost\r\n");
        foreach (var line in lines.Skip(1)) text.Append(line).Append("\r\n");
        text.Append($"Content-Length: {body.Length}\r\n\r\n");
        byte[] request = [.. Encoding.Latin1.GetBytes(text.ToString()), .. body];
        using var patience = new CancellationTokenSource(FuzzRun.Patience);
        try
        {
            for (var again = false; ; again = true)
            {
                var fresh = _stream is null;
                var stream = _stream ??= await ConnectAsync(patience.Token);
                try
                {
                    await WriteAsync(stream, request, patience.Token);
                    if (await ReadAsync(stream, lines[0], watch, patience.Token) is { } answer)
                    {
                        if (answer.Closed) Close();
                        return answer;
                    }
                }
                catch (IOException) when (!fresh && !again)
                {
                    // A kept connection may end at any time: that says nothing of this request.
                }

                Close();
                if (fresh || again) return new(0, [], true, "the connection was closed without an answer");
            }
        }
        catch (OperationCanceledException)
        {
            Close();
            return new(0, [], true, $"no answer within {FuzzRun.Patience.TotalSeconds:F0} s");
        }
        catch (Exception e) when (e is IOException or SocketException)
        {
            Close();
            return new(0, [], true, $"the connection broke: {e.Message}");
        }
    }

    public ValueTask DisposeAsync()
    {
        Close();
        _admin.Dispose();
        return ValueTask.CompletedTask;
    }

    private static async Task WriteAsync(SslStream stream, byte[] request, CancellationToken cancellation)
    {
        try
        {
            await stream.WriteAsync(request, cancellation);
        }
        catch (IOException)
        {
            // The server may have answered and closed before it had everything; what it said is still to be read.
        }
    }

    private async Task<Answer?> ReadAsync(SslStream stream, string line, bool watch, CancellationToken cancellation)
    {
        (_start, _end) = (0, 0);
        int code;
        Dictionary<string, string> headers;
        do
        {
            if (await ReadHeadAsync(stream, cancellation) is not { } head) return null;
            (code, headers) = head;
        }
        while (code == 100);

        var closes = headers.GetValueOrDefault("connection", "").Contains("close", StringComparison.OrdinalIgnoreCase);
        if (line.StartsWith("HEAD ", StringComparison.Ordinal) || code is 204 or 304) return new(code, [], closes);
        if (code == 101) return new(code, [], true);
        var body = new MemoryStream();
        if (headers.TryGetValue("content-length", out var length))
        {
            if (!await TakeAsync(stream, long.Parse(length), body, cancellation)) return null;
            return new(code, body.ToArray(), closes);
        }

        if (!headers.GetValueOrDefault("transfer-encoding", "").Contains("chunked", StringComparison.OrdinalIgnoreCase)) return new(code, [], true);
        using var glance = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        if (watch && code == 200) glance.CancelAfter(Glance);
        try
        {
            while (true)
            {
                if (await ReadLineAsync(stream, glance.Token) is not { } size) return null;
                var count = Convert.ToInt64(size.Split(';')[0], 16);
                if (!await TakeAsync(stream, count, body, glance.Token) || await ReadLineAsync(stream, glance.Token) is null) return null;
                if (count == 0) return new(code, body.ToArray(), closes);
            }
        }
        catch (OperationCanceledException) when (!cancellation.IsCancellationRequested)
        {
            return new(code, body.ToArray(), true);
        }
    }

    private async Task<(int Code, Dictionary<string, string> Headers)?> ReadHeadAsync(SslStream stream, CancellationToken cancellation)
    {
        if (await ReadLineAsync(stream, cancellation) is not { } status) return null;
        var headers = new Dictionary<string, string>(StringComparer.OrdinalIgnoreCase);
        while (await ReadLineAsync(stream, cancellation) is { } line)
        {
            if (line.Length == 0) return (int.Parse(status.Split(' ')[1]), headers);
            var colon = line.IndexOf(':');
            headers[line[..colon]] = line[(colon + 1)..].Trim();
        }

        return null;
    }

    private async Task<string?> ReadLineAsync(SslStream stream, CancellationToken cancellation)
    {
        var line = new StringBuilder();
        while (true)
        {
            if (_start == _end && !await FillAsync(stream, cancellation)) return null;
            var at = _buffer.AsSpan(_start.._end).IndexOf((byte)'\n');
            line.Append(Encoding.Latin1.GetString(_buffer.AsSpan(_start, at < 0 ? _end - _start : at)));
            _start = at < 0 ? _end : _start + at + 1;
            if (at >= 0) return line.ToString().TrimEnd('\r');
        }
    }

    private async Task<bool> TakeAsync(SslStream stream, long count, MemoryStream to, CancellationToken cancellation)
    {
        while (count > 0)
        {
            if (_start == _end && !await FillAsync(stream, cancellation)) return false;
            var take = (int)Math.Min(count, _end - _start);
            to.Write(_buffer, _start, take);
            _start += take;
            count -= take;
        }

        return true;
    }

    private async Task<bool> FillAsync(SslStream stream, CancellationToken cancellation)
    {
        (_start, _end) = (0, await stream.ReadAsync(_buffer, cancellation));
        return _end > 0;
    }

    private async Task<SslStream> ConnectAsync(CancellationToken cancellation)
    {
        var socket = new Socket(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        await socket.ConnectAsync("127.0.0.1", server.ApiPort, cancellation);
        var stream = new SslStream(new NetworkStream(socket, ownsSocket: true));
        await stream.AuthenticateAsClientAsync(new SslClientAuthenticationOptions
        {
            TargetHost = "localhost",
            ClientCertificates = [_admin],
            // Whom it talks to it knows: it made the server a moment ago, on loopback.
            CertificateChainPolicy = Policy(server.Directory),
        }, cancellation);
        return stream;
    }

    private void Close()
    {
        _stream?.Dispose();
        _stream = null;
    }

    private static X509Certificate2 Load(string directory)
    {
        using var pem = X509Certificate2.CreateFromPemFile(Path.Combine(directory, "admin.crt"), Path.Combine(directory, "admin.key"));
        return X509CertificateLoader.LoadPkcs12(pem.Export(X509ContentType.Pkcs12), null);
    }

    private static X509ChainPolicy Policy(string directory)
    {
        var policy = new X509ChainPolicy { TrustMode = X509ChainTrustMode.CustomRootTrust, RevocationMode = X509RevocationMode.NoCheck };
        policy.CustomTrustStore.Add(X509CertificateLoader.LoadCertificateFromFile(Path.Combine(directory, "pki", "ca.crt")));
        return policy;
    }
}

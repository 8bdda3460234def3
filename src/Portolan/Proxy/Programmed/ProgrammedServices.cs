using System.Buffers;
using System.IO.Pipelines;
using System.Net.Sockets;
using System.Text.Json;
using Microsoft.Extensions.Logging;
using Portolan.Core.Cluster;
using Portolan.Hosting;

namespace Portolan.Proxy.Programmed;

/// <summary>
/// Reads which Services this node's proxy has in the kernel. While the proxy is away the last known holds, as its rules do: a proxy that restarts takes
/// nothing away. Another process's end of <see cref="ProgrammedFeed"/>.
/// </summary>
/// <param name="path">The socket's path.</param>
/// <param name="time">The clock.</param>
/// <param name="log">Told when the proxy is lost and found.</param>
internal sealed class ProgrammedServices(string path, TimeProvider time, ILogger log)
{
    private const int LongestLine = 1 << 16;

    private readonly Lock _gate = new();
    private Dictionary<ObjectKey, ProgrammedService> _known = [];
    private bool _isKnown;

    /// <summary>A whole list was read at least once. Before that nobody knows what is programmed.</summary>
    internal bool IsKnown
    {
        get
        {
            lock (_gate)
                return _isKnown;
        }
    }

    /// <summary>Called when the proxy is found, has told everything, or is lost; after what it told is known.</summary>
    internal Action<ProxyConnection> OnConnection { get; init; } = _ => { };

    /// <summary>What the kernel has of a Service, or null: nothing.</summary>
    internal ProgrammedService? Find(ObjectKey service)
    {
        lock (_gate)
            return _known.GetValueOrDefault(service);
    }

    /// <summary>Follows until cancelled.</summary>
    /// <param name="changed">Called for each Service of which something else is known than before, after it is; once with null when the first list is complete.</param>
    /// <param name="stop">Cancelled in the end.</param>
    internal async Task RunAsync(Action<ObjectKey?> changed, CancellationToken stop)
    {
        var pauses = new BackOff(TimeSpan.FromMilliseconds(100), TimeSpan.FromSeconds(5));
        var isLost = false;
        while (true)
        {
            string reason;
            var isConnected = false;
            try
            {
                using var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
                await socket.ConnectAsync(new UnixDomainSocketEndPoint(path), stop);
                isConnected = true;
                OnConnection(ProxyConnection.Connected);
                await FollowAsync(new NetworkStream(socket), changed, () =>
                {
                    pauses.Reset();
                    if (isLost)
                        log.LogInformation("{Path}: the proxy is there again", path);
                    isLost = false;
                    OnConnection(ProxyConnection.Synced);
                }, stop);
                reason = "the proxy closed the connection";
            }
            catch (Exception failure) when (failure is SocketException or IOException or JsonException or InvalidDataException)
            {
                reason = failure.Message;
            }

            if (isConnected)
                OnConnection(ProxyConnection.Absent);
            if (!isLost && IsKnown)
                log.LogWarning("{Path}: {Reason}; trying again. What was known holds until then", path, reason);
            else if (!isLost)
                log.LogInformation("{Path}: {Reason}; trying again", path, reason);
            isLost = true;
            await Task.Delay(pauses.Next(), time, stop);
        }
    }

    private async Task FollowAsync(NetworkStream stream, Action<ObjectKey?> changed, Action synced, CancellationToken stop)
    {
        var pipe = PipeReader.Create(stream);
        Dictionary<ObjectKey, ProgrammedService>? list = [];
        try
        {
            while (true)
            {
                var read = await pipe.ReadAsync(stop);
                var rest = read.Buffer;
                while (rest.PositionOf((byte)'\n') is { } end)
                {
                    Take(Parse(rest.Slice(0, end)));
                    rest = rest.Slice(rest.GetPosition(1, end));
                }

                if (rest.Length > LongestLine)
                    throw new InvalidDataException($"a line is longer than {LongestLine} bytes");
                pipe.AdvanceTo(rest.Start, rest.End);
                if (read.IsCompleted)
                    return;
            }
        }
        finally
        {
            await pipe.CompleteAsync();
        }

        void Take(ProgrammedLine line)
        {
            if (line.ToService() is { } service)
            {
                // What is in the list may be told again before it is complete.
                if (list is null)
                    Set(service, changed);
                else
                    list[service.Key] = service;
            }
            else if (line.Synced is true && list is not null)
            {
                Replace(list, changed);
                list = null;
                synced();
            }
        }
    }

    private static ProgrammedLine Parse(ReadOnlySequence<byte> bytes)
    {
        var json = new Utf8JsonReader(bytes);
        return JsonSerializer.Deserialize(ref json, ProgrammedJson.Default.ProgrammedLine) ?? throw new InvalidDataException("a line is null");
    }

    private void Set(ProgrammedService service, Action<ObjectKey?> changed)
    {
        lock (_gate)
        {
            if (service.Equals(_known.GetValueOrDefault(service.Key)))
                return;
            if (service.Programmed)
                _known[service.Key] = service;
            else if (!_known.Remove(service.Key))
                return;
        }

        changed(service.Key);
    }

    private void Replace(Dictionary<ObjectKey, ProgrammedService> list, Action<ObjectKey?> changed)
    {
        foreach (var key in list.Where(entry => !entry.Value.Programmed).Select(entry => entry.Key).ToList())
            list.Remove(key);
        List<ObjectKey> different;
        bool isFirst;
        lock (_gate)
        {
            different = [.. list.Where(entry => !entry.Value.Equals(_known.GetValueOrDefault(entry.Key))).Select(entry => entry.Key), .. _known.Keys.Where(key => !list.ContainsKey(key))];
            _known = list;
            isFirst = !_isKnown;
            _isKnown = true;
        }

        foreach (var key in different)
            changed(key);
        if (isFirst)
            changed(null);
    }
}

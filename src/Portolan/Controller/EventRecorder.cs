using System.Net;
using System.Text.Json.Nodes;
using System.Threading.Channels;
using Microsoft.Extensions.Logging;
using Portolan.Hosting;
using Portolan.Kubernetes.Client;
using Portolan.Kubernetes.Resources;

namespace Portolan.Controller;

/// <summary>
/// Writes events (core/v1) in the background. A repetition raises the count of the event it repeats. Events are advice: when the server
/// is away for long the queue forgets the oldest rather than grow.
/// </summary>
internal sealed class EventRecorder(KubeClient client, string component, TimeProvider time, ILogger log)
{
    private const int Remembered = 4096;
    private const int Attempts = 8;
    private readonly Dictionary<Entry, (string Name, int Count)> _written = [];
    private readonly Channel<Entry> _queue = Channel.CreateBounded<Entry>(new BoundedChannelOptions(2048) { FullMode = BoundedChannelFullMode.DropOldest, SingleReader = true });

    public void Record(InvolvedObject about, bool isWarning, string reason, string message) =>
        _queue.Writer.TryWrite(new Entry(about, isWarning, reason, message.Length > 1024 ? message[..1024] : message));

    /// <summary>Writes what is queued until the stop.</summary>
    public async Task RunAsync(CancellationToken stop)
    {
        await foreach (var entry in _queue.Reader.ReadAllAsync(stop))
        {
            var pauses = new BackOff(TimeSpan.FromMilliseconds(200), TimeSpan.FromSeconds(10));
            for (var attempt = 1; ; attempt++)
            {
                try
                {
                    await WriteAsync(entry, stop);
                    break;
                }
                catch (Exception failure) when (ApiFailure.IsTransient(failure, stop) && attempt < Attempts)
                {
                    await Task.Delay(pauses.Next(), time, stop);
                }
                catch (Exception failure) when (failure is KubeApiException || ApiFailure.IsTransient(failure, stop))
                {
                    // E.g. the namespace is going away and takes no more events.
                    log.LogWarning("event {Reason} for {Object} is lost: {Message}", entry.Reason, entry.About.Name, failure.Message);
                    break;
                }
            }
        }
    }

    private async Task WriteAsync(Entry entry, CancellationToken stop)
    {
        var now = time.GetUtcNow();
        var ns = entry.About.Namespace.Length > 0 ? entry.About.Namespace : "default";
        if (_written.TryGetValue(entry, out var known))
        {
            var patch = new JsonObject { ["count"] = known.Count + 1, ["lastTimestamp"] = now.UtcDateTime.ToString("yyyy-MM-dd'T'HH:mm:ss'Z'") };
            try
            {
                await client.PatchAsync(Kinds.Events, ns, known.Name, PatchKind.Merge, patch, ct: stop);
                _written[entry] = (known.Name, known.Count + 1);
                return;
            }
            catch (KubeApiException gone) when (gone.IsNotFound)
            {
                // Events expire; this one starts anew.
            }
        }

        if (_written.Count >= Remembered)
            _written.Clear();
        var name = $"{entry.About.Name}.{now.UtcTicks:x}{Random.Shared.Next(0x1000):x3}";
        await client.CreateAsync(Kinds.Events, ns, new Event
        {
            Metadata = new ObjectMeta { Name = name, Namespace = ns },
            InvolvedObject = new ObjectReference { ApiVersion = entry.About.ApiVersion, Kind = entry.About.Kind, Namespace = entry.About.Namespace, Name = entry.About.Name, Uid = entry.About.Uid },
            Reason = entry.Reason,
            Message = entry.Message,
            Type = entry.IsWarning ? "Warning" : "Normal",
            Source = new EventSource { Component = component },
            FirstTimestamp = now,
            LastTimestamp = now,
            Count = 1,
        }, stop);
        _written[entry] = (name, 1);
    }

    private sealed record Entry(InvolvedObject About, bool IsWarning, string Reason, string Message);
}

/// <summary>Tells failures that pass from answers that stay.</summary>
internal static class ApiFailure
{
    /// <summary>Worth trying again: the server was not reached, was overloaded, or did not answer in time.</summary>
    public static bool IsTransient(Exception failure, CancellationToken stop) => !stop.IsCancellationRequested && failure switch
    {
        KubeApiException api => (int)api.StatusCode >= 500 || api.StatusCode is HttpStatusCode.TooManyRequests or HttpStatusCode.Unauthorized || api.IsConflict,
        HttpRequestException or IOException or OperationCanceledException => true,
        _ => false,
    };
}

using System.Text.Json.Nodes;
using System.Threading.Channels;

using Microsoft.Extensions.Logging;

using Portolan.Kubernetes.Client;
using Portolan.Kubernetes.Resources;

namespace Portolan.Lab.Nodes.Pods;

/// <summary>Tells the API what happens to pods, as a kubelet does. Nobody waits for it; what repeats is counted on one object.</summary>
internal sealed class EventRecorder(KubeClient client, string node, TimeProvider time, ILogger logger)
{
    private const int Remembered = 1024;
    private readonly Channel<(ObjectReference Subject, string Type, string Reason, string Message)> _queue =
        Channel.CreateBounded<(ObjectReference, string, string, string)>(new BoundedChannelOptions(1000) { FullMode = BoundedChannelFullMode.DropWrite });
    private readonly Dictionary<(string? Uid, string? Path, string Reason, string Message), (string Name, int Count)> _seen = [];
    private long _serial = time.GetUtcNow().UtcTicks;

    public void Normal(Pod pod, string? container, string reason, string message) => Tell(pod, container, "Normal", reason, message);

    public void Warning(Pod pod, string? container, string reason, string message) => Tell(pod, container, "Warning", reason, message);

    public void OfNode(string reason, string message) =>
        _queue.Writer.TryWrite((new ObjectReference { ApiVersion = "v1", Kind = "Node", Name = node, Uid = node }, "Normal", reason, message));

    private void Tell(Pod pod, string? container, string type, string reason, string message) => _queue.Writer.TryWrite((new ObjectReference
    {
        ApiVersion = "v1",
        Kind = "Pod",
        Namespace = pod.Namespace,
        Name = pod.Name,
        Uid = pod.Uid,
        FieldPath = container is null ? null : $"spec.containers{{{container}}}",
    }, type, reason, message));

    public async Task RunAsync(CancellationToken cancel)
    {
        await foreach (var (subject, type, reason, message) in _queue.Reader.ReadAllAsync(cancel).ConfigureAwait(false))
        {
            try
            {
                await SendAsync(subject, type, reason, message, cancel).ConfigureAwait(false);
            }
            catch (Exception lost) when (lost is KubeApiException or HttpRequestException or OperationCanceledException && !cancel.IsCancellationRequested)
            {
                // An event is news, not state: one that the server did not take is only lost.
                logger.LogDebug("event {Reason} of {Name} is lost: {Why}", reason, subject.Name, lost.Message);
            }
        }
    }

    private async Task SendAsync(ObjectReference subject, string type, string reason, string message, CancellationToken cancel)
    {
        var now = time.GetUtcNow();
        var key = (subject.Uid, subject.FieldPath, reason, message);
        var ns = subject.Namespace ?? "default";
        if (_seen.TryGetValue(key, out var earlier))
        {
            try
            {
                var patch = new JsonObject { ["count"] = earlier.Count + 1, ["lastTimestamp"] = now.UtcDateTime.ToString("yyyy-MM-dd'T'HH:mm:ss'Z'") };
                await client.PatchAsync(Kinds.Events, ns, earlier.Name, PatchKind.Merge, patch, null, cancel).ConfigureAwait(false);
                _seen[key] = (earlier.Name, earlier.Count + 1);
                return;
            }
            catch (KubeApiException gone) when (gone.IsNotFound)
            {
                _seen.Remove(key);
            }
        }
        if (_seen.Count >= Remembered)
            _seen.Clear();
        var name = $"{subject.Name}.{Interlocked.Increment(ref _serial):x16}";
        await client.CreateAsync(Kinds.Events, ns, new Event
        {
            Metadata = new ObjectMeta { Name = name, Namespace = ns },
            InvolvedObject = subject,
            Type = type,
            Reason = reason,
            Message = message,
            Source = new EventSource { Component = "kubelet", Host = node },
            FirstTimestamp = now,
            LastTimestamp = now,
            Count = 1,
        }, cancel).ConfigureAwait(false);
        _seen[key] = (name, 1);
    }
}

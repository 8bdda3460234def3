using System.Text.Json.Nodes;
using System.Threading.Channels;
using Microsoft.Extensions.Logging;
using Portolan.Controller;
using Portolan.Core.Cluster;
using Portolan.Hosting;
using Portolan.Kubernetes.Client;
using Portolan.Kubernetes.Resources;

namespace Portolan.Speaker.Layer2.Truth;

/// <summary>Writes the condition <see cref="Type"/> into the status of Services, in the background, the latest word only.</summary>
internal sealed class ConflictConditions(KubeClient client, TimeProvider time, ILogger log)
{
    /// <summary>True while somebody else claims an address of the Service.</summary>
    public const string Type = "portolan.dev/AddressConflict";

    private const int Most = 1024;

    private readonly Lock _gate = new();
    private readonly Dictionary<ObjectKey, (bool IsTrue, string Reason, string Message)> _wanted = [];
    private readonly Channel<bool> _signal = Channel.CreateBounded<bool>(new BoundedChannelOptions(1) { FullMode = BoundedChannelFullMode.DropWrite });

    /// <summary>Whether a Service's status says that there is a conflict.</summary>
    public static bool IsTrue(Service service) =>
        service.Status?.Conditions?.Exists(condition => condition is { Type: Type, Status: "True" }) ?? false;

    /// <summary>The condition is to be this.</summary>
    public void Want(ObjectKey service, bool isTrue, string reason, string message)
    {
        lock (_gate)
        {
            if (_wanted.Count == Most && !_wanted.ContainsKey(service))
                return;
            _wanted[service] = (isTrue, reason, message);
        }

        _signal.Writer.TryWrite(true);
    }

    /// <summary>Writes until the stop.</summary>
    public async Task RunAsync(CancellationToken stop)
    {
        var pauses = new BackOff(TimeSpan.FromMilliseconds(200), TimeSpan.FromSeconds(10));
        while (await _signal.Reader.WaitToReadAsync(stop))
        {
            _signal.Reader.TryRead(out _);
            while (Next() is { } next)
            {
                try
                {
                    await client.PatchAsync(Kinds.Services, next.Service.Namespace, next.Service.Name, PatchKind.StrategicMerge, Patch(next.IsTrue, next.Reason, next.Message), "status", stop);
                    pauses.Reset();
                }
                catch (Exception failure) when (ApiFailure.IsTransient(failure, stop))
                {
                    lock (_gate)
                        _wanted.TryAdd(next.Service, (next.IsTrue, next.Reason, next.Message));
                    await Task.Delay(pauses.Next(), time, stop);
                }
                catch (KubeApiException refusal)
                {
                    log.LogWarning("the condition {Type} of {Service} cannot be written: {Failure}", Type, next.Service, refusal.Message);
                }
            }
        }
    }

    private (ObjectKey Service, bool IsTrue, string Reason, string Message)? Next()
    {
        lock (_gate)
        {
            if (_wanted.Count == 0)
                return null;
            var (service, (isTrue, reason, message)) = _wanted.First();
            _wanted.Remove(service);
            return (service, isTrue, reason, message);
        }
    }

    private JsonObject Patch(bool isTrue, string reason, string message) => new()
    {
        ["status"] = new JsonObject
        {
            ["conditions"] = new JsonArray(new JsonObject
            {
                ["type"] = Type,
                ["status"] = isTrue ? "True" : "False",
                ["reason"] = reason,
                ["message"] = message,
                ["lastTransitionTime"] = time.GetUtcNow().UtcDateTime.ToString("yyyy-MM-dd'T'HH:mm:ss'Z'"),
            }),
        },
    };
}

using Microsoft.Extensions.Logging;

using Portolan.Kubernetes.Client;
using Portolan.Kubernetes.Resources;
using Portolan.Kubernetes.Watching;

namespace Portolan.Lab.Nodes.Pods;

/// <summary>Single objects that pods of this node are made of: each is watched once, for as long as a pod needs it.</summary>
internal sealed class FollowedObjects(KubeClient client, ILogger logger)
{
    private readonly Lock _gate = new();
    private readonly Dictionary<(string Kind, string Namespace, string Name), (List<Action> Listeners, CancellationTokenSource Stop)> _watched = [];

    /// <summary>Calls back on every change after the first state; until disposed.</summary>
    public IDisposable Follow(ResourceType<UntypedObject> type, string ns, string name, Action changed)
    {
        var key = (type.Kind, ns, name);
        lock (_gate)
        {
            if (!_watched.TryGetValue(key, out var watched))
            {
                _watched[key] = watched = ([], new CancellationTokenSource());
                _ = WatchAsync(key, type, watched.Stop.Token);
            }
            watched.Listeners.Add(changed);
        }
        return new Registration(() => Leave(key, changed));
    }

    private void Leave((string Kind, string Namespace, string Name) key, Action changed)
    {
        lock (_gate)
        {
            if (!_watched.TryGetValue(key, out var watched) || !watched.Listeners.Remove(changed) || watched.Listeners.Count > 0)
                return;
            _watched.Remove(key);
            watched.Stop.Cancel();
        }
    }

    private async Task WatchAsync((string Kind, string Namespace, string Name) key, ResourceType<UntypedObject> type, CancellationToken stop)
    {
        try
        {
            var reflector = new Reflector<UntypedObject>(client, type, key.Namespace, fieldSelector: $"metadata.name={key.Name}", logger: logger);
            await reflector.RunAsync(change =>
            {
                if (change.Kind is not ChangeKind.Synced)
                    Tell(key);
                return ValueTask.CompletedTask;
            }, stop).ConfigureAwait(false);
        }
        catch (OperationCanceledException) when (stop.IsCancellationRequested)
        {
            // No pod needs it any more.
        }
        catch (Exception mistake)
        {
            logger.LogError(mistake, "watch of {Kind} {Namespace}/{Name}", key.Kind, key.Namespace, key.Name);
        }
    }

    private void Tell((string Kind, string Namespace, string Name) key)
    {
        Action[] listeners;
        lock (_gate)
            listeners = _watched.TryGetValue(key, out var watched) ? [.. watched.Listeners] : [];
        foreach (var listener in listeners)
            listener();
    }

    private sealed class Registration(Action leave) : IDisposable
    {
        public void Dispose() => leave();
    }
}

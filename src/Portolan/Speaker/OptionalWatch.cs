using System.Net;
using Microsoft.Extensions.Logging;
using Portolan.Kubernetes.Client;
using Portolan.Kubernetes.Resources;
using Portolan.Kubernetes.Watching;

namespace Portolan.Speaker;

/// <summary>
/// Watches a kind that a cluster need not have, or need not let us read: then there is no such object, and nothing waits for one. It is asked for again
/// now and then.
/// </summary>
/// <param name="client">The API.</param>
/// <param name="type">The kind.</param>
/// <param name="ns">The namespace whose objects count.</param>
/// <param name="time">The clock.</param>
/// <param name="log">Told when objects may not be read.</param>
/// <param name="fieldSelector">Only those that it selects; null: all.</param>
internal sealed class OptionalWatch<T>(KubeClient client, ResourceType<T> type, string ns, TimeProvider time, ILogger log, string? fieldSelector = null)
    where T : class, IKubeObject
{
    private static readonly TimeSpan AskAgain = TimeSpan.FromSeconds(60);
    private readonly Reflector<T> _reflector = new(client, type, ns, fieldSelector: fieldSelector, timeProvider: time, logger: log);

    /// <summary>Reports changes until the stop.</summary>
    /// <param name="onChange">Takes each change; that the list is complete is reported too when there is none.</param>
    /// <param name="stop">Ends it.</param>
    public async Task RunAsync(Func<Change<T>, ValueTask> onChange, CancellationToken stop)
    {
        for (var first = true; !await IsReadableAsync(first, stop); first = false)
        {
            if (first)
                await onChange(new Change<T>(ChangeKind.Synced, default, null, null));
            await Task.Delay(AskAgain, time, stop);
        }

        await _reflector.RunAsync(onChange, stop);
    }

    private async Task<bool> IsReadableAsync(bool first, CancellationToken stop)
    {
        try
        {
            await client.RequestAsync(HttpMethod.Get, type.Path(ns) + "?limit=1" + (fieldSelector is null ? "" : $"&fieldSelector={Uri.EscapeDataString(fieldSelector)}"), ct: stop);
            return true;
        }
        catch (KubeApiException refused) when (refused.IsNotFound || refused.StatusCode is HttpStatusCode.Forbidden)
        {
            if (first && refused.IsNotFound)
                log.LogDebug("the API does not serve {Kind}: there are none", type.Kind);
            else if (first)
                log.LogWarning("{Kind} objects may not be read, and count as absent: {Reason}", type.Kind, refused.Message);
            return false;
        }
    }
}

using System.Net;
using Microsoft.Extensions.Logging;
using Portolan.Kubernetes.Client;
using Portolan.Kubernetes.Resources;
using Portolan.Kubernetes.Watching;

namespace Portolan.Speaker;

/// <summary>
/// Watches AnnouncementPolicies. Where the kind is not installed, or may not be read, there is no policy, and nothing waits for one: it is asked
/// for again now and then.
/// </summary>
/// <param name="client">The API.</param>
/// <param name="ns">The namespace whose objects count.</param>
/// <param name="time">The clock.</param>
/// <param name="log">Told when policies may not be read.</param>
internal sealed class PolicyWatch(KubeClient client, string ns, TimeProvider time, ILogger log)
{
    private static readonly TimeSpan AskAgain = TimeSpan.FromSeconds(60);
    private readonly Reflector<AnnouncementPolicyObject> _reflector = new(client, Kinds.AnnouncementPolicies, ns, timeProvider: time, logger: log);

    /// <summary>Reports changes until the stop.</summary>
    /// <param name="onChange">Takes each change; that the list is complete is reported too when there is none.</param>
    /// <param name="stop">Ends it.</param>
    public async Task RunAsync(Func<Change<AnnouncementPolicyObject>, ValueTask> onChange, CancellationToken stop)
    {
        for (var first = true; !await IsReadableAsync(first, stop); first = false)
        {
            if (first)
                await onChange(new Change<AnnouncementPolicyObject>(ChangeKind.Synced, default, null, null));
            await Task.Delay(AskAgain, time, stop);
        }

        await _reflector.RunAsync(onChange, stop);
    }

    private async Task<bool> IsReadableAsync(bool first, CancellationToken stop)
    {
        try
        {
            await client.RequestAsync(HttpMethod.Get, Kinds.AnnouncementPolicies.Path(ns) + "?limit=1", ct: stop);
            return true;
        }
        catch (KubeApiException refused) when (refused.IsNotFound || refused.StatusCode is HttpStatusCode.Forbidden)
        {
            if (first && refused.IsNotFound)
                log.LogDebug("the API does not serve {Kind}: there is no policy", Kinds.AnnouncementPolicies.Kind);
            else if (first)
                log.LogWarning("{Kind} objects may not be read, and count as absent: {Reason}", Kinds.AnnouncementPolicies.Kind, refused.Message);
            return false;
        }
    }
}

using Microsoft.Extensions.Logging;
using Portolan.Core.Configuration;
using Portolan.Hosting;
using Portolan.Kubernetes.Client;
using Portolan.Kubernetes.Resources;
using Portolan.Kubernetes.Watching;

namespace Portolan.Controller;

/// <summary>
/// Watches what the controller judges besides the pools. None of it delays an address: a kind that the API does not let us read (an
/// installation of an older MetalLB, or its rights) is named and asked for again now and then.
/// </summary>
/// <param name="host">Supervises the watches.</param>
/// <param name="client">The API.</param>
/// <param name="ns">The namespace whose objects count.</param>
/// <param name="state">What hears of it, on the controller's loop.</param>
/// <param name="enqueue">Puts something on the controller's loop.</param>
/// <param name="log">Told of kinds that cannot be read.</param>
internal sealed class ConfigurationWatches(
    RoleHost host, KubeClient client, string ns, ControllerState state, Func<Func<Consequences>, CancellationToken, ValueTask> enqueue, ILogger log)
{
    private static readonly TimeSpan AskAgain = TimeSpan.FromSeconds(30);
    private static readonly TimeSpan LookAtSecrets = TimeSpan.FromMinutes(1);

    // Raised when a BGPPeer came or changed: its Secret is looked up at once.
    private volatile TaskCompletionSource _peersChanged = new(TaskCreationOptions.RunContinuationsAsynchronously);

    /// <summary>Adds the watches to the host.</summary>
    /// <param name="onReportDeleted">Called when somebody deletes the ConfigurationState that says the outcome.</param>
    public void Supervise(Action onReportDeleted)
    {
        Watch(Kinds.L2Advertisements, ns, state.On);
        Watch(Kinds.BGPAdvertisements, ns, change => state.On(Kinds.BGPAdvertisements, change, found => found.ToSpec()));
        Watch(Kinds.BGPPeers, ns, change =>
        {
            _peersChanged.TrySetResult();
            return state.On(Kinds.BGPPeers, change, found => found.ToSpec());
        });
        Watch(Kinds.BFDProfiles, ns, change => state.On(Kinds.BFDProfiles, change, found => found.ToSpec()));
        Watch(Kinds.Communities, ns, change => state.On(Kinds.Communities, change, found => found.ToSpec()));
        Watch(Kinds.AnnouncementPolicies, ns, change => state.On(Kinds.AnnouncementPolicies, change, found => found.ToSpec()));
        Watch(Kinds.BGPPolicies, ns, change => state.On(Kinds.BGPPolicies, change, found => found.ToSpec()));
        Watch(Kinds.NodeLabels, null, state.On);
        Watch(Kinds.ConfigurationStates, ns, change =>
        {
            if (change.Kind is ChangeKind.Deleted)
                onReportDeleted();
            return Consequences.None;
        }, fieldSelector: $"metadata.name={ConfigurationReporter.Name}");
        host.Supervise("password-secrets", LookUpSecretsAsync);
    }

    private void Watch<T>(ResourceType<T> type, string? within, Func<Change<T>, Consequences> onChange, string? fieldSelector = null)
        where T : class, IKubeObject
    {
        var reflector = new Reflector<T>(client, type, within, fieldSelector: fieldSelector, timeProvider: host.Time, logger: log);
        host.Supervise("watch-" + type.Plural, async stop =>
        {
            await UntilReadableAsync(type, within, stop);
            await reflector.RunAsync(change => enqueue(() => onChange(change), stop), stop);
        });
    }

    private async Task UntilReadableAsync<T>(ResourceType<T> type, string? within, CancellationToken stop)
        where T : class, IKubeObject
    {
        for (var first = true; ; first = false)
        {
            try
            {
                await client.RequestAsync(HttpMethod.Get, type.Path(within) + "?limit=1", ct: stop);
                return;
            }
            catch (KubeApiException refused) when (refused.IsNotFound || refused.StatusCode is System.Net.HttpStatusCode.Forbidden)
            {
                var why = refused.IsNotFound ? $"the API does not serve {type.Plural} of {type.ApiVersion}" : refused.Message;
                // A cluster that has not got our own kind misses nothing.
                var isMissing = type.Group != Kinds.AnnouncementPolicies.Group || !refused.IsNotFound;
                if (first && isMissing)
                    log.LogWarning("{Kind} objects cannot be read: {Reason}; addresses are served without them", type.Kind, why);
                if (isMissing && type.Plural != Kinds.ConfigurationStates.Plural)
                    await enqueue(() => state.CannotRead(type.Plural, why), stop);
            }

            await Task.Delay(AskAgain, host.Time, stop);
        }
    }

    // Secrets are looked at, not watched: few peers have one, and what else is in them is none of the controller's business.
    private async Task LookUpSecretsAsync(CancellationToken stop)
    {
        while (true)
        {
            var changed = _peersChanged = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            var names = new TaskCompletionSource<IReadOnlyCollection<string>>(TaskCreationOptions.RunContinuationsAsynchronously);
            await enqueue(
                () =>
                {
                    names.SetResult(state.Configuration.Objects.All<BgpPeerSpec>().Select(peer => peer.PasswordSecret).Where(name => name.Length > 0).ToHashSet(StringComparer.Ordinal));
                    return Consequences.None;
                },
                stop);
            var found = new Dictionary<string, SecretFacts?>(StringComparer.Ordinal);
            foreach (var name in await names.Task.WaitAsync(stop))
            {
                try
                {
                    found[name] = (await client.FindAsync(Kinds.Secrets, ns, name, stop))?.ToFacts();
                }
                catch (KubeApiException refused) when (refused.StatusCode is System.Net.HttpStatusCode.Forbidden)
                {
                    // Whether it exists is for those to say who may read it.
                    log.LogDebug("Secret {Secret} may not be read: {Reason}", name, refused.Message);
                }
            }

            await enqueue(() => state.OnSecrets(found), stop);
            try
            {
                await changed.Task.WaitAsync(LookAtSecrets, host.Time, stop);
            }
            catch (TimeoutException)
            {
                // Nobody touched a peer: but somebody may have made or deleted a Secret.
            }
        }
    }
}

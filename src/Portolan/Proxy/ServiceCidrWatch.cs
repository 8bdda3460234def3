using System.Net;
using Microsoft.Extensions.Logging;
using Portolan.Core.Addresses;
using Portolan.Core.Cluster;
using Portolan.Kubernetes.Client;
using Portolan.Kubernetes.Resources;
using Portolan.Kubernetes.Watching;

namespace Portolan.Proxy;

/// <summary>
/// Watches the cluster's ranges for ClusterIPs (ServiceCIDR objects). Nothing waits for it: an API server before Kubernetes 1.33 has no such
/// kind, and a role from before may not read it; then addresses that no Service has are left to whoever routes them.
/// </summary>
/// <param name="client">The API.</param>
/// <param name="time">The clock of the pauses.</param>
/// <param name="log">Told of what cannot be read.</param>
/// <param name="tell">Hears of all ranges once they were listed, and again whenever an object comes, goes or changes.</param>
internal sealed class ServiceCidrWatch(KubeClient client, TimeProvider time, ILogger log, Func<ProxyEvent, CancellationToken, ValueTask> tell)
{
    /// <summary>An API server gets the kind by an upgrade, and a role by another installation.</summary>
    internal static readonly TimeSpan AskAgain = TimeSpan.FromMinutes(10);

    private readonly Reflector<ServiceCIDR> _objects = new(client, Kinds.ServiceCIDRs, timeProvider: time, logger: log, keepsObjects: false);
    private readonly SortedDictionary<string, IReadOnlyList<IpPrefix>> _ranges = new(StringComparer.Ordinal);
    private bool _listed;

    /// <summary>Runs until cancelled.</summary>
    internal async Task RunAsync(CancellationToken stop)
    {
        await UntilReadableAsync(stop);
        await _objects.RunAsync(change => TakeAsync(change, stop), stop);
    }

    private async Task UntilReadableAsync(CancellationToken stop)
    {
        for (var first = true; ; first = false)
        {
            try
            {
                await client.RequestAsync(HttpMethod.Get, Kinds.ServiceCIDRs.Path(null) + "?limit=1", ct: stop);
                return;
            }
            catch (KubeApiException refused) when (refused.IsNotFound || refused.StatusCode is HttpStatusCode.Forbidden)
            {
                if (first && refused.IsNotFound)
                    log.LogInformation("the API does not serve ServiceCIDR (Kubernetes 1.33): packets to ClusterIPs that no Service has are not dropped");
                else if (first)
                    log.LogWarning("ServiceCIDR objects may not be read: packets to ClusterIPs that no Service has are not dropped: {Reason}", refused.Message);
            }

            await Task.Delay(AskAgain, time, stop);
        }
    }

    private ValueTask TakeAsync(Change<ServiceCIDR> change, CancellationToken stop)
    {
        if (change.Kind is ChangeKind.Synced)
            _listed = true;
        else if (change.New is { } range)
            _ranges[change.Key.Name] = Read(range);
        else
            _ranges.Remove(change.Key.Name);
        return _listed ? tell(new ProxyEvent.ServiceCidrsSet([.. _ranges.Values.SelectMany(ranges => ranges).Distinct()]), stop) : ValueTask.CompletedTask;
    }

    // An object on its way out counts until it is gone, ready or not: Services may still have addresses of it.
    private IReadOnlyList<IpPrefix> Read(ServiceCIDR range)
    {
        var errors = new List<FieldError>();
        var prefixes = range.ToPrefixes(errors);
        foreach (var error in errors)
            log.LogWarning("ServiceCIDR {Name}: {Error}; it is ignored", range.Metadata.Name, error);
        return prefixes;
    }
}

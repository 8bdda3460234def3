using System.Threading.Channels;
using Microsoft.Extensions.Logging;
using Portolan.Hosting;
using Portolan.Kubernetes.Client;
using Portolan.Kubernetes.Resources;
using Portolan.Kubernetes.Watching;

namespace Portolan.Controller;

/// <summary>
/// Watches the kinds of portolan.dev, and the clock for the reservations that end. Where the kinds are not installed nothing is missing:
/// they are asked for again now and then. Nodes are watched only once a policy guards pools against them.
/// </summary>
/// <param name="host">Supervises the watches.</param>
/// <param name="client">The API.</param>
/// <param name="ns">The namespace whose objects count.</param>
/// <param name="state">What hears of it, on the controller's loop.</param>
/// <param name="writer">Knows which deletions were ours.</param>
/// <param name="leadership">The first word about it is awaited, so that a replica that leads lists once.</param>
/// <param name="enqueue">Puts something on the controller's loop.</param>
/// <param name="log">Told of kinds that may not be read.</param>
internal sealed class PolicyWatches(
    RoleHost host, KubeClient client, string ns, ControllerState state, ReservationWriter writer, Leadership leadership, Func<Func<Consequences>, CancellationToken, ValueTask> enqueue, ILogger log)
{
    private static readonly TimeSpan AskAgain = TimeSpan.FromSeconds(60);
    private static readonly TimeSpan LongestPause = TimeSpan.FromHours(1);
    private readonly TaskCompletionSource _guarded = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly Channel<bool> _endChanged = Channel.CreateBounded<bool>(new BoundedChannelOptions(1) { FullMode = BoundedChannelFullMode.DropWrite });
    private readonly Reflector<ReservationObject> _reservations = new(client, Kinds.AddressReservations, ns, timeProvider: host.Time, logger: log);
    private long _nextEnd = long.MaxValue;
    private volatile bool _hasReservations;

    /// <summary>Adds the watches to the host.</summary>
    public void Supervise()
    {
        state.Await(Kinds.AddressPoolPolicies.Plural);
        state.Await(Kinds.AddressReservations.Plural);
        var policies = new Reflector<PolicyObject>(client, Kinds.AddressPoolPolicies, ns, timeProvider: host.Time, logger: log);
        host.Supervise("watch-" + Kinds.AddressPoolPolicies.Plural, async stop =>
        {
            await UntilReadableAsync(Kinds.AddressPoolPolicies, ns, stop);
            await policies.RunAsync(change => enqueue(() => Noticed(state.On(change)), stop), stop);
        });
        host.Supervise("watch-" + Kinds.AddressReservations.Plural, async stop =>
        {
            await leadership.FirstVerdictAsync(stop);
            await UntilReadableAsync(Kinds.AddressReservations, ns, stop);
            _hasReservations = true;
            await _reservations.RunAsync(change => enqueue(() => state.On(change, change.Kind is ChangeKind.Deleted && writer.WasOurs(change.Key.Name)), stop), stop);
        });
        host.Supervise("watch-guarded-nodes", async stop =>
        {
            await _guarded.Task.WaitAsync(stop);
            await UntilReadableAsync(Kinds.Nodes, null, stop);
            await new Reflector<Node>(client, Kinds.Nodes, timeProvider: host.Time, logger: log).RunAsync(change => enqueue(() => state.On(change), stop), stop);
        });
        host.Supervise("reservation-ends", WatchTheClockAsync);
    }

    /// <summary>What the last leader wrote is heard before anything is decided.</summary>
    public async Task RefreshAsync(CancellationToken term)
    {
        if (!_hasReservations)
            return;
        try
        {
            await client.RequestAsync(HttpMethod.Get, Kinds.AddressReservations.Path(ns) + "?limit=1", ct: term);
        }
        catch (KubeApiException gone) when (gone.IsNotFound)
        {
            // The kind was taken away: there is nothing to hear.
            return;
        }

        await _reservations.RefreshAsync(term);
    }

    /// <summary>Called on the loop, after anything was decided.</summary>
    public void Publish(long? nextEnd)
    {
        var end = nextEnd ?? long.MaxValue;
        if (Interlocked.Exchange(ref _nextEnd, end) != end)
            _endChanged.Writer.TryWrite(true);
    }

    private Consequences Noticed(Consequences consequences)
    {
        if (state.Allocator.WatchesNodes)
            _guarded.TrySetResult();
        return consequences;
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
                if (first && refused.IsNotFound)
                    log.LogDebug("the API does not serve {Kind}: nothing of it is asked for", type.Kind);
                else if (first)
                    log.LogWarning("{Kind} objects may not be read, and count as absent: {Reason}", type.Kind, refused.Message);
                await enqueue(() => state.Listed(type.Plural), stop);
            }

            await Task.Delay(AskAgain, host.Time, stop);
        }
    }

    private async Task WatchTheClockAsync(CancellationToken stop)
    {
        while (true)
        {
            var end = Interlocked.Read(ref _nextEnd);
            var pause = end == long.MaxValue ? LongestPause : DateTimeOffset.FromUnixTimeSeconds(end) - host.Time.GetUtcNow();
            if (pause <= TimeSpan.Zero)
            {
                // The loop tells the allocator how late it is before it does anything.
                await enqueue(() => Consequences.None, stop);
                pause = TimeSpan.FromSeconds(1);
            }

            try
            {
                await _endChanged.Reader.WaitToReadAsync(stop).AsTask().WaitAsync(pause < LongestPause ? pause : LongestPause, host.Time, stop);
                _endChanged.Reader.TryRead(out _);
            }
            catch (TimeoutException)
            {
                // It is time, or worth another look.
            }
        }
    }
}

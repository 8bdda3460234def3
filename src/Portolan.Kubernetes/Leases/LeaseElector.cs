using System.Threading.Channels;
using Microsoft.Extensions.Logging;
using Portolan.Kubernetes.Client;
using Portolan.Kubernetes.Resources;
using Portolan.Kubernetes.Watching;

namespace Portolan.Kubernetes.Leases;

/// <summary>
/// Carries out what <see cref="LeaseElection"/> decides. A leader writes once every retry period and watches nothing; a follower watches
/// the lease and writes nothing. Where the watch does not work, the follower finds out what it missed by trying when its patience ends.
/// </summary>
/// <param name="client">The API.</param>
/// <param name="ns">The lease's namespace.</param>
/// <param name="name">The lease's name.</param>
/// <param name="identity">Ours, unlike any other replica's.</param>
/// <param name="timing">The times.</param>
/// <param name="fence">Opened and closed here.</param>
/// <param name="time">The clock.</param>
/// <param name="log">Told who leads, and why nobody does.</param>
public sealed class LeaseElector(KubeClient client, string ns, string name, string identity, LeaseTiming timing, WriteFence fence, TimeProvider time, ILogger log)
{
    private static readonly TimeSpan _drainPatience = TimeSpan.FromSeconds(1);
    private readonly LeaseElection _election = new(identity, timing);
    private readonly Channel<Lease?> _seen = Channel.CreateBounded<Lease?>(new BoundedChannelOptions(16) { SingleReader = true });
    private readonly TaskCompletionSource _firstVerdict = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly long _origin = time.GetTimestamp();
    private string _told = "";
    private volatile bool _leads;

    /// <summary>Whether this replica leads.</summary>
    public bool IsLeading => _leads;

    /// <summary>Completes when it is known for the first time whether we lead, or that it cannot be known now.</summary>
    public Task FirstVerdict => _firstVerdict.Task;

    /// <summary>Contends for the lease until the stop; then gives it back, if we have it, after the last write has been answered.</summary>
    /// <param name="lead">Called, and not waited for, when we begin to lead; its token is cancelled when that ends.</param>
    /// <param name="stepDown">Called when we no longer lead, after <paramref name="lead"/> has returned and before we contend again. Not called at the stop.</param>
    /// <param name="stop">Ends it.</param>
    public async Task RunAsync(Func<CancellationToken, Task> lead, Func<Task> stepDown, CancellationToken stop)
    {
        try
        {
            while (true)
            {
                await FollowAsync(stop).ConfigureAwait(false);
                try
                {
                    await LeadAsync(lead, stop).ConfigureAwait(false);
                }
                finally
                {
                    if (!stop.IsCancellationRequested)
                        await stepDown().ConfigureAwait(false);
                }
            }
        }
        finally
        {
            _firstVerdict.TrySetResult();
            fence.Close();
            if (_leads)
                await ReleaseAsync().ConfigureAwait(false);
            _leads = false;
        }
    }

    private TimeSpan Now => time.GetElapsedTime(_origin);

    // Returns when we have the lease.
    private async Task FollowAsync(CancellationToken stop)
    {
        using var watching = CancellationTokenSource.CreateLinkedTokenSource(stop);
        Task watch = Task.CompletedTask;
        try
        {
            while (!_election.IsLeading)
            {
                var step = _election.Next(Now);
                if (step.Act is LeaseAct.Wait && _election.Seen is not null && watch.IsCompleted)
                    watch = WatchAsync(watching.Token);
                await TakeAsync(step, stop).ConfigureAwait(false);
                Tell();
            }
        }
        finally
        {
            await watching.CancelAsync().ConfigureAwait(false);
            await watch.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            while (_seen.Reader.TryRead(out _))
            {
                // What the watch saw before we took the lease is older than what we wrote.
            }
        }
    }

    // Returns when we have it no more.
    private async Task LeadAsync(Func<CancellationToken, Task> lead, CancellationToken stop)
    {
        log.LogInformation("leads: took the Lease {Lease}", $"{ns}/{name}");
        _told = "";
        _leads = true;
        OpenFence();
        _firstVerdict.TrySetResult();
        using var term = CancellationTokenSource.CreateLinkedTokenSource(stop);
        var work = lead(term.Token);
        try
        {
            while (_election.IsLeading)
            {
                await TakeAsync(_election.Next(Now), stop).ConfigureAwait(false);
                OpenFence();
                if (work.IsFaulted)
                    await work.ConfigureAwait(false);
            }
        }
        finally
        {
            fence.Close();
            await term.CancelAsync().ConfigureAwait(false);
            await work.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }

        _leads = false;
        log.LogWarning("leads no more: {Why}", _election.Holder.Length > 0 && _election.Holder != identity ? $"the Lease {ns}/{name} is held by {_election.Holder}" : $"the Lease {ns}/{name} could not be renewed within {timing.RenewDeadline.TotalSeconds:0.###} s");
    }

    private void OpenFence()
    {
        if (_election.LeadsUntil is { } until)
            fence.OpenUntil(_origin + (long)(until.TotalSeconds * time.TimestampFrequency));
        else
            fence.Close();
    }

    private async Task TakeAsync(LeaseStep step, CancellationToken stop)
    {
        if (step.Act is LeaseAct.Wait)
        {
            await WaitAsync(step.Until, stop).ConfigureAwait(false);
            return;
        }

        var sentAt = Now;
        using var deadline = new CancellationTokenSource(step.Until > sentAt ? step.Until - sentAt : TimeSpan.Zero, time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(deadline.Token, stop);
        try
        {
            switch (step.Act)
            {
                case LeaseAct.Read:
                    _election.Observe(await client.FindAsync(Kinds.Leases, ns, name, either.Token).ConfigureAwait(false), Now);
                    break;
                case LeaseAct.Create:
                    _election.Written(await client.CreateAsync(Kinds.Leases, ns, _election.Ours(ns, name, time.GetUtcNow()), either.Token).ConfigureAwait(false), sentAt);
                    break;
                default:
                    _election.Written(await client.ReplaceAsync(Kinds.Leases, _election.Ours(ns, name, time.GetUtcNow()), ct: either.Token).ConfigureAwait(false), sentAt);
                    break;
            }
        }
        catch (KubeApiException raced) when (raced.IsConflict || raced.IsAlreadyExists || (raced.IsNotFound && step.Act is LeaseAct.Update))
        {
            _election.Conflicted(Now);
        }
        catch (Exception failure) when (failure is KubeApiException or HttpRequestException or IOException or System.Text.Json.JsonException || (failure is OperationCanceledException && !stop.IsCancellationRequested))
        {
            _election.Failed(Now);
            TellFailure(step.Act, failure);
        }
    }

    // Until a moment, or until the watch has something to say.
    private async Task WaitAsync(TimeSpan until, CancellationToken stop)
    {
        var left = until - Now;
        if (left <= TimeSpan.Zero)
            return;
        using var deadline = new CancellationTokenSource(left, time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(deadline.Token, stop);
        try
        {
            _election.Observe(await _seen.Reader.ReadAsync(either.Token).ConfigureAwait(false), Now);
        }
        catch (OperationCanceledException) when (!stop.IsCancellationRequested)
        {
            // The moment has come.
        }
    }

    private Task WatchAsync(CancellationToken stop)
    {
        var reflector = new Reflector<Lease>(client, Kinds.Leases, ns, fieldSelector: $"metadata.name={name}", timeProvider: time, logger: log);
        return reflector.RunAsync(change => change.Kind is ChangeKind.Synced ? ValueTask.CompletedTask : _seen.Writer.WriteAsync(change.New, stop), stop);
    }

    // A write that is on its way is waited for: the next leader lists as soon as it sees the release, and must find its outcome.
    private async Task ReleaseAsync()
    {
        using var patience = new CancellationTokenSource(_drainPatience, time);
        try
        {
            await fence.DrainAsync(patience.Token).ConfigureAwait(false);
            var released = _election.Ours(ns, name, time.GetUtcNow());
            released.Spec!.HolderIdentity = "";
            released.Spec.LeaseDurationSeconds = 1;
            _election.Released(await client.ReplaceAsync(Kinds.Leases, released, ct: patience.Token).ConfigureAwait(false), Now);
            log.LogInformation("gave the Lease {Lease} back", $"{ns}/{name}");
        }
        catch (Exception failure) when (failure is KubeApiException or HttpRequestException or IOException or OperationCanceledException or System.Text.Json.JsonException)
        {
            log.LogWarning("the Lease {Lease} could not be given back and runs out by itself: {Message}", $"{ns}/{name}", failure.Message);
        }
    }

    private void Tell()
    {
        if (_election.IsLeading || _election.Holder.Length == 0 || _told == _election.Holder)
            return;
        _told = _election.Holder;
        log.LogInformation("follows: the Lease {Lease} is held by {Holder}", $"{ns}/{name}", _told);
        _firstVerdict.TrySetResult();
    }

    private void TellFailure(LeaseAct act, Exception failure)
    {
        _firstVerdict.TrySetResult();
        if (_told == failure.Message)
            return;
        _told = failure.Message;
        var reason = failure is OperationCanceledException ? "no answer in time" : failure.Message;
        if (_election.LeadsUntil is { } until)
            log.LogWarning("the Lease {Lease} was not renewed, {LeftMs} ms are left: {Reason}", $"{ns}/{name}", (long)(until - Now).TotalMilliseconds, reason);
        else
            log.LogWarning("the Lease {Lease} cannot be {Act}, and without it nothing is decided here; trying on (a single replica can do without: --leader-elect=false): {Reason}",
                $"{ns}/{name}", act is LeaseAct.Read ? "read" : act is LeaseAct.Create ? "created" : "written", reason);
    }
}

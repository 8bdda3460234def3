using System.Diagnostics.Metrics;
using Portolan.Kubernetes.Leases;

namespace Portolan.Controller;

/// <summary>Whether this replica leads, for everything in it that only a leader does.</summary>
internal sealed class Leadership
{
    private readonly Lock _gate = new();
    private readonly LeaseElector? _elector;
    private Term _term = new();

    private Leadership(LeaseElector? elector, WriteFence fence) => (_elector, Fence) = (elector, fence);

    /// <summary>What every write of Service status passes.</summary>
    public WriteFence Fence { get; }

    /// <summary>There is no election: this is the only replica, somebody says.</summary>
    public bool IsAlone => _elector is null;

    /// <summary>The only replica.</summary>
    public static Leadership Alone(TimeProvider time)
    {
        var alone = new Leadership(null, WriteFence.AlwaysOpen(time));
        alone._term.Began.SetResult(CancellationToken.None);
        return alone;
    }

    /// <summary>One of several replicas.</summary>
    /// <param name="elector">Contends for the lease.</param>
    /// <param name="fence">The fence it opens and closes.</param>
    /// <param name="name">The lease's name, in the metric.</param>
    /// <param name="meter">Where <c>leader_election_master_status</c>, client-go's name for it, is added.</param>
    public static Leadership By(LeaseElector elector, WriteFence fence, string name, Meter meter)
    {
        meter.CreateObservableGauge(
            "leader_election_master_status", () => new Measurement<int>(elector.IsLeading ? 1 : 0, new KeyValuePair<string, object?>("name", name)), description: "1 on the replica that leads, otherwise 0.");
        return new Leadership(elector, fence);
    }

    /// <summary>Completes when it is known for the first time who leads, or that it cannot be known now.</summary>
    public Task FirstVerdictAsync(CancellationToken stop) => _elector?.FirstVerdict.WaitAsync(stop) ?? Task.CompletedTask;

    /// <summary>Contends until the stop. See <see cref="LeaseElector.RunAsync"/>.</summary>
    public async Task RunAsync(Func<CancellationToken, Task> takeOver, Func<Task> stepDown, CancellationToken stop)
    {
        if (_elector is null)
            return;
        await _elector.RunAsync(
            term =>
            {
                lock (_gate)
                    _term.Began.TrySetResult(term);
                return takeOver(term);
            },
            () =>
            {
                Term over;
                lock (_gate)
                    (over, _term) = (_term, new Term());
                over.Ended.SetResult();
                return stepDown();
            },
            stop);
    }

    /// <summary>Does something whenever, and as long as, this replica leads; returns when it is finished.</summary>
    public async Task WhileLeadingAsync(Func<CancellationToken, Task> work, CancellationToken stop)
    {
        while (true)
        {
            Term term;
            lock (_gate)
                term = _term;
            var token = await term.Began.Task.WaitAsync(stop);
            using var both = CancellationTokenSource.CreateLinkedTokenSource(token, stop);
            try
            {
                await work(both.Token);
                return;
            }
            catch (OperationCanceledException) when (token.IsCancellationRequested && !stop.IsCancellationRequested)
            {
                await term.Ended.Task.WaitAsync(stop);
            }
            catch (NotLeadingException)
            {
                // The lease could have run out. Either the term is about to end, or a late renewal continues it.
                await Task.Delay(TimeSpan.FromMilliseconds(100), stop);
            }
        }
    }

    private sealed class Term
    {
        public TaskCompletionSource<CancellationToken> Began { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public TaskCompletionSource Ended { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);
    }
}

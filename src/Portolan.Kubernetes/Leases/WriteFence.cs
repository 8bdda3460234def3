namespace Portolan.Kubernetes.Leases;

/// <summary>A write was refused here, before it left: this process does not lead, or cannot be sure that it still does.</summary>
public sealed class NotLeadingException() : Exception("this replica does not lead");

/// <summary>
/// What every write of a leader passes. It is open up to a moment of this process's monotonic clock; a request that is let through
/// is given up at that moment at the latest. Thread-safe.
/// <para>
/// What no client can rule out is a request that was given up here and is executed late over there. Every status is therefore written over
/// a named resource version, and a Service that shows an address its new leader gave to another is put right by that leader.
/// </para>
/// </summary>
public sealed class WriteFence
{
    private readonly Lock _gate = new();
    private readonly TimeProvider _time;
    private readonly bool _always;
    private long _until;
    private int _inside;
    private TaskCompletionSource? _empty;

    /// <summary>A fence that is closed.</summary>
    public WriteFence(TimeProvider time)
        : this(time, false)
    {
    }

    private WriteFence(TimeProvider time, bool always) => (_time, _always) = (time, always);

    /// <summary>A fence for a replica that is the only one.</summary>
    public static WriteFence AlwaysOpen(TimeProvider time) => new(time, true);

    /// <summary>Open up to a moment of <see cref="TimeProvider.GetTimestamp"/>.</summary>
    public void OpenUntil(long timestamp)
    {
        lock (_gate)
            _until = timestamp;
    }

    /// <summary>Lets no further write out. Those under way go on to their own end.</summary>
    public void Close()
    {
        lock (_gate)
            _until = 0;
    }

    /// <summary>Sends a write, with a token that ends it when the fence could have closed.</summary>
    /// <exception cref="NotLeadingException">The fence is closed.</exception>
    public async Task<T> WriteAsync<T>(Func<CancellationToken, Task<T>> write)
    {
        if (_always)
            return await write(CancellationToken.None).ConfigureAwait(false);
        var remaining = Enter();
        try
        {
            using var deadline = new CancellationTokenSource(remaining, _time);
            return await write(deadline.Token).ConfigureAwait(false);
        }
        finally
        {
            Leave();
        }
    }

    /// <summary>Completes when no write is under way.</summary>
    public Task DrainAsync(CancellationToken stop)
    {
        lock (_gate)
            return _inside == 0 ? Task.CompletedTask : (_empty ??= new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously)).Task.WaitAsync(stop);
    }

    private TimeSpan Enter()
    {
        lock (_gate)
        {
            var remaining = _until == 0 ? TimeSpan.Zero : Positive(_time.GetElapsedTime(_time.GetTimestamp(), _until));
            if (remaining == TimeSpan.Zero)
                throw new NotLeadingException();
            _inside++;
            return remaining;
        }
    }

    private void Leave()
    {
        TaskCompletionSource? empty = null;
        lock (_gate)
            if (--_inside == 0)
                (empty, _empty) = (_empty, null);
        empty?.SetResult();
    }

    private static TimeSpan Positive(TimeSpan time) => time > TimeSpan.Zero ? time : TimeSpan.Zero;
}

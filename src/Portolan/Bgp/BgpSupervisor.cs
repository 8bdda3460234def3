using Microsoft.Extensions.Logging;
using Portolan.Linux.Sockets;
using Portolan.Protocols.Bgp.Wire;

namespace Portolan.Bgp;

/// <summary>
/// Keeps BGP going: runs a <see cref="BgpLoop"/>, and should that fail as a whole, another one after a pause. Nothing of the failed one is used again: who wants
/// things of the loop says them all anew. The sessions are lost by it (peers with graceful restart keep the routes), and nothing beyond BGP notices.
/// </summary>
/// <param name="make">Makes a loop.</param>
/// <param name="onAnother">Called on the running thread whenever <see cref="Loop"/> is another one, from the first on, or none. It must not wait.</param>
/// <param name="log">Told of failures.</param>
internal sealed class BgpSupervisor(Func<BgpLoop> make, Action onAnother, ILogger log) : IDisposable
{
    private readonly Lock _gate = new();
    private readonly ManualResetEventSlim _stopped = new();
    private BgpLoop? _loop;
    private long _failures;

    /// <summary>The loop; null before the first, and while a failed one has no successor. What is told to one that has failed is lost. Any thread.</summary>
    public BgpLoop? Loop
    {
        get
        {
            lock (_gate)
                return _loop;
        }
    }

    /// <summary>How often a loop has failed. Any thread.</summary>
    public long Failures => Interlocked.Read(ref _failures);

    /// <summary>Runs on the calling thread, in its network namespace, until <see cref="Stop"/>.</summary>
    public void Run()
    {
        var faults = Faults.None;
        do
        {
            try
            {
                if (Begun() is not { } loop)
                    return;
                loop.Run();
                return;
            }
            catch (Exception failure)
            {
                faults = faults.Another(DeadlineWait.Now);
                Interlocked.Exchange(ref _failures, faults.Count);
                log.LogError(failure, "bgp: the loop failed: all connections are closed, and begun anew in {Seconds} s", faults.Pause / 1_000_000);
                PutAway();
            }
        }
        while (!_stopped.Wait(TimeSpan.FromMicroseconds(faults.Pause)));
    }

    /// <summary>Ends the loop as <see cref="BgpLoop.Stop"/> does, and <see cref="Run"/> with it. Any thread.</summary>
    public void Stop(Func<NeighborSettings, BgpError?> farewell)
    {
        lock (_gate)
        {
            _stopped.Set();
            _loop?.Stop(farewell);
        }
    }

    public void Dispose()
    {
        _loop?.Dispose();
        _stopped.Dispose();
    }

    private BgpLoop? Begun()
    {
        lock (_gate)
        {
            if (_loop is not null)
                return _loop;
            if (_stopped.IsSet)
                return null;
            _loop = make();
        }

        onAnother();
        return _loop;
    }

    private void PutAway()
    {
        BgpLoop? failed;
        lock (_gate)
            (failed, _loop) = (_loop, null);
        onAnother();
        try
        {
            failed?.Dispose();
        }
        catch (Exception failure)
        {
            log.LogError(failure, "bgp: the loop that failed could not be put away");
        }
    }
}

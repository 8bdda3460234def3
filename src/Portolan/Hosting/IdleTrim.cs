namespace Portolan.Hosting;

/// <summary>
/// Gives memory back after a burst of work. A collector grows its budget to the processor's caches, which on a server are hundreds of megabytes,
/// and collects nothing while nothing is allocated: what a burst left would stay resident for as long as the cluster is quiet.
/// </summary>
/// <param name="time">The clock.</param>
/// <param name="worthWhile">Bytes allocated since the last time that make another worth its pause.</param>
internal sealed class IdleTrim(TimeProvider time, long worthWhile = 8 << 20)
{
    private static readonly TimeSpan Look = TimeSpan.FromSeconds(5);

    // Probes, scrapes, leases and paced events allocate less than that in that time.
    private const long Quiet = 8 << 20;

    // A collection stops the process for 10 to 20 ms: not worth it often.
    private static readonly TimeSpan Apart = TimeSpan.FromMinutes(1);

    /// <summary>Looks on until the stop.</summary>
    public async Task RunAsync(CancellationToken stop)
    {
        var (last, trimmed, at) = (GC.GetTotalAllocatedBytes(), 0L, (long?)null);
        while (true)
        {
            await Task.Delay(Look, time, stop);
            var now = GC.GetTotalAllocatedBytes();
            if (now - last < Quiet && now - trimmed > worthWhile && (at is null || time.GetElapsedTime(at.Value) > Apart))
            {
                GC.Collect(GC.MaxGeneration, GCCollectionMode.Aggressive, blocking: true, compacting: true);
                (trimmed, at) = (GC.GetTotalAllocatedBytes(), time.GetTimestamp());
            }

            last = now;
        }
    }
}

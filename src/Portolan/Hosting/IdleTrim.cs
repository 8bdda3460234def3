namespace Portolan.Hosting;

/// <summary>
/// Gives memory back after a burst of work. A collector grows its budget to the processor's caches, which on a server are hundreds of megabytes,
/// and collects nothing while nothing is allocated: what a burst left would stay resident for as long as the cluster is quiet.
/// </summary>
internal sealed class IdleTrim(TimeProvider time)
{
    private static readonly TimeSpan Look = TimeSpan.FromSeconds(5);

    // Probes, scrapes and leases allocate some tens of kilobytes in that time.
    private const long Quiet = 1 << 20;

    // A collection stops the process for 10 to 20 ms: not worth it for less.
    private const long WorthWhile = 4 << 20;

    /// <summary>Looks on until the stop.</summary>
    public async Task RunAsync(CancellationToken stop)
    {
        var (last, trimmed) = (GC.GetTotalAllocatedBytes(), 0L);
        while (true)
        {
            await Task.Delay(Look, time, stop);
            var now = GC.GetTotalAllocatedBytes();
            if (now - last < Quiet && now - trimmed > WorthWhile)
            {
                GC.Collect(GC.MaxGeneration, GCCollectionMode.Aggressive, blocking: true, compacting: true);
                trimmed = GC.GetTotalAllocatedBytes();
            }

            last = now;
        }
    }
}

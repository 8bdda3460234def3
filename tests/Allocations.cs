/// <summary>What some work takes from the heap.</summary>
internal static class Allocations
{
    private const int Attempts = 5;

    /// <summary>
    /// The bytes that the calling thread allocates for it: the least of a few attempts, because a collection that falls into one of them lets the runtime count the rest
    /// of the thread's allocation buffer, up to 8 KiB, as allocated. What the work itself allocates, it allocates every time.
    /// </summary>
    /// <param name="work">Done several times; what it does only once, such as being compiled, should have been done before.</param>
    public static long Of(Action work)
    {
        var least = long.MaxValue;
        for (var i = 0; i < Attempts && least > 0; i++)
        {
            var before = GC.GetAllocatedBytesForCurrentThread();
            work();
            least = Math.Min(least, GC.GetAllocatedBytesForCurrentThread() - before);
        }

        return least;
    }
}

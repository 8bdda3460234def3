using System.Runtime.InteropServices;

namespace Portolan.Bench.Proxy.Programming;

/// <summary>The processor time of this process's children that have ended, theirs included (<c>getrusage</c>).</summary>
internal static partial class ChildTime
{
    private const int Children = -1;

    public static TimeSpan Used
    {
        get
        {
            Span<long> usage = stackalloc long[18]; // struct rusage: two timevals and fourteen longs
            if (GetUsage(Children, ref MemoryMarshal.GetReference(usage)) != 0)
                throw new InvalidOperationException($"getrusage: errno {Marshal.GetLastPInvokeError()}");
            return TimeSpan.FromSeconds(usage[0] + usage[2]) + TimeSpan.FromMicroseconds(usage[1] + usage[3]);
        }
    }

    [LibraryImport("libc", EntryPoint = "getrusage", SetLastError = true)]
    private static partial int GetUsage(int whose, ref long usage);
}

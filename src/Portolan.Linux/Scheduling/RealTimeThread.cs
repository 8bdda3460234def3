using System.Runtime.InteropServices;

namespace Portolan.Linux.Scheduling;

/// <summary>Real-time scheduling of the calling thread (sched(7)): it runs before every thread that is scheduled by time shares.</summary>
public static partial class RealTimeThread
{
    private const int Fifo = 1; // SCHED_FIFO
    private const int ResetOnFork = 0x40000000; // threads that this one starts are ordinary ones

    /// <summary>Makes the calling thread a SCHED_FIFO one, as long as it lives.</summary>
    /// <param name="priority">1..99; interrupt threads of a PREEMPT_RT kernel have 50.</param>
    /// <returns>0, or the errno: 1 (EPERM) without CAP_SYS_NICE, or in a <c>cpu</c> cgroup without a real-time budget.</returns>
    public static int TryEnter(int priority)
    {
        var parameters = new Parameters { Priority = priority };
        return SetScheduler(0, Fifo | ResetOnFork, parameters) == 0 ? 0 : Marshal.GetLastPInvokeError();
    }

    /// <summary>struct sched_param.</summary>
    [StructLayout(LayoutKind.Sequential)]
    private struct Parameters
    {
        public int Priority;
    }

    [LibraryImport("libc", EntryPoint = "sched_setscheduler", SetLastError = true)]
    private static partial int SetScheduler(int thread, int policy, in Parameters parameters);
}

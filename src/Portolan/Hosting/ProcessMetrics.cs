using System.Diagnostics;
using System.Diagnostics.Metrics;

namespace Portolan.Hosting;

/// <summary>The process figures that every Prometheus client exports under these names.</summary>
internal static class ProcessMetrics
{
    public static void AddTo(Meter meter)
    {
        var started = new DateTimeOffset(Environment.ProcessId > 0 ? Process.GetCurrentProcess().StartTime : DateTime.Now).ToUnixTimeMilliseconds() / 1000.0;
        meter.CreateObservableGauge("process_start_time_seconds", () => started, description: "Start of the process, seconds since 1970.");
        meter.CreateObservableCounter("process_cpu_seconds_total", () => Environment.CpuUsage.TotalTime.TotalSeconds, description: "CPU time of the process, user and system.");
        meter.CreateObservableGauge("process_resident_memory_bytes", () => Environment.WorkingSet, description: "Resident memory.");
    }
}

using System.Diagnostics.Metrics;
using Portolan.Core.Addresses;
using Portolan.Core.Cluster;

namespace Portolan.Proxy.Metrics;

/// <summary>
/// The time from a change of a pod or Service to the rules in force (Kubernetes' network programming latency), one observation for each slice that
/// changed. Changes from before the start do not count, nor does a slice that went: its annotation tells of an earlier change.
/// </summary>
internal sealed class ProgrammingLatency(TimeProvider time)
{
    // While the kernel refuses, no more than this are remembered.
    private const int MostWaiting = 4096;

    private readonly DateTimeOffset _start = time.GetUtcNow();
    private readonly List<(ObjectKey Service, IpFamily Family, DateTimeOffset Trigger)> _waiting = [];

    internal void Changed(EndpointSliceFacts? before, EndpointSliceFacts now)
    {
        // The same time again is the same change: something else of the slice is different.
        if (now.LastChangeTrigger is { } trigger && trigger > _start && trigger != before?.LastChangeTrigger && _waiting.Count < MostWaiting)
            _waiting.Add((now.Service, now.Family, trigger));
    }

    internal void Gone(EndpointSliceFacts? before)
    {
        if (before is not null && _waiting.Count > 0)
            _waiting.RemoveAll(change => change.Service == before.Service && change.Family == before.Family);
    }

    internal void Programmed(IpFamily family, Histogram<double> latency)
    {
        if (_waiting.Count == 0)
            return;
        var now = time.GetUtcNow();
        var kept = 0;
        for (var i = 0; i < _waiting.Count; i++)
        {
            if (_waiting[i].Family == family)
                latency.Record((now - _waiting[i].Trigger).TotalSeconds);
            else
                _waiting[kept++] = _waiting[i];
        }

        _waiting.RemoveRange(kept, _waiting.Count - kept);
    }
}

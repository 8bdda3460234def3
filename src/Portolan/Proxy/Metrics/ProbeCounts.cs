using System.Diagnostics.Metrics;

namespace Portolan.Proxy.Metrics;

/// <summary>How often an endpoint answered 200 and 503. Not before the first of them: so kube-proxy's own counters appear.</summary>
internal sealed class ProbeCounts
{
    private long _ok;
    private long _unavailable;

    internal void Count(int code) => Interlocked.Increment(ref code == 200 ? ref _ok : ref _unavailable);

    internal IEnumerable<Measurement<long>> Measure()
    {
        if (Volatile.Read(ref _ok) is not 0 and var ok)
            yield return new(ok, new KeyValuePair<string, object?>("code", "200"));
        if (Volatile.Read(ref _unavailable) is not 0 and var unavailable)
            yield return new(unavailable, new KeyValuePair<string, object?>("code", "503"));
    }
}

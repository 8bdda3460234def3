namespace Portolan.Lab.Nodes.Pods;

/// <summary>A kubelet's back-off: nothing the first time, then 10 s, doubling to 5 min; from the beginning after 10 min without trouble.</summary>
internal sealed class RestartBackoff(TimeProvider time, bool firstIsImmediate)
{
    private static readonly TimeSpan _first = TimeSpan.FromSeconds(10);
    private static readonly TimeSpan _longest = TimeSpan.FromMinutes(5);
    private static readonly TimeSpan _forgotten = TimeSpan.FromMinutes(10);
    private TimeSpan _next = firstIsImmediate ? TimeSpan.Zero : _first;
    private DateTimeOffset _last = time.GetUtcNow();

    /// <summary>How long to wait after this failure.</summary>
    /// <param name="since">When what failed had begun.</param>
    public TimeSpan Next(DateTimeOffset since)
    {
        var now = time.GetUtcNow();
        if (now - since > _forgotten || now - _last > _forgotten + _longest)
            Reset();
        var wait = _next;
        _next = wait == TimeSpan.Zero ? _first : wait * 2 > _longest ? _longest : wait * 2;
        _last = now;
        return wait;
    }

    public void Reset() => _next = firstIsImmediate ? TimeSpan.Zero : _first;
}

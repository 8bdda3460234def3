namespace Portolan.Lab.Supervision;

/// <summary>How long to wait before a process that ended is started again: 100 ms, doubling to 5 s; from the beginning after a steady while.</summary>
internal sealed class Backoff
{
    private static readonly TimeSpan s_first = TimeSpan.FromMilliseconds(100);
    private static readonly TimeSpan s_most = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan s_steady = TimeSpan.FromSeconds(10);

    private TimeSpan _next = s_first;

    public TimeSpan After(TimeSpan ranFor)
    {
        if (ranFor >= s_steady)
            _next = s_first;
        var wait = _next;
        _next = _next * 2 < s_most ? _next * 2 : s_most;
        return wait;
    }
}

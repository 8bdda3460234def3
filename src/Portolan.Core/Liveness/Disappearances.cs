namespace Portolan.Core.Liveness;

/// <summary>How often nodes were seen to go away without a goodbye within the hour. Times are microseconds, passed in.</summary>
public sealed class Disappearances
{
    /// <summary>How long one counts, microseconds: an hour.</summary>
    public const long Memory = 3_600_000_000;

    /// <summary>More of one node are not counted.</summary>
    public const int Most = 32;

    private readonly Dictionary<string, Queue<long>> _times = new(StringComparer.Ordinal);

    /// <summary>A node went away.</summary>
    public void Add(string node, long now)
    {
        if (!_times.TryGetValue(node, out var times))
            _times[node] = times = new Queue<long>();
        if (times.Count == Most)
            times.Dequeue();
        times.Enqueue(now);
    }

    /// <summary>Forgets all other nodes.</summary>
    public void Keep(IReadOnlySet<string> nodes)
    {
        foreach (var gone in _times.Keys.Where(node => !nodes.Contains(node)).ToList())
            _times.Remove(gone);
    }

    /// <summary>The nodes that went away within the hour, and how often: 1 to <see cref="Most"/>.</summary>
    public IReadOnlyDictionary<string, int> Within(long now)
    {
        var counts = new Dictionary<string, int>(StringComparer.Ordinal);
        foreach (var (node, times) in _times)
        {
            while (times.TryPeek(out var oldest) && now - oldest >= Memory)
                times.Dequeue();
            if (times.Count > 0)
                counts[node] = times.Count;
        }

        return counts;
    }
}

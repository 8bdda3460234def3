using System.Collections.Concurrent;

namespace Portolan.Hosting;

/// <summary>What <c>/readyz</c> answers: ready when nothing is awaited any more.</summary>
internal sealed class Readiness
{
    private readonly ConcurrentDictionary<string, string> _awaited = new(StringComparer.Ordinal);

    /// <summary>Declares, or updates, something the role waits for before it is of use.</summary>
    public void Await(string what, string why) => _awaited[what] = why;

    /// <summary>It is there.</summary>
    public void Reached(string what) => _awaited.TryRemove(what, out _);

    public bool IsReady => _awaited.IsEmpty;

    /// <summary>A line for each thing still awaited.</summary>
    public override string ToString() =>
        IsReady ? "ok\n" : string.Concat(_awaited.OrderBy(entry => entry.Key, StringComparer.Ordinal).Select(entry => $"{entry.Key}: {entry.Value}\n"));
}

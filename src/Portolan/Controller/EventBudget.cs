namespace Portolan.Controller;

/// <summary>
/// How many events one object may have: 25 at once and one every five minutes after that, as with Kubernetes' own components. One object
/// about which something new is said each second must not crowd out the others.
/// </summary>
internal sealed class EventBudget(TimeProvider time)
{
    private const int Burst = 25;
    private const int Remembered = 4096;
    private static readonly TimeSpan Refill = TimeSpan.FromMinutes(5);
    private readonly Dictionary<(string Kind, string Uid), (double Spent, long At)> _spent = [];

    /// <summary>Takes one from the object's budget.</summary>
    /// <returns>False when nothing is left.</returns>
    public bool Spend(InvolvedObject about)
    {
        var key = (about.Kind, about.Uid);
        var now = time.GetTimestamp();
        var spent = _spent.TryGetValue(key, out var known) ? Now(known) : 0;
        if (spent > Burst - 1)
            return false;
        if (_spent.Count >= Remembered)
            Forget();
        _spent[key] = (spent + 1, now);
        return true;
    }

    private double Now((double Spent, long At) known) => Math.Max(0, known.Spent - (time.GetElapsedTime(known.At) / Refill));

    // Whoever has hardly spent anything loses little by being forgotten.
    private void Forget()
    {
        for (var least = 1.0; _spent.Count >= Remembered; least *= 2)
            foreach (var key in _spent.Where(entry => Now(entry.Value) <= least).Select(entry => entry.Key).ToList())
                _spent.Remove(key);
    }
}

/// <summary>Lets a number of writes through each second, and some at once after a quiet time. One waits at a time.</summary>
internal sealed class WritePace(TimeProvider time, int perSecond, int burst)
{
    private double _left = burst;
    private long _at = time.GetTimestamp();

    /// <summary>Waits until the next write may go.</summary>
    public async Task WaitAsync(CancellationToken stop)
    {
        var now = time.GetTimestamp();
        _left = Math.Min(burst, _left + (time.GetElapsedTime(_at, now).TotalSeconds * perSecond)) - 1;
        _at = now;
        if (_left < 0)
            await Task.Delay(TimeSpan.FromSeconds(-_left / perSecond), time, stop);
    }
}

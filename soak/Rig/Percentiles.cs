using System.Globalization;

namespace Portolan.Rig;

/// <summary>Times measured by many threads, in milliseconds.</summary>
internal sealed class Percentiles
{
    private readonly Lock _lock = new();
    private readonly List<double> _values = [];

    public void Add(TimeSpan time)
    {
        lock (_lock) _values.Add(time.TotalMilliseconds);
    }

    /// <param name="share">0 to 1.</param>
    /// <returns>0 when nothing was measured.</returns>
    public double At(double share)
    {
        lock (_lock)
        {
            if (_values.Count == 0) return 0;
            _values.Sort();
            return _values[Math.Min((int)(share * _values.Count), _values.Count - 1)];
        }
    }

    public override string ToString() =>
        string.Create(CultureInfo.InvariantCulture, $"p50 {At(0.5):f1} ms, p90 {At(0.9):f1} ms, p99 {At(0.99):f1} ms, longest {At(1):f1} ms");
}

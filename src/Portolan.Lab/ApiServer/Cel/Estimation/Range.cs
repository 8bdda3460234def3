namespace Portolan.Lab.ApiServer.Cel.Estimation;

/// <summary>The least and the most that a size or a cost may be. Sums and products stop at the largest number instead of overflowing.</summary>
internal readonly record struct Range(ulong Min, ulong Max)
{
    public static Range Zero => default;
    public static Range One { get; } = new(1, 1);
    public static Range Unknown { get; } = new(0, ulong.MaxValue);

    public static Range Exactly(ulong size) => new(size, size);

    public static Range UpTo(ulong size) => new(0, size);

    public static Range operator +(Range a, Range b) => new(Add(a.Min, b.Min), Add(a.Max, b.Max));

    public static Range operator *(Range a, Range b) => new(Multiply(a.Min, b.Min), Multiply(a.Max, b.Max));

    /// <summary>Scaled, each end rounded up.</summary>
    public static Range operator *(Range a, double factor) => new(Scale(a.Min, factor), Scale(a.Max, factor));

    /// <summary>The least range that holds both.</summary>
    public Range Union(Range other) => new(Math.Min(Min, other.Min), Math.Max(Max, other.Max));

    public static ulong Add(ulong a, ulong b) => a > ulong.MaxValue - b ? ulong.MaxValue : a + b;

    public static ulong Multiply(ulong a, ulong b) => b != 0 && a > ulong.MaxValue / b ? ulong.MaxValue : a * b;

    private static ulong Scale(ulong a, double factor)
    {
        var scaled = Math.Ceiling(a * factor);
        return scaled >= 18446744073709551616.0 ? ulong.MaxValue : (ulong)scaled;
    }
}

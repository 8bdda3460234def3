namespace Portolan.Bench;

/// <summary>Ours and the peer's, measured in turn: what disturbs the machine for longer than a moment disturbs both of a pair.</summary>
internal sealed class Pairs
{
    private readonly List<double> _ours = [];
    private readonly List<double> _peers = [];
    private readonly List<double> _ratios = [];

    public double Ours => Median(_ours);

    public double Peers => Median(_peers);

    /// <summary>The median of the pairs' ratios, between the bounds of its confidence interval.</summary>
    public Ratio Ratio
    {
        get
        {
            var sorted = _ratios.Order().ToArray();
            var rank = Rank(sorted.Length);
            return new Ratio(Median(_ratios), sorted[rank], sorted[^(rank + 1)]);
        }
    }

    public void Add(double ours, double peers)
    {
        _ours.Add(ours);
        _peers.Add(peers);
        _ratios.Add(ours / peers);
    }

    /// <summary>Measures so many pairs; which of the two comes first alternates.</summary>
    public static async Task<Pairs> MeasureAsync(int count, Func<Task<double>> ours, Func<Task<double>> peers)
    {
        var pairs = new Pairs();
        for (var i = 0; i < count; i++)
        {
            if (i % 2 == 0)
            {
                var first = await ours();
                pairs.Add(first, await peers());
            }
            else
            {
                var first = await peers();
                pairs.Add(await ours(), first);
            }
        }

        return pairs;
    }

    private static double Median(List<double> values)
    {
        var sorted = values.Order().ToArray();
        return (sorted[(sorted.Length - 1) / 2] + sorted[sorted.Length / 2]) / 2;
    }

    // The largest rank r for which the median lies between the r-th smallest and the r-th largest value with 95 % confidence, whatever the
    // distribution: P(fewer than r of n below the median) is a sum of binomial coefficients.
    private static int Rank(int count)
    {
        var (below, term) = (0.0, Math.Pow(0.5, count));
        for (var rank = 0; ; rank++)
        {
            below += term;
            if (below > 0.025)
                return Math.Max(0, rank - 1);
            term *= (count - rank) / (rank + 1.0);
        }
    }
}

/// <param name="Median">Ours to the peer's.</param>
/// <param name="Low">The median is not less, with 95 % confidence.</param>
/// <param name="High">Nor more.</param>
internal readonly record struct Ratio(double Median, double Low, double High);

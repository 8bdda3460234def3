using System.Globalization;

namespace Portolan.Bench;

/// <summary>One measured figure beside what others are known to need and what we want.</summary>
/// <param name="Name">What was measured.</param>
/// <param name="Ours">The figure: less is better.</param>
/// <param name="Unit">Of all figures of the line.</param>
/// <param name="Goal">It holds when <paramref name="Ours"/> is not more; null: there is none.</param>
/// <param name="Peer">A published figure of the same thing elsewhere, or what a peer needed here; where there is one.</param>
internal sealed record Figure(string Name, double Ours, string Unit, double? Goal = null, double? Peer = null)
{
    /// <summary>Of pairs measured in turn; without it the ratio is that of the two figures.</summary>
    public Ratio? Paired { get; init; }

    /// <summary>A goal for the ratio, in place of one for the figure.</summary>
    public double? RatioGoal { get; init; }

    /// <summary>Others used the machine meanwhile.</summary>
    public bool IsNoisy { get; init; }

    public static string Heading => Line("name", "ours", "peer's", "ratio", "goal", "");

    public bool Holds => (Goal is null || Ours <= Goal) && (RatioGoal is null || Ratio <= RatioGoal);

    private double? Ratio => Paired?.Median ?? Ours / Peer;

    /// <summary>A figure of pairs.</summary>
    public static Figure Of(string name, Pairs pairs, string unit, double? ratioGoal, bool isNoisy) =>
        new(name, pairs.Ours, unit, Peer: pairs.Peers) { Paired = pairs.Ratio, RatioGoal = ratioGoal, IsNoisy = isNoisy };

    public override string ToString() => Line(Name, Show(Ours), Peer is { } peer ? Show(peer) : "-", ShowRatio(), ShowGoal(), Verdict());

    private string Verdict() => string.Join(' ', new[]
    {
        Goal is null && RatioGoal is null ? "" : Holds ? "holds" : "short",
        Paired is { } paired ? string.Create(CultureInfo.InvariantCulture, $"[{paired.Low:0.00##}, {paired.High:0.00##}]") : "",
        IsNoisy ? "noisy" : "",
    }.Where(word => word.Length > 0));

    private string ShowRatio() => Ratio is { } ratio ? ratio.ToString(ratio < 0.1 ? "0.####" : "f2", CultureInfo.InvariantCulture) : "-";

    private string ShowGoal() => RatioGoal is { } ratio ? $"≤ {ratio.ToString("0.###", CultureInfo.InvariantCulture)} ×" : Goal is { } goal ? $"≤ {Show(goal)}" : "-";

    private string Show(double value) => $"{value.ToString(value < 10 ? "0.##" : "0", CultureInfo.InvariantCulture)} {Unit}";

    private static string Line(string name, string ours, string peer, string ratio, string goal, string verdict) =>
        $"{name,-48} {ours,10} {peer,10} {ratio,6} {goal,12}  {verdict}".TrimEnd();
}

using System.Globalization;

namespace Portolan.Bench;

/// <summary>One measured figure beside what others are known to need and what we want.</summary>
/// <param name="Name">What was measured.</param>
/// <param name="Ours">The figure: less is better.</param>
/// <param name="Unit">Of all figures of the line.</param>
/// <param name="Goal">It holds when <paramref name="Ours"/> is not more; null: there is none.</param>
/// <param name="Peer">A published figure of the same thing elsewhere, where there is one.</param>
internal sealed record Figure(string Name, double Ours, string Unit, double? Goal = null, double? Peer = null)
{
    public static string Heading => Line("name", "ours", "peer's", "ratio", "goal", "");

    public bool Holds => Goal is null || Ours <= Goal;

    public override string ToString() => Line(
        Name, Show(Ours), Peer is { } peer ? Show(peer) : "-", Peer is { } other ? (Ours / other).ToString("f2", CultureInfo.InvariantCulture) : "-",
        Goal is { } goal ? $"≤ {Show(goal)}" : "-", Goal is null ? "" : Holds ? "holds" : "short");

    private string Show(double value) => $"{value.ToString(value < 10 ? "0.##" : "0", CultureInfo.InvariantCulture)} {Unit}";

    private static string Line(string name, string ours, string peer, string ratio, string goal, string verdict) =>
        $"{name,-44} {ours,10} {peer,10} {ratio,6} {goal,12}  {verdict}".TrimEnd();
}

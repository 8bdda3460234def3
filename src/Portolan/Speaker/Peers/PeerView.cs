using Portolan.Core.Announcements;

namespace Portolan.Speaker.Peers;

/// <summary>What is known of the other speakers at a moment. It never changes; a new one takes its place.</summary>
/// <param name="Living">The nodes whose speakers live and can announce, this one among them.</param>
/// <param name="IsSettled">Whether enough is known to announce anything.</param>
/// <param name="Reports">What the living speakers say of their own nodes, this one's among them; one that is missing says that all is well.</param>
/// <param name="Departed">Nodes whose speakers said goodbye and were not heard since: a planned stop, after which the node goes on forwarding.</param>
/// <param name="Disappearances">How often others saw this node go away within the hour: the most that one of them counts.</param>
/// <param name="Contested">Nodes that live by others' word only: the way between them and this node is bad.</param>
internal sealed record PeerView(
    IReadOnlySet<string> Living, bool IsSettled, IReadOnlyDictionary<string, NodeReport> Reports,
    IReadOnlySet<string> Departed, int Disappearances, IReadOnlyList<string> Contested)
{
    /// <summary>What a speaker knows that has just started.</summary>
    public static PeerView Nothing(string self) =>
        new(new HashSet<string>(StringComparer.Ordinal) { self }, false, new Dictionary<string, NodeReport>(StringComparer.Ordinal), new HashSet<string>(), 0, []);

    /// <inheritdoc/>
    public bool Equals(PeerView? other) =>
        other is not null && IsSettled == other.IsSettled && Disappearances == other.Disappearances && Departed.SetEquals(other.Departed) && Living.SetEquals(other.Living) && Contested.SequenceEqual(other.Contested)
        && Reports.Count == other.Reports.Count && Reports.All(entry => other.Reports.TryGetValue(entry.Key, out var report) && entry.Value.Equals(report));

    /// <inheritdoc/>
    public override int GetHashCode() => HashCode.Combine(IsSettled, Living.Count, Reports.Count, Disappearances);
}

namespace Portolan.Core.Announcements;

/// <summary>Where a node stands among the candidates for an address, but for the address's own order: less is better.</summary>
/// <param name="Severity">Of its conditions.</param>
/// <param name="Standing">Its report's, negated; 0 when it has no condition: then nothing but preference and hash counts.</param>
/// <param name="Preference">Its weights, negated.</param>
internal readonly record struct NodeRank(int Severity, long Standing, int Preference) : IComparable<NodeRank>
{
    /// <summary>The rank of a node.</summary>
    /// <param name="conditions">Of the node, for the address.</param>
    /// <param name="standing"><see cref="NodeReport.Standing"/>.</param>
    /// <param name="preference"><see cref="Eligibility.Preference"/>.</param>
    public static NodeRank Of(NodeConditions conditions, long standing, int preference) =>
        new(conditions.Severity(), conditions is NodeConditions.None ? 0 : -standing, -preference);

    /// <inheritdoc/>
    public int CompareTo(NodeRank other)
    {
        if (Severity != other.Severity)
            return Severity < other.Severity ? -1 : 1;
        if (Standing != other.Standing)
            return Standing < other.Standing ? -1 : 1;
        return Preference.CompareTo(other.Preference);
    }
}

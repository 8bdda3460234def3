using System.Text;

namespace Portolan.Controller;

/// <summary>What one condition of a ConfigurationState says.</summary>
/// <param name="Status">True, False or Unknown.</param>
/// <param name="Reason">One of MetalLB's words.</param>
/// <param name="Message">In detail, a line each.</param>
internal sealed record ConfigurationVerdict(string Status, string Reason, string Message);

/// <summary>What came of reading the configuration, as a ConfigurationState says it. What is only a notice makes nothing invalid, and is said all the same.</summary>
/// <param name="Result">Valid, Invalid, or Unknown: something cannot be read.</param>
/// <param name="Summary">In detail, a line each; empty when there is nothing to say.</param>
/// <param name="Pools">What is said of pools, where they are judged on their own; null where they are not.</param>
/// <param name="Others">What is said of everything else.</param>
internal sealed record ConfigurationOutcome(string Result, string Summary, ConfigurationVerdict? Pools, ConfigurationVerdict Others)
{
    // An object is read by people, and stored by etcd.
    private const int LongestSummary = 8192;

    /// <summary>The outcome where all is judged together.</summary>
    /// <param name="problems">What is wrong.</param>
    /// <param name="notices">What does less than it says.</param>
    public static ConfigurationOutcome Of(IReadOnlyCollection<string> problems, IReadOnlyCollection<string> notices) =>
        new(problems.Count > 0 ? "Invalid" : "Valid", Joined([.. problems, .. notices]), null, Verdict(problems, [], notices));

    /// <summary>The outcome where pools are judged on their own.</summary>
    /// <param name="pools">What is wrong with pools.</param>
    /// <param name="others">What is wrong with anything else.</param>
    /// <param name="notices">What does less than it says.</param>
    /// <param name="unread">Why some kinds cannot be read.</param>
    /// <param name="arePoolsUnread">Pools are among them.</param>
    public static ConfigurationOutcome Of(
        IReadOnlyCollection<string> pools, IReadOnlyCollection<string> others, IReadOnlyCollection<string> notices, IReadOnlyCollection<string> unread, bool arePoolsUnread) => new(
        pools.Count + others.Count > 0 ? "Invalid" : unread.Count > 0 ? "Unknown" : "Valid",
        Joined([.. pools, .. others, .. unread, .. notices]),
        Verdict(pools, arePoolsUnread ? unread : [], []),
        Verdict(others, unread, notices));

    private static ConfigurationVerdict Verdict(IReadOnlyCollection<string> problems, IReadOnlyCollection<string> unread, IReadOnlyCollection<string> notices) =>
        problems.Count > 0 ? new ConfigurationVerdict("False", "ConfigurationError", Joined(problems))
        : unread.Count > 0 ? new ConfigurationVerdict("Unknown", "InfraError", Joined(unread))
        : new ConfigurationVerdict("True", "Reconciled", Joined(notices));

    // A line each, as many as have room.
    private static string Joined(IReadOnlyCollection<string> lines)
    {
        var text = new StringBuilder();
        var left = 0;
        foreach (var line in lines)
        {
            if (left > 0 || text.Length + line.Length > LongestSummary)
                left++;
            else
                text.Append(text.Length > 0 ? "\n" : "").Append(line);
        }

        return left > 0 ? text.Append($"\nand {left} more").ToString().TrimStart('\n') : text.ToString();
    }
}

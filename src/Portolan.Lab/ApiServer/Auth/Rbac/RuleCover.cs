namespace Portolan.Lab.ApiServer.Auth.Rbac;

/// <summary>Whether rules together allow all that other rules do: nobody may grant what they do not hold themselves.</summary>
internal static class RuleCover
{
    /// <returns>The parts of <paramref name="wanted"/> that <paramref name="held"/> does not allow.</returns>
    public static List<PolicyRule> Missing(IReadOnlyCollection<PolicyRule> held, IEnumerable<PolicyRule> wanted) =>
        [.. wanted.SelectMany(rule => rule.Singles()).Where(single => !held.Any(rule => rule.Covers(single)))];
}

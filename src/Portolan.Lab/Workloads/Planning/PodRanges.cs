namespace Portolan.Lab.Workloads.Planning;

/// <summary>Pod address ranges of nodes: node N has 10.233.(64+N).0/24, which the lab's routes already know.</summary>
internal static class PodRanges
{
    private const int First = 65;
    private const int Last = 127;

    /// <param name="node">The node's name.</param>
    /// <param name="taken">Ranges that other nodes have.</param>
    /// <exception cref="InvalidOperationException">None is left.</exception>
    public static string For(string node, IReadOnlySet<string> taken)
    {
        if (node.StartsWith("node", StringComparison.Ordinal) && int.TryParse(node["node".Length..], out var number) && number is >= 1 and <= Last - First + 1)
        {
            var own = Range(First + number - 1);
            if (!taken.Contains(own))
                return own;
        }
        for (var third = Last; third >= First; third--)
            if (!taken.Contains(Range(third)))
                return Range(third);
        throw new InvalidOperationException("no pod address range is left for another node");
    }

    private static string Range(int third) => $"10.233.{third}.0/24";
}

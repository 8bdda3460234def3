namespace Portolan.Core.Announcements;

/// <summary>
/// What makes a node a worse announcer than others. None of it keeps a node out: candidates are ranked by it, and where all candidates share a
/// condition it does not count.
/// </summary>
[Flags]
public enum NodeConditions : ushort
{
    /// <summary>Nothing is wrong.</summary>
    None = 0,

    /// <summary>No interface that could announce has a carrier.</summary>
    NoCarrier = 1,

    /// <summary>The default gateway does not answer ARP or neighbour solicitations.</summary>
    GatewayUnreachable = 2,

    /// <summary>The node's service proxy programs nothing: it is dead, or has not caught up yet. Said of a node for one Service: it has not programmed that one.</summary>
    NotProgrammed = 4,

    /// <summary>The node is being emptied: its speaker is about to stop, or it is cordoned, or being deleted.</summary>
    Draining = 8,

    /// <summary>The node carries the taint <c>node.kubernetes.io/out-of-service</c>.</summary>
    OutOfService = 16,

    /// <summary>The node came (back) a short while ago, and its policy holds it back. Reports name the policies instead: <see cref="NodeReport.HeldBack"/>.</summary>
    HeldBack = 32,

    /// <summary>The node's speaker does not announce yet: it is still reading the cluster's objects, or listening for the other speakers.</summary>
    Starting = 64,
}

/// <summary>How conditions rank, and the words for them.</summary>
public static class NodeConditionsExtensions
{
    // The worst first. A speaker that starts answers nobody. What is lost for sure outranks what may be lost: without a carrier nothing arrives, behind a dead gateway only neighbours do,
    // and what arrives at a node that does not forward is lost. A node declared gone may go at any moment; one that drains still serves.
    private static readonly (NodeConditions Condition, string Name)[] WorstFirst =
    [
        (NodeConditions.Starting, "starting"),
        (NodeConditions.NoCarrier, "noCarrier"),
        (NodeConditions.GatewayUnreachable, "gatewayUnreachable"),
        (NodeConditions.NotProgrammed, "notProgrammed"),
        (NodeConditions.OutOfService, "outOfService"),
        (NodeConditions.Draining, "draining"),
        (NodeConditions.HeldBack, "heldBack"),
    ];

    /// <summary>
    /// A number that ranks: less is better. The worst condition decides; where two nodes share it, the next worst does. So no number of lesser
    /// conditions outweighs a graver one, and a condition that all candidates share makes no difference between them.
    /// </summary>
    public static int Severity(this NodeConditions conditions)
    {
        var severity = 0;
        foreach (var (condition, _) in WorstFirst)
            severity = (severity << 1) | ((conditions & condition) == 0 ? 0 : 1);
        return severity;
    }

    /// <summary>The conditions in words, the worst first, parted by commas: <c>noCarrier, draining</c>; empty when nothing is wrong.</summary>
    public static string Names(this NodeConditions conditions) =>
        string.Join(", ", WorstFirst.Where(entry => (conditions & entry.Condition) != 0).Select(entry => entry.Name));
}

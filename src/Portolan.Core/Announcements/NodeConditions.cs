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

    /// <summary>The node's service proxy programs nothing: it is dead, or has not caught up yet.</summary>
    NotProgrammed = 4,

    /// <summary>The node is being emptied: its speaker is about to stop, or it is cordoned, or being deleted.</summary>
    Draining = 8,

    /// <summary>The node carries the taint <c>node.kubernetes.io/out-of-service</c>.</summary>
    OutOfService = 16,
}

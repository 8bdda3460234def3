using Portolan.Lab.Network;

namespace Portolan.Lab.Supervision;

/// <summary>A program of the lab, and where it runs.</summary>
/// <param name="Name">Unique in the lab.</param>
/// <param name="Host">Whose network namespace and cgroup.</param>
/// <param name="Leaf">The cgroup below the host's.</param>
/// <param name="Arguments">Of <c>portolan-lab</c>.</param>
/// <param name="Inherits">A descriptor of the supervisor's that it finds under the same number.</param>
internal sealed record LabProcess(string Name, string Host, string Leaf, IReadOnlyList<string> Arguments, int? Inherits = null);

/// <summary>Every program a lab consists of. Pods are the node agents' own.</summary>
internal static class LabProcesses
{
    /// <summary>
    /// How long a node may be silent before it is NotReady. Real clusters wait 40 s, for networks that lose packets; a lab's wires lose none,
    /// and nobody who kills a node there wants to wait so long. The agents renew their leases every two seconds.
    /// </summary>
    private const int SilentNodeSeconds = 8;

    /// <param name="layout">The lab.</param>
    /// <param name="topology">Its hosts.</param>
    /// <param name="listenDescriptor">The listening loopback socket that the API server inherits.</param>
    public static IReadOnlyList<LabProcess> Of(LabLayout layout, Topology topology, int listenDescriptor) =>
    [
        new("apiserver", "control", "apiserver", ["apiserver", "--lab", layout.Name, "--listen-fd", $"{listenDescriptor}"], listenDescriptor),
        new("controllers", "control", "controllers", ["controllers", "--kubeconfig", layout.Kubeconfig("controllers"), "--node-monitor-grace-period", $"{SilentNodeSeconds}"]),
        .. topology.Nodes.Select(n => new LabProcess(n.Name, n.Name, "agent", ["node", "--lab", layout.Name, "--name", n.Name])),
    ];
}

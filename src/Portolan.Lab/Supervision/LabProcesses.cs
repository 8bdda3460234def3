using Portolan.Lab.Network;

namespace Portolan.Lab.Supervision;

/// <summary>A program of the lab, and where it runs.</summary>
/// <param name="Name">Unique in the lab.</param>
/// <param name="Host">Whose network namespace and cgroup.</param>
/// <param name="Leaf">The cgroup below the host's.</param>
/// <param name="Arguments">Of the program.</param>
/// <param name="Inherits">A descriptor of the supervisor's that it finds under the same number.</param>
/// <param name="Program">Its path; null: <c>portolan-lab</c>.</param>
/// <param name="RealTime">Whether it goes before everything else on the machine, where the kernel lets it.</param>
internal sealed record LabProcess(string Name, string Host, string Leaf, IReadOnlyList<string> Arguments, int? Inherits = null, string? Program = null, bool RealTime = false);

/// <summary>Every program a lab consists of. Pods are the node agents' own.</summary>
internal static class LabProcesses
{
    /// <param name="layout">The lab.</param>
    /// <param name="topology">Its hosts.</param>
    /// <param name="spec">What was asked for.</param>
    /// <param name="listenDescriptor">The listening loopback socket that the API server inherits.</param>
    public static IReadOnlyList<LabProcess> Of(LabLayout layout, Topology topology, LabSpec spec, int listenDescriptor) =>
    [
        new("apiserver", "control", "apiserver", ["apiserver", "--lab", layout.Name, "--listen-fd", $"{listenDescriptor}", "--default-toleration-seconds", $"{spec.PodEvictionTimeout}", .. DualStackOptions(topology)], listenDescriptor),
        new("controllers", "control", "controllers", ["controllers", "--kubeconfig", layout.Kubeconfig("controllers"), "--node-monitor-grace-period", $"{spec.NodeMonitorGracePeriod}", "--pod-eviction-timeout", $"{spec.PodEvictionTimeout}"]),
        // In real time: a router is a machine of its own, which does not take all nodes for dead because this one is busy.
        .. spec.HasBgp ? [new LabProcess("bird", "router", "bird", ["-f", "-c", layout.RouterConfiguration, "-s", layout.RouterSocket], Program: Executables.Bird, RealTime: true)] : (LabProcess[])[],
        .. topology.Nodes.Select((n, i) => new LabProcess(n.Name, n.Name, "agent", ["node", "--lab", layout.Name, "--name", n.Name, .. spec.ZoneOf(i + 1) is { } zone ? (string[])["--zone", zone] : []])),
    ];

    private static string[] DualStackOptions(Topology topology) => topology.DualStack
        ? ["--service-cidr", $"{Topology.ServiceRange},{Topology.ServiceRange6}", "--bind", $"{Topology.ControlAddress}:6443,[{topology.Find("control")!.Addresses[1]}]:6443"]
        : [];
}

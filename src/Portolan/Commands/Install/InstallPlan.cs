using System.Text.Json.Nodes;

namespace Portolan.Commands.Install;

/// <summary>What is to be installed.</summary>
internal sealed record InstallPlan
{
    internal static readonly TimeSpan DefaultTimeout = TimeSpan.FromSeconds(180);

    public required string Namespace { get; init; }

    public required IReadOnlyList<string> Pool { get; init; }

    /// <summary>How the pool is announced: layer2 or bgp.</summary>
    public string Protocol { get; init; } = "layer2";

    /// <summary>The routers to announce to.</summary>
    public InstallPeers Peers { get; init; } = InstallPeers.None;

    /// <summary>Controller and speaker.</summary>
    public required bool WithSystem { get; init; }

    public required bool WithProxy { get; init; }

    /// <summary>A kube-proxy that runs is taken off the nodes first.</summary>
    public bool ReplaceKubeProxy { get; init; }

    /// <summary>The API server's own URL; needed with the proxy.</summary>
    public string? Master { get; init; }

    /// <summary>Flags of <c>portolan proxy</c> besides <see cref="Master"/>.</summary>
    public IReadOnlyList<string> ProxyArguments { get; init; } = [];

    public required string Image { get; init; }

    /// <summary>Replicas of the controller; null: as the manifest has it.</summary>
    public int? ControllerReplicas { get; init; }

    /// <summary>Serve the Services of this class; null: those without one.</summary>
    public string? LoadBalancerClass { get; init; }

    /// <summary>How long to wait until everything runs; null: not at all.</summary>
    public TimeSpan? Timeout { get; init; }

    public IReadOnlyList<JsonObject> Definitions() => WithSystem ? Manifests.Definitions(Namespace) : [];

    public IReadOnlyList<JsonObject> Workloads() =>
        [.. WithProxy ? Manifests.Proxy(Image, Master!, ProxyArguments) : [], .. WithSystem ? Manifests.System(Namespace, Image, ControllerReplicas, LoadBalancerClass) : []];

    public IReadOnlyList<JsonObject> Configuration() => [.. Manifests.Peers(Namespace, Peers), .. Pool.Count > 0 ? Manifests.Pool(Namespace, Pool, Protocol) : []];

    /// <summary>In the order in which it can be applied.</summary>
    public IEnumerable<JsonObject> Everything() => [.. Definitions(), .. Workloads(), .. Configuration()];
}

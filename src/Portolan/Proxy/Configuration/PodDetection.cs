using Portolan.Core.Addresses;

namespace Portolan.Proxy.Configuration;

/// <summary>How traffic of pods is told from other traffic: <c>detectLocalMode</c>.</summary>
internal enum LocalMode
{
    /// <summary>By a source address out of <c>clusterCIDR</c>.</summary>
    ClusterCIDR,

    /// <summary>By a source address out of the Node's <c>podCIDRs</c>.</summary>
    NodeCIDR,

    /// <summary>By the bridge it comes from.</summary>
    BridgeInterface,

    /// <summary>By how the name of the interface begins that it comes from.</summary>
    InterfaceNamePrefix,
}

/// <summary>How pods are detected, as it was asked for.</summary>
/// <param name="Mode">Which way.</param>
/// <param name="ClusterCidrs"><c>clusterCIDR</c>.</param>
/// <param name="Interface">The bridge's name, or how names of the pods' interfaces begin; empty in the other modes.</param>
internal sealed record PodDetection(LocalMode Mode, IReadOnlyList<IpPrefix> ClusterCidrs, string Interface)
{
    /// <summary>Pods are not detected.</summary>
    internal static readonly PodDetection None = new(LocalMode.ClusterCIDR, [], "");

    /// <summary>What identifies pods on a node, or null while that is not known: a Node gets its <c>podCIDRs</c> some time after it registers.</summary>
    /// <param name="podCidrs">The Node's <c>spec.podCIDRs</c>.</param>
    internal PodSources? On(IReadOnlyCollection<IpPrefix> podCidrs) => Mode switch
    {
        LocalMode.BridgeInterface => new PodSources { Bridge = Interface },
        LocalMode.InterfaceNamePrefix => new PodSources { InterfacePrefix = Interface },
        LocalMode.NodeCIDR when podCidrs.Count == 0 => null,
        LocalMode.NodeCIDR => new PodSources { Cidrs = FirstOfEachFamily(podCidrs) },
        _ => new PodSources { Cidrs = FirstOfEachFamily(ClusterCidrs) },
    };

    private static IpPrefix[] FirstOfEachFamily(IEnumerable<IpPrefix> prefixes) => [.. prefixes.DistinctBy(prefix => prefix.Address.Family)];
}

/// <summary>What packets of pods have in common. At most one of the three says something.</summary>
internal sealed record PodSources
{
    /// <summary>The source addresses, at most one block of each family.</summary>
    internal IReadOnlyList<IpPrefix> Cidrs { get; init; } = [];

    /// <summary>The interface they come in by, or empty.</summary>
    internal string Bridge { get; init; } = "";

    /// <summary>How the name of the interface begins that they come in by, or empty.</summary>
    internal string InterfacePrefix { get; init; } = "";

    /// <summary>Pods of a family are told from others.</summary>
    internal bool Detects(IpFamily family) => Bridge.Length > 0 || InterfacePrefix.Length > 0 || Cidrs.Any(prefix => prefix.Address.Family == family);

    public bool Equals(PodSources? other) =>
        other is not null && Bridge == other.Bridge && InterfacePrefix == other.InterfacePrefix && Cidrs.SequenceEqual(other.Cidrs);

    public override string ToString() => Bridge.Length > 0 ? $"the bridge {Bridge}" : InterfacePrefix.Length > 0 ? $"interfaces {InterfacePrefix}*" : Cidrs.Count > 0 ? string.Join(", ", Cidrs) : "nothing";

    public override int GetHashCode() => HashCode.Combine(Bridge, InterfacePrefix, Cidrs.Count);
}

using Portolan.Kubernetes.Resources;

namespace Portolan.Lab.Workloads.Planning;

/// <summary>What a Service asks of the proxies: to stay near the client.</summary>
internal enum TrafficPreference
{
    None,

    /// <summary><c>service.kubernetes.io/topology-mode: Auto</c>: endpoints are given to zones in proportion to the zones' CPUs.</summary>
    Auto,

    /// <summary><c>trafficDistribution: PreferSameZone</c>, or its older name PreferClose.</summary>
    SameZone,

    /// <summary><c>trafficDistribution: PreferSameNode</c>.</summary>
    SameNode,
}

/// <summary>Reads a Service's preference; the annotation goes before the field (Kubernetes, "Topology Aware Routing").</summary>
internal static class TrafficPreferences
{
    private const string Mode = "service.kubernetes.io/topology-mode";
    private const string FormerMode = "service.kubernetes.io/topology-aware-hints";

    public static TrafficPreference Of(UntypedObject service)
    {
        if ((service.Annotation(FormerMode) ?? service.Annotation(Mode)) is "Auto" or "auto")
            return TrafficPreference.Auto;
        return service.Json.Text("spec", "trafficDistribution") switch
        {
            "PreferClose" or "PreferSameZone" => TrafficPreference.SameZone,
            "PreferSameNode" => TrafficPreference.SameNode,
            _ => TrafficPreference.None,
        };
    }
}

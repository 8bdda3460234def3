using Portolan.Core.Cluster;
using Portolan.Kubernetes.Client;
using Portolan.Kubernetes.Resources;
using Portolan.Lab.Workloads.Planning;

namespace Portolan.Lab.Workloads.Controllers;

/// <summary>Which Services a change of a pod, of a Service or of what is made from it concerns.</summary>
internal static class ServiceKeys
{
    /// <param name="cache">The cluster.</param>
    /// <param name="change">What changed.</param>
    /// <param name="made">The kind that is made from Services.</param>
    /// <param name="serviceOf">Its Service's name, or null when somebody else made it.</param>
    public static IEnumerable<ObjectKey> Touched(ClusterCache cache, CacheChange change, ResourceType<UntypedObject> made, Func<UntypedObject, string?> serviceOf)
    {
        if (change.Is(WorkloadKinds.Services))
            return [change.Key];
        if (change.Is(made))
            return serviceOf(change.Latest) is { } name ? [new ObjectKey(change.Key.Namespace, name)] : [];
        if (!change.Is(WorkloadKinds.Pods))
            return [];
        return cache.In(WorkloadKinds.Services, change.Key.Namespace)
            .Where(s => Selector(s) is { } selector && (Matches(selector, change.Old) || Matches(selector, change.New)))
            .Select(s => s.Key());
    }

    /// <summary>Null for Services whose endpoints are somebody else's business: without a selector, or by an external name.</summary>
    public static LabelMatcher? Selector(UntypedObject service) =>
        service.Json.Map("spec", "selector") is { Count: > 0 } map && service.Json.Text("spec", "type") != "ExternalName" ? LabelMatcher.OfMap(map) : null;

    private static bool Matches(LabelMatcher selector, UntypedObject? pod) => pod is not null && selector.Matches(pod.Labels());
}

using Portolan.Kubernetes.Client;
using Portolan.Kubernetes.Resources;

namespace Portolan.Lab.Workloads;

/// <summary>The built-in kinds that controllers look at, their objects kept as JSON: templates must come back unchanged.</summary>
internal static class WorkloadKinds
{
    public static ResourceType<UntypedObject> Namespaces { get; } = ResourceType.Untyped("", "v1", "namespaces", "Namespace", false);
    public static ResourceType<UntypedObject> Nodes { get; } = ResourceType.Untyped("", "v1", "nodes", "Node", false);
    public static ResourceType<UntypedObject> Pods { get; } = ResourceType.Untyped("", "v1", "pods", "Pod", true);
    public static ResourceType<UntypedObject> Services { get; } = ResourceType.Untyped("", "v1", "services", "Service", true);
    public static ResourceType<UntypedObject> Endpoints { get; } = ResourceType.Untyped("", "v1", "endpoints", "Endpoints", true);
    public static ResourceType<UntypedObject> ConfigMaps { get; } = ResourceType.Untyped("", "v1", "configmaps", "ConfigMap", true);
    public static ResourceType<UntypedObject> Secrets { get; } = ResourceType.Untyped("", "v1", "secrets", "Secret", true);
    public static ResourceType<UntypedObject> ServiceAccounts { get; } = ResourceType.Untyped("", "v1", "serviceaccounts", "ServiceAccount", true);
    public static ResourceType<UntypedObject> Deployments { get; } = ResourceType.Untyped("apps", "v1", "deployments", "Deployment", true);
    public static ResourceType<UntypedObject> ReplicaSets { get; } = ResourceType.Untyped("apps", "v1", "replicasets", "ReplicaSet", true);
    public static ResourceType<UntypedObject> DaemonSets { get; } = ResourceType.Untyped("apps", "v1", "daemonsets", "DaemonSet", true);
    public static ResourceType<UntypedObject> StatefulSets { get; } = ResourceType.Untyped("apps", "v1", "statefulsets", "StatefulSet", true);
    public static ResourceType<UntypedObject> Jobs { get; } = ResourceType.Untyped("batch", "v1", "jobs", "Job", true);
    public static ResourceType<UntypedObject> DisruptionBudgets { get; } = ResourceType.Untyped("policy", "v1", "poddisruptionbudgets", "PodDisruptionBudget", true);
    public static ResourceType<UntypedObject> ControllerRevisions { get; } = ResourceType.Untyped("apps", "v1", "controllerrevisions", "ControllerRevision", true);
    public static ResourceType<UntypedObject> EndpointSlices { get; } = ResourceType.Untyped("discovery.k8s.io", "v1", "endpointslices", "EndpointSlice", true);
    public static ResourceType<UntypedObject> Leases { get; } = ResourceType.Untyped("coordination.k8s.io", "v1", "leases", "Lease", true);

    public static ResourceType<UntypedObject> Definitions { get; } = ResourceType.Untyped("apiextensions.k8s.io", "v1", "customresourcedefinitions", "CustomResourceDefinition", false);

    public static IReadOnlyList<ResourceType<UntypedObject>> All { get; } =
        [Definitions, Namespaces, Nodes, Leases, ServiceAccounts, ConfigMaps, Secrets, Pods, Services, Endpoints, EndpointSlices, Deployments, ReplicaSets, DaemonSets, StatefulSets, Jobs, ControllerRevisions, DisruptionBudgets];

    /// <summary>Kinds of one name live in several groups; versions of one kind are the same objects.</summary>
    public static string Id(this ResourceType<UntypedObject> type) => $"{type.Group}/{type.Kind}";
}

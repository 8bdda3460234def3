using Portolan.Lab.ApiServer.Tables;
using Portolan.Lab.ApiServer.Validation;

namespace Portolan.Lab.ApiServer.Schema;

/// <summary>The kinds the lab serves without any CustomResourceDefinition, with the names kubectl knows them by.</summary>
internal static class BuiltInKinds
{
    private const string Apps = "apps";
    private const string Rbac = "rbac.authorization.k8s.io";
    private const string Admission = "admissionregistration.k8s.io";
    private const string Networking = "networking.k8s.io";
    private const string Authentication = "authentication.k8s.io";
    private const string Authorization = "authorization.k8s.io";

    private static readonly ScalePaths _replicas = new(".spec.replicas", ".status.replicas", ".status.selector");

    /// <summary>Kinds with a path of their own.</summary>
    public static IReadOnlyList<KindSchema> All { get; } =
    [
        Kind("", "ConfigMap", "configmaps", CorePrinters.ConfigMap, ConfigRules.ConfigMap, shortNames: ["cm"]),
        Kind("", "Endpoints", "endpoints", CorePrinters.Endpoints, ServiceRules.Endpoints, shortNames: ["ep"]),
        Kind("", "Event", "events", EventPrinter.Core, KindRules.None, shortNames: ["ev"]),
        Kind("", "LimitRange", "limitranges", RowPrinter.Default, KindRules.None, shortNames: ["limits"]),
        Kind("", "Namespace", "namespaces", CorePrinters.Namespace, ClusterRules.Namespace, namespaced: false, shortNames: ["ns"], subresources: ["status", "finalize"]),
        Kind("", "Node", "nodes", CorePrinters.Node, ClusterRules.Node, namespaced: false, shortNames: ["no"], subresources: ["status", "proxy"]),
        Kind("", "PersistentVolume", "persistentvolumes", StoragePrinters.PersistentVolume, KindRules.None, namespaced: false, shortNames: ["pv"], subresources: ["status"]),
        Kind("", "PersistentVolumeClaim", "persistentvolumeclaims", StoragePrinters.PersistentVolumeClaim, KindRules.None, shortNames: ["pvc"], subresources: ["status"]),
        Kind("", "Pod", "pods", PodPrinter.Instance, PodRules.Pod, shortNames: ["po"], categories: ["all"],
            subresources: ["status", "log", "exec", "attach", "portforward", "binding", "eviction", "proxy"]),
        Kind("", "PodTemplate", "podtemplates", WorkloadPrinters.PodTemplate, WorkloadRules.PodTemplate),
        Kind("", "ReplicationController", "replicationcontrollers", WorkloadPrinters.ReplicationController, WorkloadRules.ReplicationController,
            shortNames: ["rc"], categories: ["all"], subresources: ["status", "scale"], scale: _replicas, generation: true),
        Kind("", "ResourceQuota", "resourcequotas", PolicyPrinters.ResourceQuota, KindRules.None, shortNames: ["quota"], subresources: ["status"]),
        Kind("", "Secret", "secrets", CorePrinters.Secret, ConfigRules.Secret),
        Kind("", "Service", "services", CorePrinters.Service, ServiceRules.Service, shortNames: ["svc"], categories: ["all"], subresources: ["status", "proxy"]),
        Kind("", "ServiceAccount", "serviceaccounts", CorePrinters.ServiceAccount, KindRules.None, shortNames: ["sa"], subresources: ["token"]),

        Kind(Admission, "MutatingWebhookConfiguration", "mutatingwebhookconfigurations", PolicyPrinters.Webhooks, WebhookRules.Mutating, namespaced: false, generation: true),
        Kind(Admission, "ValidatingAdmissionPolicy", "validatingadmissionpolicies", PolicyPrinters.AdmissionPolicy, AdmissionPolicyRules.Policy, namespaced: false, subresources: ["status"], generation: true),
        Kind(Admission, "ValidatingAdmissionPolicyBinding", "validatingadmissionpolicybindings", PolicyPrinters.AdmissionPolicyBinding, AdmissionPolicyRules.Binding, namespaced: false, generation: true),
        Kind(Admission, "ValidatingWebhookConfiguration", "validatingwebhookconfigurations", PolicyPrinters.Webhooks, WebhookRules.Validating, namespaced: false, generation: true),

        Kind("apiextensions.k8s.io", "CustomResourceDefinition", "customresourcedefinitions", RowPrinter.Default, DefinitionRules.CustomResourceDefinition,
            namespaced: false, shortNames: ["crd", "crds"], categories: ["api-extensions"], subresources: ["status"], generation: true),

        Kind(Apps, "ControllerRevision", "controllerrevisions", WorkloadPrinters.ControllerRevision, KindRules.None),
        Kind(Apps, "DaemonSet", "daemonsets", WorkloadPrinters.DaemonSet, WorkloadRules.DaemonSet, shortNames: ["ds"], categories: ["all"], subresources: ["status"], generation: true),
        Kind(Apps, "Deployment", "deployments", WorkloadPrinters.Deployment, WorkloadRules.Deployment, shortNames: ["deploy"], categories: ["all"],
            subresources: ["status", "scale"], scale: _replicas, generation: true),
        Kind(Apps, "ReplicaSet", "replicasets", WorkloadPrinters.ReplicaSet, WorkloadRules.ReplicaSet, shortNames: ["rs"], categories: ["all"],
            subresources: ["status", "scale"], scale: _replicas, generation: true),
        Kind(Apps, "StatefulSet", "statefulsets", WorkloadPrinters.StatefulSet, WorkloadRules.StatefulSet, shortNames: ["sts"], categories: ["all"],
            subresources: ["status", "scale"], scale: _replicas, generation: true),

        Kind(Authentication, "SelfSubjectReview", "selfsubjectreviews", RowPrinter.Default, KindRules.Unnamed, namespaced: false),
        Kind(Authentication, "TokenReview", "tokenreviews", RowPrinter.Default, KindRules.Unnamed, namespaced: false),
        Kind(Authorization, "LocalSubjectAccessReview", "localsubjectaccessreviews", RowPrinter.Default, KindRules.Unnamed),
        Kind(Authorization, "SelfSubjectAccessReview", "selfsubjectaccessreviews", RowPrinter.Default, KindRules.Unnamed, namespaced: false),
        Kind(Authorization, "SelfSubjectRulesReview", "selfsubjectrulesreviews", RowPrinter.Default, KindRules.Unnamed, namespaced: false),
        Kind(Authorization, "SubjectAccessReview", "subjectaccessreviews", RowPrinter.Default, KindRules.Unnamed, namespaced: false),

        Kind("batch", "CronJob", "cronjobs", WorkloadPrinters.CronJob, WorkloadRules.CronJob, shortNames: ["cj"], categories: ["all"], subresources: ["status"], generation: true),
        Kind("batch", "Job", "jobs", WorkloadPrinters.Job, WorkloadRules.Job, categories: ["all"], subresources: ["status"], generation: true),

        Kind("certificates.k8s.io", "CertificateSigningRequest", "certificatesigningrequests", SigningRequestPrinter.Instance, SigningRequestRules.CertificateSigningRequest,
            namespaced: false, shortNames: ["csr"], subresources: ["status", "approval"]),
        Kind("coordination.k8s.io", "Lease", "leases", PolicyPrinters.Lease, ClusterRules.Lease),
        Kind("discovery.k8s.io", "EndpointSlice", "endpointslices", NetworkPrinters.EndpointSlice, EndpointSliceRules.EndpointSlice, generation: true),
        Kind("events.k8s.io", "Event", "events", EventPrinter.Events, KindRules.None, shortNames: ["ev"]),

        Kind(Networking, "Ingress", "ingresses", NetworkPrinters.Ingress, NetworkRules.Ingress, shortNames: ["ing"], subresources: ["status"], generation: true),
        Kind(Networking, "IngressClass", "ingressclasses", NetworkPrinters.IngressClass, KindRules.None, namespaced: false, generation: true),
        Kind(Networking, "NetworkPolicy", "networkpolicies", NetworkPrinters.NetworkPolicy, NetworkRules.NetworkPolicy, shortNames: ["netpol"], generation: true),
        Kind(Networking, "ServiceCIDR", "servicecidrs", NetworkPrinters.ServiceCidr, NetworkRules.ServiceCidr, namespaced: false, subresources: ["status"]),

        Kind("policy", "PodDisruptionBudget", "poddisruptionbudgets", PolicyPrinters.PodDisruptionBudget, NetworkRules.PodDisruptionBudget,
            shortNames: ["pdb"], subresources: ["status"], generation: true),

        Kind(Rbac, "ClusterRole", "clusterroles", RowPrinter.Default, RbacRules.Role, namespaced: false),
        Kind(Rbac, "ClusterRoleBinding", "clusterrolebindings", PolicyPrinters.RoleBinding, RbacRules.Binding, namespaced: false),
        Kind(Rbac, "Role", "roles", RowPrinter.Default, RbacRules.Role),
        Kind(Rbac, "RoleBinding", "rolebindings", PolicyPrinters.RoleBinding, RbacRules.Binding),

        Kind("scheduling.k8s.io", "PriorityClass", "priorityclasses", PolicyPrinters.PriorityClass, ClusterRules.PriorityClass, namespaced: false, shortNames: ["pc"], generation: true),
    ];

    /// <summary>Kinds that only travel to and from subresources, or in the bodies of requests: they have no path.</summary>
    public static IReadOnlyList<KindSchema> BodiesOnly { get; } =
    [
        Kind("", "Binding", "bindings", RowPrinter.Default, KindRules.Unnamed),
        Kind("autoscaling", "Scale", "scales", RowPrinter.Default, KindRules.Unnamed),
        Kind("policy", "Eviction", "evictions", RowPrinter.Default, KindRules.Unnamed),
        Kind(Authentication, "TokenRequest", "tokenrequests", RowPrinter.Default, KindRules.Unnamed),
        Kind("", "DeleteOptions", "deleteoptions", RowPrinter.Default, KindRules.Unnamed, package: "meta/v1"),
        Kind("", "Status", "statuses", RowPrinter.Default, KindRules.Unnamed, package: "meta/v1"),
    ];

    /// <summary>The type of an <c>apiVersion</c> and <c>kind</c>, also of those that only travel as bodies.</summary>
    public static TypeDefinition? FindType(string apiVersion, string kind)
    {
        foreach (var entry in All.Concat(BodiesOnly))
        {
            if (entry is BuiltInKind builtIn && entry.Kind == kind && entry.ApiVersion == apiVersion)
                return builtIn.Type;
        }

        return null;
    }

    private static BuiltInKind Kind(
        string group, string kind, string plural, RowPrinter printer, KindRules rules, bool namespaced = true, string[]? shortNames = null, string[]? categories = null,
        string[]? subresources = null, ScalePaths? scale = null, bool generation = false, string? package = null)
    {
        var type = TypeLibrary.Instance.Get($"{package ?? PackageOf(group)}.{kind}");
        return new BuiltInKind(type, rules, printer)
        {
            Group = group,
            Version = "v1",
            Kind = kind,
            Plural = plural,
            Singular = kind.ToLowerInvariant(),
            Namespaced = namespaced,
            ShortNames = shortNames ?? [],
            Categories = categories ?? [],
            Subresources = subresources ?? [],
            Scale = scale,
            TracksGeneration = generation,
        };
    }

    /// <summary>The API package of a group: the group's first word, as in Go.</summary>
    private static string PackageOf(string group) => (group.Length == 0 ? "core" : group.Split('.')[0]) + "/v1";
}

using static Portolan.Lab.ApiServer.Auth.Rbac.DefaultRoles;

namespace Portolan.Lab.ApiServer.Auth.Rbac;

/// <summary>
/// A role for each controller. Each is bound to the account of that name in kube-system, as on a real cluster, and to the user as whom the lab runs all
/// of them in one process.
/// </summary>
internal static class ControllerRoles
{
    public const string Manager = "system:kube-controller-manager";

    private const string Read = "get list watch";

    private static readonly PolicyRule TellEvents = Rule("create patch update", "core events.k8s.io", "events");
    private static readonly PolicyRule MakePods = Rule("create delete list patch watch", "core", "pods");

    public static IReadOnlyList<DefaultRole> All { get; } =
    [
        Of("certificate-controller",
            Rule("delete get list watch", "certificates.k8s.io", "certificatesigningrequests"),
            Rule("update", "certificates.k8s.io", "certificatesigningrequests/approval certificatesigningrequests/status"),
            Rule("approve sign", "certificates.k8s.io", "signers"), Rule("create", "authorization.k8s.io", "subjectaccessreviews"), TellEvents),
        Of("clusterrole-aggregation-controller", Rule("escalate get list patch update watch", RbacIndex.Group, "clusterroles")),
        Of("cronjob-controller",
            Rule(Read + " update", "batch", "cronjobs"), Rule("create delete get list patch update watch", "batch", "jobs"),
            Rule("patch update", "batch", "cronjobs/finalizers cronjobs/status"), Rule("delete list", "core", "pods"), TellEvents),
        Of("daemon-set-controller",
            Rule(Read, "apps", "daemonsets"), Rule("patch update", "apps", "daemonsets/finalizers daemonsets/status"), Rule("list watch", "core", "nodes"),
            MakePods, Rule("create", "core", "pods/binding"), Rule("create delete get list patch update watch", "apps", "controllerrevisions"), TellEvents),
        Of("deployment-controller",
            Rule(Read + " update", "apps", "deployments"), Rule("patch update", "apps", "deployments/finalizers deployments/status"),
            Rule("create delete get list patch update watch", "apps", "replicasets"), Rule("get list update watch", "core", "pods"), TellEvents),
        Of("disruption-controller",
            Rule(Read, "apps", "deployments replicasets statefulsets"), Rule(Read, "core", "replicationcontrollers"), Rule(Read, "policy", "poddisruptionbudgets"),
            Rule(Read, "core", "pods"), Rule("patch update", "core", "pods/status"), Rule("patch update", "policy", "poddisruptionbudgets/status"),
            Rule("get", "*", "*/scale"), TellEvents),
        Of("endpoint-controller",
            Rule(Read, "core", "pods services"), Rule("create delete get list patch update watch", "core", "endpoints"), Rule("create", "core", "endpoints/restricted"), TellEvents),
        Of("endpointslice-controller",
            Rule(Read, "core", "nodes pods services"), Rule("update", "core", "services/finalizers"),
            Rule("create delete get list patch update watch", "discovery.k8s.io", "endpointslices"), Rule("create", "discovery.k8s.io", "endpointslices/restricted"), TellEvents),
        Of("endpointslicemirroring-controller",
            Rule(Read, "core", "endpoints services"), Rule("update", "core", "endpoints/finalizers services/finalizers"),
            Rule("create delete get list patch update watch", "discovery.k8s.io", "endpointslices"), Rule("create", "discovery.k8s.io", "endpointslices/restricted"), TellEvents),
        Of("generic-garbage-collector", Rule("delete get list patch update watch", "*", "*"), TellEvents),
        // The lab's own: it speaks for nodes that are objects only.
        new("portolan-lab:hollow-nodes",
            Rule("create get patch update", "coordination.k8s.io", "leases"), Rule("get patch update", "core", "nodes nodes/status pods/status"), Rule("delete", "core", "pods"))
        { BoundTo = [Manager] },
        Of("horizontal-pod-autoscaler",
            Rule(Read, "autoscaling", "horizontalpodautoscalers"), Rule("patch update", "autoscaling", "horizontalpodautoscalers/status"), Rule("get update", "*", "*/scale"),
            Rule("list", "core", "pods"), TellEvents),
        Of("job-controller",
            Rule(Read + " patch update", "batch", "jobs"), Rule("patch update", "batch", "jobs/finalizers jobs/status"), MakePods, TellEvents),
        Of("legacy-service-account-token-cleaner", Rule("get list watch", "core", "configmaps pods serviceaccounts"), Rule("delete get list patch watch", "core", "secrets")),
        Of("namespace-controller",
            Rule("delete get list watch", "core", "namespaces"), Rule("patch update", "core", "namespaces/finalize namespaces/status"),
            Rule("delete deletecollection get list", "*", "*")),
        Of("node-controller",
            Rule("delete get list patch update watch", "core", "nodes"), Rule("patch update", "core", "nodes/status"), Rule("delete get list watch", "core", "pods"),
            Rule("patch update", "core", "pods/status"), Rule(Read, "coordination.k8s.io", "leases"), TellEvents),
        Of("persistent-volume-binder",
            Rule("create delete get list update watch", "core", "persistentvolumes"), Rule("patch update", "core", "persistentvolumes/status"),
            Rule(Read + " update", "core", "persistentvolumeclaims"), Rule("patch update", "core", "persistentvolumeclaims/status"),
            Rule(Read, "storage.k8s.io", "storageclasses"), TellEvents),
        Of("pod-garbage-collector", Rule("delete list watch", "core", "pods"), Rule(Read, "core", "nodes"), Rule("patch", "core", "pods/status")),
        Of("replicaset-controller",
            Rule(Read + " update", "apps", "replicasets"), Rule("patch update", "apps", "replicasets/finalizers replicasets/status"), MakePods, TellEvents),
        Of("replication-controller",
            Rule(Read + " update", "core", "replicationcontrollers"), Rule("patch update", "core", "replicationcontrollers/finalizers replicationcontrollers/status"), MakePods, TellEvents),
        Of("resourcequota-controller", Rule("list watch", "*", "*"), Rule("patch update", "core", "resourcequotas/status"), TellEvents),
        Of("root-ca-cert-publisher", Rule("create patch update", "core", "configmaps"), TellEvents),
        Of("service-account-controller", Rule("create", "core", "serviceaccounts"), TellEvents),
        Of("statefulset-controller",
            Rule("list watch", "core", "pods"), Rule(Read, "apps", "statefulsets"), Rule("patch update", "apps", "statefulsets/finalizers statefulsets/status"),
            Rule("create delete get patch update", "core", "pods"), Rule("create delete get list patch update watch", "apps", "controllerrevisions"),
            Rule("create get list watch", "core", "persistentvolumeclaims"), TellEvents),
        Of("ttl-after-finished-controller", Rule("delete get list watch", "batch", "jobs"), TellEvents),
    ];

    private static DefaultRole Of(string name, params PolicyRule[] rules) => new($"system:controller:{name}", rules) { BoundTo = ["account:" + name, Manager] };
}

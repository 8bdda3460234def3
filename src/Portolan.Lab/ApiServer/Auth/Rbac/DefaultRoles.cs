namespace Portolan.Lab.ApiServer.Auth.Rbac;

/// <summary>The roles and bindings of a Kubernetes 1.33 cluster that its people, nodes and programs rely on. Controllers': <see cref="ControllerRoles"/>.</summary>
internal static class DefaultRoles
{
    private const string Rbac = RbacIndex.Group;
    private const string Read = "get list watch";
    private const string Write = "create delete deletecollection patch update";
    private const string ReadWrite = Read + " " + Write;
    private const string Signers = "signers";
    private const string Certificates = "certificates.k8s.io";

    private static readonly PolicyRule TellEvents = Rule("create patch update", "core events.k8s.io", "events");

    /// <summary>What any node agent may do, whatever its node; the rest depends on the node (<see cref="NodeAuthorizer"/>).</summary>
    public static PolicyRule[] NodeRules { get; } =
    [
        Rule("create", "authentication.k8s.io", "tokenreviews"),
        Rule("create", "authorization.k8s.io", "localsubjectaccessreviews subjectaccessreviews"),
        Rule(Read, "core", "services"),
        TellEvents,
        Rule("create get list watch", Certificates, "certificatesigningrequests"),
        Rule("get", "core", "persistentvolumeclaims persistentvolumes"),
        Rule(Read, "node.k8s.io", "runtimeclasses"),
        Rule(Read, "storage.k8s.io", "csidrivers"),
    ];

    public static IReadOnlyList<DefaultRole> All { get; } =
    [
        new("cluster-admin", Rule("*", "*", "*"), Urls("*", "*")) { BoundTo = ["group:" + Identity.Masters] },

        // Whoever asks.
        new("system:discovery", Urls("get", "/api /api/* /apis /apis/* /healthz /livez /openapi /openapi/* /readyz /version /version/")) { BoundTo = ["group:" + Identity.AllAuthenticated] },
        new("system:basic-user",
            Rule("create", "authorization.k8s.io", "selfsubjectaccessreviews selfsubjectrulesreviews"), Rule("create", "authentication.k8s.io", "selfsubjectreviews"))
        { BoundTo = ["group:" + Identity.AllAuthenticated] },
        new("system:public-info-viewer", Urls("get", "/healthz /livez /readyz /version /version/")) { BoundTo = ["group:" + Identity.AllAuthenticated, "group:" + Identity.AllUnauthenticated] },
        new("system:monitoring", Urls("get", "/healthz /healthz/* /livez /livez/* /metrics /metrics/slis /readyz /readyz/*")) { BoundTo = ["group:system:monitoring"] },
        new("system:service-account-issuer-discovery", Urls("get", "/.well-known/openid-configuration /.well-known/openid-configuration/ /openid/v1/jwks /openid/v1/jwks/"))
        { BoundTo = ["group:" + Identity.AllServiceAccounts] },

        // A namespace's people.
        new("admin") { IsAggregated = true },
        new("edit") { IsAggregated = true, PartOf = "admin" },
        new("view") { IsAggregated = true, PartOf = "edit" },
        new("system:aggregate-to-admin",
            Rule("create", "authorization.k8s.io", "localsubjectaccessreviews"),
            Rule(ReadWrite, Rbac, "rolebindings roles"))
        { PartOf = "admin" },
        new("system:aggregate-to-edit",
            Rule(Read, "core", "pods/attach pods/exec pods/portforward pods/proxy secrets services/proxy"),
            Rule("impersonate", "core", "serviceaccounts"),
            Rule(Write, "core", "pods pods/attach pods/exec pods/portforward pods/proxy"),
            Rule("create", "core", "pods/eviction"),
            Rule(Write, "core", "configmaps events persistentvolumeclaims replicationcontrollers replicationcontrollers/scale secrets serviceaccounts services services/proxy"),
            Rule("create", "core", "serviceaccounts/token"),
            Rule(Write, "apps", "daemonsets deployments deployments/rollback deployments/scale replicasets replicasets/scale statefulsets statefulsets/scale"),
            Rule(Write, "autoscaling", "horizontalpodautoscalers"),
            Rule(Write, "batch", "cronjobs jobs"),
            Rule(Write, "policy", "poddisruptionbudgets"),
            Rule(Write, "networking.k8s.io", "ingresses networkpolicies"),
            Rule(ReadWrite, "coordination.k8s.io", "leases"))
        { PartOf = "edit" },
        new("system:aggregate-to-view",
            Rule(Read, "core", "configmaps endpoints persistentvolumeclaims persistentvolumeclaims/status pods replicationcontrollers replicationcontrollers/scale serviceaccounts services services/status"),
            Rule(Read, "core", "bindings events limitranges namespaces/status pods/log pods/status replicationcontrollers/status resourcequotas resourcequotas/status"),
            Rule(Read, "core", "namespaces"),
            Rule(Read, "discovery.k8s.io", "endpointslices"),
            Rule(Read, "apps",
                "controllerrevisions daemonsets daemonsets/status deployments deployments/scale deployments/status replicasets replicasets/scale replicasets/status statefulsets statefulsets/scale statefulsets/status"),
            Rule(Read, "autoscaling", "horizontalpodautoscalers horizontalpodautoscalers/status"),
            Rule(Read, "batch", "cronjobs cronjobs/status jobs jobs/status"),
            Rule(Read, "policy", "poddisruptionbudgets poddisruptionbudgets/status"),
            Rule(Read, "networking.k8s.io", "ingresses ingresses/status networkpolicies"))
        { PartOf = "view" },

        // Who asks on behalf of others.
        new("system:auth-delegator", Rule("create", "authentication.k8s.io", "tokenreviews"), Rule("create", "authorization.k8s.io", "subjectaccessreviews")),
        new("system:kubelet-api-admin", Rule("get list proxy watch", "core", "nodes"), Rule("*", "core", "nodes/log nodes/metrics nodes/proxy nodes/stats"))
        { BoundTo = ["kube-apiserver-kubelet-client"] },

        // Nodes. Nobody is bound to system:node: the node authorizer knows more than a role can say.
        new("system:node",
        [
            .. NodeRules,
            Rule(Read + " create delete patch update", "core", "nodes"), Rule("patch update", "core", "nodes/status"),
            Rule(Read + " create delete", "core", "pods"), Rule("patch update", "core", "pods/status"), Rule("create", "core", "pods/eviction"),
            Rule(Read, "core", "configmaps secrets"), Rule("create", "core", "serviceaccounts/token"),
            Rule("create delete get patch update", "coordination.k8s.io", "leases"),
        ]) { BoundTo = [] },
        new("system:node-bootstrapper", Rule("create get list watch", Certificates, "certificatesigningrequests")),
        new("system:node-problem-detector", Rule("get", "core", "nodes"), Rule("patch", "core", "nodes/status"), TellEvents),
        new("system:node-proxier",
            Rule("list watch", "core", "endpoints services"), Rule(Read, "core", "nodes"), TellEvents, Rule("list watch", "discovery.k8s.io", "endpointslices"),
            Rule("list watch", "networking.k8s.io", "servicecidrs"))
        { BoundTo = ["system:kube-proxy"] },
        new("system:certificates.k8s.io:certificatesigningrequests:nodeclient", Rule("create", Certificates, "certificatesigningrequests/nodeclient")),
        new("system:certificates.k8s.io:certificatesigningrequests:selfnodeclient", Rule("create", Certificates, "certificatesigningrequests/selfnodeclient")),
        new("system:certificates.k8s.io:kube-apiserver-client-approver", Approve("kubernetes.io/kube-apiserver-client")),
        new("system:certificates.k8s.io:kube-apiserver-client-kubelet-approver", Approve("kubernetes.io/kube-apiserver-client-kubelet")),
        new("system:certificates.k8s.io:kubelet-serving-approver", Approve("kubernetes.io/kubelet-serving")),
        new("system:certificates.k8s.io:legacy-unknown-approver", Approve("kubernetes.io/legacy-unknown")),

        // The control plane.
        new("system:kube-dns", Rule("list watch", "core", "endpoints services")) { BoundTo = ["account:kube-dns"] },
        new("system:kube-scheduler",
            TellEvents,
            Rule("create get list update watch", "coordination.k8s.io", "leases"),
            Rule(Read, "core", "nodes"),
            Rule("delete get list watch", "core", "pods"),
            Rule("create", "core", "bindings pods/binding"),
            Rule("patch update", "core", "pods/status"),
            Rule(Read, "core", "namespaces persistentvolumeclaims persistentvolumes replicationcontrollers services"),
            Rule(Read, "apps", "replicasets statefulsets"),
            Rule(Read, "policy", "poddisruptionbudgets"),
            Rule(Read, "storage.k8s.io", "csidrivers csinodes csistoragecapacities storageclasses volumeattachments"),
            Rule("create", "authentication.k8s.io", "tokenreviews"), Rule("create", "authorization.k8s.io", "subjectaccessreviews"))
        { BoundTo = ["system:kube-scheduler", ControllerRoles.Manager] },
        new("system:kube-controller-manager",
            TellEvents,
            Rule("create get update", "coordination.k8s.io", "leases"),
            Rule("create get update", "core", "secrets serviceaccounts"), Rule("delete", "core", "secrets"), Rule("get", "core", "configmaps namespaces"),
            Rule("create", "core", "serviceaccounts/token"),
            Rule("list watch", "*", "*"),
            Rule("create", "authentication.k8s.io", "tokenreviews"), Rule("create", "authorization.k8s.io", "subjectaccessreviews"))
        { BoundTo = [ControllerRoles.Manager] },

        .. ControllerRoles.All,
    ];

    /// <param name="verbs">Separated by blanks, as are the others.</param>
    /// <param name="groups"><c>core</c> is the group without a name.</param>
    /// <param name="resources">Plurals, with subresources as <c>pods/log</c>.</param>
    public static PolicyRule Rule(string verbs, string groups, string resources) =>
        new() { Verbs = verbs.Split(' '), ApiGroups = [.. groups.Split(' ').Select(g => g == "core" ? "" : g)], Resources = resources.Split(' ') };

    private static PolicyRule Urls(string verbs, string urls) => new() { Verbs = verbs.Split(' '), NonResourceUrls = urls.Split(' ') };

    private static PolicyRule Approve(string signer) => new() { Verbs = ["approve"], ApiGroups = [Certificates], Resources = [Signers], ResourceNames = [signer] };
}

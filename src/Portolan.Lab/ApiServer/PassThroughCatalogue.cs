using System.Text.Json;
using System.Text.Json.Nodes;
using Portolan.Lab.ApiServer.Patching;
using Portolan.Lab.ApiServer.Schema;

namespace Portolan.Lab.ApiServer;

internal sealed class PassThroughCatalogue : ISchemaCatalogue
{
    private sealed class Kind1 : KindSchema
    {
        public override IReadOnlyList<TableColumn> Columns { get; } = [new("Name", Format: "name"), new("Age", "date")];

        public override JsonObject ApplyMerge(JsonObject live, JsonObject applied) => MergePatch.Apply(live, applied);

        public override DecodeOutcome Decode(JsonObject body) => new(null, []);

        public override void Default(JsonObject obj)
        {
        }

        public override JsonObject StrategicMerge(JsonObject original, JsonObject patch) => MergePatch.Apply(original, patch);

        public override IReadOnlyList<FieldError> ValidateCreate(JsonObject obj) => [];

        public override IReadOnlyList<FieldError> ValidateUpdate(JsonObject obj, JsonObject old, string? subresource) => [];

        public override void WriteCells(JsonElement obj, Utf8JsonWriter cells, DateTimeOffset now)
        {
            cells.WriteStringValue(obj.GetProperty("metadata").GetProperty("name").GetString());
            cells.WriteStringValue(obj.GetProperty("metadata").GetProperty("creationTimestamp").GetString());
        }
    }

    private static Kind1 K(string group, string kind, string plural, string singular, bool namespaced, string shorts = "", params string[] subresources) => new()
    {
        Group = group, Version = "v1", Kind = kind, Plural = plural, Singular = singular, Namespaced = namespaced, Subresources = subresources,
        ShortNames = shorts.Length == 0 ? [] : shorts.Split(','), TracksGeneration = group is "apps" or "discovery.k8s.io",
        Scale = subresources.Contains("scale") ? new(".spec.replicas", ".status.replicas", ".status.selector") : null,
    };

    public IReadOnlyList<KindSchema> BuiltIn { get; } =
    [
        K("", "Namespace", "namespaces", "namespace", false, "ns", "status", "finalize"),
        K("", "Node", "nodes", "node", false, "no", "status"),
        K("", "Pod", "pods", "pod", true, "po", "status", "binding", "eviction", "log", "exec", "attach"),
        K("", "Service", "services", "service", true, "svc", "status"),
        K("", "Endpoints", "endpoints", "endpoints", true, "ep"),
        K("", "ConfigMap", "configmaps", "configmap", true, "cm"),
        K("", "Secret", "secrets", "secret", true),
        K("", "ServiceAccount", "serviceaccounts", "serviceaccount", true, "sa", "token"),
        K("", "Event", "events", "event", true, "ev"),
        K("events.k8s.io", "Event", "events", "event", true, "ev"),
        K("apps", "ReplicaSet", "replicasets", "replicaset", true, "rs", "status", "scale"),
        K("apps", "Deployment", "deployments", "deployment", true, "deploy", "status", "scale"),
        K("apps", "DaemonSet", "daemonsets", "daemonset", true, "ds", "status"),
        K("apps", "ControllerRevision", "controllerrevisions", "controllerrevision", true),
        K("discovery.k8s.io", "EndpointSlice", "endpointslices", "endpointslice", true),
        K("coordination.k8s.io", "Lease", "leases", "lease", true),
        K("rbac.authorization.k8s.io", "Role", "roles", "role", true),
        K("rbac.authorization.k8s.io", "RoleBinding", "rolebindings", "rolebinding", true),
        K("rbac.authorization.k8s.io", "ClusterRole", "clusterroles", "clusterrole", false),
        K("rbac.authorization.k8s.io", "ClusterRoleBinding", "clusterrolebindings", "clusterrolebinding", false),
        K("apiextensions.k8s.io", "CustomResourceDefinition", "customresourcedefinitions", "customresourcedefinition", false, "crd,crds", "status"),
        K("admissionregistration.k8s.io", "ValidatingWebhookConfiguration", "validatingwebhookconfigurations", "validatingwebhookconfiguration", false),
        K("scheduling.k8s.io", "PriorityClass", "priorityclasses", "priorityclass", false, "pc"),
        K("policy", "PodDisruptionBudget", "poddisruptionbudgets", "poddisruptionbudget", true, "pdb", "status"),
    ];

    public IReadOnlyList<KindSchema> Compile(JsonObject crd)
    {
        var spec = (JsonObject)crd["spec"]!;
        var names = (JsonObject)spec["names"]!;
        return [.. ((JsonArray)spec["versions"]!).Where(v => (bool)v!["served"]!).Select(v => new Kind1
        {
            Group = (string)spec["group"]!,
            Version = (string)v!["name"]!,
            Kind = (string)names["kind"]!,
            Plural = (string)names["plural"]!,
            Singular = (string?)names["singular"] ?? "",
            Namespaced = (string?)spec["scope"] == "Namespaced",
            IsCustom = true,
            TracksGeneration = true,
            Subresources = v["subresources"]?["status"] is null ? [] : ["status"],
            ShortNames = [.. (names["shortNames"] as JsonArray ?? []).Select(s => (string)s!)],
        })];
    }

    public byte[] OpenApiV3(string group, string version, IReadOnlyList<KindSchema> kinds) => "{\"openapi\":\"3.0.0\",\"info\":{\"title\":\"Kubernetes\",\"version\":\"v1.33.0\"},\"paths\":{},\"components\":{\"schemas\":{}}}"u8.ToArray();
}

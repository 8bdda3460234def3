using System.Text.Json.Nodes;

using Portolan.Kubernetes.Client;
using Portolan.Kubernetes.Resources;
using Portolan.Kubernetes.Yaml;

namespace Portolan.Lab.Commands;

/// <summary>What the lab puts into its own cluster before anyone else does.</summary>
internal static class SystemManifests
{
    private static readonly Dictionary<string, (string Group, string Version, string Plural, bool Namespaced)> s_kinds = new(StringComparer.Ordinal)
    {
        ["Namespace"] = ("", "v1", "namespaces", false),
        ["ServiceAccount"] = ("", "v1", "serviceaccounts", true),
        ["ConfigMap"] = ("", "v1", "configmaps", true),
        ["Service"] = ("", "v1", "services", true),
        ["Deployment"] = ("apps", "v1", "deployments", true),
        ["DaemonSet"] = ("apps", "v1", "daemonsets", true),
        ["ClusterRole"] = ("rbac.authorization.k8s.io", "v1", "clusterroles", false),
        ["ClusterRoleBinding"] = ("rbac.authorization.k8s.io", "v1", "clusterrolebindings", false),
        ["Role"] = ("rbac.authorization.k8s.io", "v1", "roles", true),
        ["RoleBinding"] = ("rbac.authorization.k8s.io", "v1", "rolebindings", true),
    };

    public static string Text(bool dualStack)
    {
        using var stream = typeof(SystemManifests).Assembly.GetManifestResourceStream("system.yaml") ?? throw new InvalidOperationException("system.yaml is not embedded");
        using var reader = new StreamReader(stream);
        var text = reader.ReadToEnd();
        return dualStack ? text.Replace("# dual stack: ", "", StringComparison.Ordinal) : text;
    }

    /// <summary>Creates what is missing; what is there stays as it is, because the lab's user may have changed it.</summary>
    public static async Task CreateMissingAsync(KubeClient client, string yaml, CancellationToken cancel)
    {
        foreach (var document in YamlJson.Documents(yaml).OfType<JsonObject>())
        {
            var value = new UntypedObject(document);
            if (value.Kind is null || !s_kinds.TryGetValue(value.Kind, out var kind))
                throw new InvalidOperationException($"a system manifest holds a {value.Kind ?? "document without kind"}");
            var type = ResourceType.Untyped(kind.Group, kind.Version, kind.Plural, value.Kind, kind.Namespaced);
            if (await client.FindAsync(type, value.Metadata.Namespace, value.Metadata.Name!, cancel).ConfigureAwait(false) is null)
                await CreateAsync(client, type, value, cancel).ConfigureAwait(false);
        }
    }

    private static async Task CreateAsync(KubeClient client, ResourceType<UntypedObject> type, UntypedObject value, CancellationToken cancel)
    {
        try
        {
            await client.CreateAsync(type, value.Metadata.Namespace, value, cancel).ConfigureAwait(false);
        }
        catch (KubeApiException e) when (e.IsAlreadyExists)
        {
            // The API server makes some of these itself, at this very moment.
        }
    }
}

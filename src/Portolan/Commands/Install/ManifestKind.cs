using System.Text.Json.Nodes;
using Portolan.Kubernetes.Client;
using Portolan.Kubernetes.Resources;

namespace Portolan.Commands.Install;

/// <summary>Where objects of the manifests' kinds are served.</summary>
internal static class ManifestKind
{
    private static readonly Dictionary<string, (string Plural, bool Namespaced)> Known = new(StringComparer.Ordinal)
    {
        ["Namespace"] = ("namespaces", false),
        ["ServiceAccount"] = ("serviceaccounts", true),
        ["ClusterRole"] = ("clusterroles", false),
        ["ClusterRoleBinding"] = ("clusterrolebindings", false),
        ["Role"] = ("roles", true),
        ["RoleBinding"] = ("rolebindings", true),
        ["Service"] = ("services", true),
        ["ValidatingWebhookConfiguration"] = ("validatingwebhookconfigurations", false),
        ["Deployment"] = ("deployments", true),
        ["DaemonSet"] = ("daemonsets", true),
        ["CustomResourceDefinition"] = ("customresourcedefinitions", false),
        ["IPAddressPool"] = ("ipaddresspools", true),
        ["L2Advertisement"] = ("l2advertisements", true),
        ["BGPAdvertisement"] = ("bgpadvertisements", true),
        ["BGPPeer"] = ("bgppeers", true),
        ["BFDProfile"] = ("bfdprofiles", true),
    };

    /// <exception cref="InvalidOperationException">A manifest of ours has a kind that is not listed here.</exception>
    public static ResourceType<UntypedObject> Of(JsonObject manifest)
    {
        var kind = (string)manifest["kind"]!;
        var apiVersion = (string)manifest["apiVersion"]!;
        if (!Known.TryGetValue(kind, out var known))
            throw new InvalidOperationException($"the kind {kind} is not known to the installer");
        var slash = apiVersion.IndexOf('/', StringComparison.Ordinal);
        var (group, version) = slash < 0 ? ("", apiVersion) : (apiVersion[..slash], apiVersion[(slash + 1)..]);
        return ResourceType.Untyped(group, version, known.Plural, kind, known.Namespaced);
    }

    /// <summary>The object's name as kubectl prints it: <c>deployment.apps/controller</c>.</summary>
    public static string Title(JsonObject manifest)
    {
        var type = Of(manifest);
        return $"{type.Kind.ToLowerInvariant()}{(type.Group.Length > 0 ? "." + type.Group : "")}/{(string?)manifest["metadata"]!["name"]}";
    }
}

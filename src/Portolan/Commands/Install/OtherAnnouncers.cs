using System.Text.Json.Nodes;
using Portolan.Kubernetes.Client;
using Portolan.Kubernetes.Resources;

namespace Portolan.Commands.Install;

/// <summary>
/// Finds a MetalLB, or a Portolan, that serves the same Services under other names than the ones to be installed: two of them would hand out and announce the same addresses.
/// One under the same names is not looked for: it is taken over, its objects become ours.
/// </summary>
internal static class OtherAnnouncers
{
    private static readonly ResourceType<UntypedObject> _deployments = ResourceType.Untyped("apps", "v1", "deployments", "Deployment", true);
    private static readonly ResourceType<UntypedObject> _daemonSets = ResourceType.Untyped("apps", "v1", "daemonsets", "DaemonSet", true);

    /// <returns>What was found and what to do about it, or null.</returns>
    public static async Task<string?> FindAsync(KubeClient client, InstallPlan plan, CancellationToken stop)
    {
        var deployments = await client.ListAsync(_deployments, ct: stop);
        var daemonSets = await client.ListAsync(_daemonSets, ct: stop);
        return Among([.. deployments.Items.Select(item => ("Deployment", item)), .. daemonSets.Items.Select(item => ("DaemonSet", item))], plan.Namespace, plan.LoadBalancerClass);
    }

    /// <summary>The same, from the workloads of the cluster.</summary>
    public static string? Among(IEnumerable<(string Kind, UntypedObject Object)> workloads, string ns, string? loadBalancerClass)
    {
        foreach (var (kind, workload) in workloads)
        {
            var (name, where) = (workload.Metadata.Name, workload.Metadata.Namespace);
            var labels = workload.Json["spec"]?["template"]?["metadata"]?["labels"] as JsonObject ?? [];
            var component = (string?)labels["app.kubernetes.io/component"] ?? (string?)labels["component"];
            var isMetalLb = (string?)labels["app"] == "metallb" || (string?)labels["app.kubernetes.io/name"] == "metallb";
            if (!isMetalLb || component is not ("controller" or "speaker") || ClassOf(workload.Json) != loadBalancerClass || (where == ns && name == component))
                continue;
            var release = (string?)(workload.Json["metadata"]?["annotations"] as JsonObject)?["meta.helm.sh/release-name"];
            var what = $"{kind} {where}/{name} serves {(loadBalancerClass is null ? "the Services without a loadBalancerClass" : $"the loadBalancerClass {loadBalancerClass}")} already, and two would fight over the same addresses. ";
            return what + (release is not null
                ? $"It is Helm's release {release}: swap it in place with `helm upgrade {release} deploy/chart/portolan -n {where}`"
                : $"Delete it first, but none of its CustomResourceDefinitions: the pools would go with them")
                + ", or give this installation a class of its own with --lb-class";
        }

        return null;
    }

    private static string? ClassOf(JsonObject workload)
    {
        foreach (var container in workload["spec"]?["template"]?["spec"]?["containers"] as JsonArray ?? [])
            foreach (var argument in container?["args"] as JsonArray ?? [])
                if ((string?)argument is { } text && text.StartsWith("--lb-class=", StringComparison.Ordinal) && text.Length > "--lb-class=".Length)
                    return text["--lb-class=".Length..];
        return null;
    }
}

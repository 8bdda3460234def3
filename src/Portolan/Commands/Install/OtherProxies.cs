using System.Text.Json.Nodes;
using Portolan.Kubernetes.Client;
using Portolan.Kubernetes.Resources;

namespace Portolan.Commands.Install;

/// <summary>A kube-proxy that serves this cluster.</summary>
/// <param name="What">How it was found.</param>
/// <param name="Advice">What a person does about it.</param>
/// <param name="DaemonSet">Its DaemonSet, where it is one that can be taken off the nodes from here; otherwise null.</param>
internal sealed record OtherProxy(string What, string Advice, UntypedObject? DaemonSet = null);

/// <summary>
/// Finds a running kube-proxy: beside it, two would program the same nodes, bind the same ports, and each undo what the other wrote.
/// One that runs on Windows nodes only is no matter.
/// </summary>
internal static class OtherProxies
{
    /// <summary>In the node selector of a kube-proxy that was replaced, as a label that no node has; and an annotation of its DaemonSet.</summary>
    public const string Replaced = "portolan.dev/replaced";

    public static readonly ResourceType<UntypedObject> DaemonSets = ResourceType.Untyped("apps", "v1", "daemonsets", "DaemonSet", true);
    private static readonly ResourceType<UntypedObject> _nodes = ResourceType.Untyped("", "v1", "nodes", "Node", false);

    /// <summary>Every kube-proxy that serves the cluster.</summary>
    public static async Task<IReadOnlyList<OtherProxy>> FindAsync(KubeClient client, CancellationToken stop)
    {
        var daemonSets = await client.ListAsync(DaemonSets, ct: stop);
        var pods = new List<UntypedObject>();
        foreach (var selector in (string[])["k8s-app=kube-proxy", "component=kube-proxy"])
            pods.AddRange((await client.ListAsync(Kinds.Pods, labelSelector: selector, ct: stop)).Items);
        var nodes = await client.ListAsync(_nodes, ct: stop);
        return Among(daemonSets.Items, pods, nodes.Items);
    }

    /// <summary>The same, from the objects of the cluster.</summary>
    /// <param name="daemonSets">All DaemonSets.</param>
    /// <param name="pods">The pods labelled as kube-proxy's.</param>
    /// <param name="nodes">All nodes.</param>
    public static IReadOnlyList<OtherProxy> Among(IEnumerable<UntypedObject> daemonSets, IEnumerable<UntypedObject> pods, IReadOnlyCollection<UntypedObject> nodes)
    {
        var found = new List<OtherProxy>();
        foreach (var set in daemonSets.Where(IsKubeProxy))
        {
            if (IsRunning(set.Json))
                found.Add(new OtherProxy(
                    $"DaemonSet {set.Metadata.Namespace}/{set.Metadata.Name} runs kube-proxy on {Count(set.Json)}", "--replace-kube-proxy takes it off the nodes, and --restore-kube-proxy puts it back", set));
        }

        // Those of the DaemonSets go with them.
        var alone = pods.Where(pod => !Owners(pod.Json).Contains("DaemonSet") && !IsOver(pod.Json) && !IsForWindows(pod.Json["spec"])).ToList();
        if (alone.Count > 0)
            found.Add(new OtherProxy(
                $"pod {alone[0].Metadata.Namespace}/{alone[0].Metadata.Name} runs kube-proxy{(alone.Count > 1 ? $", and {alone.Count - 1} more like it" : "")}, without a DaemonSet",
                "as a static pod it goes when its manifest leaves the node (RKE2: disable-kube-proxy: true in /etc/rancher/rke2/config.yaml of every server, then restart them)"));
        if (EmbeddedIn(nodes) is { } node)
            found.Add(new OtherProxy(
                $"node {node} runs k3s with its built-in kube-proxy", "restart the servers with --disable-kube-proxy, then the agents"));
        return found;
    }

    private static bool IsKubeProxy(UntypedObject set)
    {
        var template = set.Json["spec"]?["template"];
        var labels = template?["metadata"]?["labels"] as JsonObject;
        return (set.Metadata.Name == "kube-proxy" || (string?)labels?["k8s-app"] == "kube-proxy" || (string?)labels?["component"] == "kube-proxy") && !IsForWindows(template?["spec"]);
    }

    private static bool IsForWindows(JsonNode? podSpec) =>
        (string?)podSpec?["nodeSelector"]?["kubernetes.io/os"] == "windows" || (string?)podSpec?["os"]?["name"] == "windows";

    private static bool IsRunning(JsonObject set)
    {
        if (set["spec"]?["template"]?["spec"]?["nodeSelector"] is JsonObject selector && selector.ContainsKey(Replaced))
            return Number(set["status"], "currentNumberScheduled") > 0 || Number(set["status"], "numberMisscheduled") > 0;
        // Whoever has not seen it yet will start it.
        return Number(set["status"], "desiredNumberScheduled") != 0 || Number(set["status"], "observedGeneration") < Math.Max(1, Number(set["metadata"], "generation"));
    }

    private static string Count(JsonObject set) => Number(set["status"], "desiredNumberScheduled") is > 0 and var count ? $"{count} node{(count == 1 ? "" : "s")}" : "the nodes";

    private static bool IsOver(JsonObject pod) => (string?)pod["status"]?["phase"] is "Succeeded" or "Failed";

    private static IEnumerable<string?> Owners(JsonObject pod) => (pod["metadata"]?["ownerReferences"] as JsonArray ?? []).Select(owner => (string?)owner?["kind"]);

    // k3s writes its arguments, those of its configuration file too, on its Node; what a server was told holds for the agents.
    private static string? EmbeddedIn(IReadOnlyCollection<UntypedObject> nodes)
    {
        string? embedded = null;
        foreach (var node in nodes)
        {
            if ((string?)(node.Json["metadata"]?["annotations"] as JsonObject)?["k3s.io/node-args"] is not { } arguments)
                continue;
            if (arguments.Contains("\"--disable-kube-proxy\"", StringComparison.Ordinal) || arguments.Contains("\"--disable-kube-proxy=true\"", StringComparison.Ordinal))
                return null;
            embedded ??= node.Metadata.Name;
        }

        return embedded;
    }

    private static long Number(JsonNode? part, string field) => (part as JsonObject)?[field] is JsonValue value && value.TryGetValue<long>(out var number) ? number : 0;
}

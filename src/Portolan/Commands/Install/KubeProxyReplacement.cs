using System.Text.Json.Nodes;
using Portolan.Kubernetes.Client;
using Portolan.Kubernetes.Resources;

namespace Portolan.Commands.Install;

/// <summary>
/// Takes kube-proxy's DaemonSet off the nodes, and puts it back. Its node selector gets a label more, which no node has; everything else of
/// it stays as it is. What it programmed goes on forwarding until ours is in force and removes it.
/// </summary>
internal sealed class KubeProxyReplacement(KubeClient client, TextWriter output, Progress progress, TimeProvider time)
{
    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(250);

    /// <summary>Takes it off the nodes and waits until it is gone: it holds the ports that our proxy wants.</summary>
    /// <returns>Null when it is gone, otherwise what is still there after the time.</returns>
    public async Task<string?> DisableAsync(UntypedObject daemonSet, TimeSpan patience, CancellationToken stop)
    {
        await PatchAsync(daemonSet, new JsonObject { ["metadata"] = Annotation("true"), ["spec"] = Selecting("true") }, stop);
        await output.WriteLineAsync($"daemonset.apps/{daemonSet.Metadata.Name} taken off the nodes");
        return await UntilAsync(daemonSet, IsGone, "still runs", patience, stop);
    }

    /// <summary>Puts it back and waits until it runs everywhere.</summary>
    /// <returns>Null when it runs, otherwise what is missing after the time.</returns>
    public async Task<string?> EnableAsync(UntypedObject daemonSet, TimeSpan patience, CancellationToken stop)
    {
        await PatchAsync(daemonSet, new JsonObject { ["spec"] = Selecting(null) }, stop);
        await output.WriteLineAsync($"daemonset.apps/{daemonSet.Metadata.Name} put back");
        return await UntilAsync(daemonSet, set => WorkloadState.Of(set).IsComplete, "does not run everywhere", patience, stop);
    }

    /// <summary>Takes the last trace off, once everything else is as it was.</summary>
    public Task ForgetAsync(UntypedObject daemonSet, CancellationToken stop) => PatchAsync(daemonSet, new JsonObject { ["metadata"] = Annotation(null) }, stop);

    /// <summary>The kube-proxies that were replaced, and are not yet back for good.</summary>
    public async Task<IReadOnlyList<UntypedObject>> ReplacedAsync(CancellationToken stop) =>
        [.. (await client.ListAsync(OtherProxies.DaemonSets, ct: stop)).Items.Where(set => Has(set.Json["metadata"]?["annotations"]) || Has(set.Json["spec"]?["template"]?["spec"]?["nodeSelector"]))];

    private static bool Has(JsonNode? map) => map is JsonObject fields && fields.ContainsKey(OtherProxies.Replaced);

    private Task PatchAsync(UntypedObject daemonSet, JsonObject patch, CancellationToken stop) =>
        client.PatchAsync(OtherProxies.DaemonSets, daemonSet.Metadata.Namespace, daemonSet.Metadata.Name!, PatchKind.Merge, patch, ct: stop);

    private static JsonObject Annotation(string? value) => new() { ["annotations"] = new JsonObject { [OtherProxies.Replaced] = value } };

    private static JsonObject Selecting(string? value) => new()
    {
        ["template"] = new JsonObject { ["spec"] = new JsonObject { ["nodeSelector"] = new JsonObject { [OtherProxies.Replaced] = value } } },
    };

    private static bool IsGone(JsonObject set)
    {
        var status = set["status"];
        return Number(status, "observedGeneration") >= Number(set["metadata"], "generation")
            && Number(status, "desiredNumberScheduled") == 0 && Number(status, "currentNumberScheduled") == 0 && Number(status, "numberMisscheduled") == 0;
    }

    private async Task<string?> UntilAsync(UntypedObject daemonSet, Func<JsonObject, bool> condition, string otherwise, TimeSpan patience, CancellationToken stop)
    {
        var (ns, name) = (daemonSet.Metadata.Namespace, daemonSet.Metadata.Name!);
        var started = time.GetTimestamp();
        while (true)
        {
            var state = $"{ns}/{name} {otherwise}";
            if (condition((await client.GetAsync(OtherProxies.DaemonSets, ns, name, stop)).Json))
                return null;
            progress.Now("waiting: " + state);
            if (time.GetElapsedTime(started) > patience)
                return state;
            await Task.Delay(Pause, time, stop);
        }
    }

    private static long Number(JsonNode? part, string field) => (part as JsonObject)?[field] is JsonValue value && value.TryGetValue<long>(out var number) ? number : 0;
}

using System.Text.Json.Nodes;
using Portolan.Hosting;
using Portolan.Kubernetes.Client;
using Portolan.Kubernetes.Resources;

namespace Portolan.Commands.Install;

/// <summary>
/// The way back to kube-proxy: our proxy goes, and what it programmed stays and forwards; kube-proxy comes back and programs the same; a
/// pod on each node then removes what is ours. At no moment is a node without rules.
/// </summary>
internal sealed class KubeProxyRestorer(KubeClient client, InstallPlan plan, TextWriter output, Progress progress, TimeProvider time)
{
    private const string Namespace = "kube-system", Label = "portolan-proxy-cleanup";
    private static readonly ResourceType<UntypedObject> _nodes = ResourceType.Untyped("", "v1", "nodes", "Node", false);
    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(250);

    public async Task<int> RunAsync(CancellationToken stop)
    {
        var patience = plan.Timeout ?? InstallPlan.DefaultTimeout;
        var replacement = new KubeProxyReplacement(client, output, progress, time);
        var replaced = await replacement.ReplacedAsync(stop);
        if (replaced.Count == 0)
        {
            await Console.Error.WriteLineAsync("portolan install: no DaemonSet of kube-proxy was taken off the nodes by --replace-kube-proxy: start yours as you stopped it, "
                + "then run portolan proxy --cleanup on each node");
            return ExitCode.NotWell;
        }

        if (await DeleteProxyAsync(patience, stop) is { } there)
            return await FailAsync(there);
        foreach (var daemonSet in replaced)
        {
            if (await replacement.EnableAsync(daemonSet, patience, stop) is { } missing)
                return await FailAsync(missing);
        }

        if (await CleanNodesAsync(patience, stop) is { } unclean)
            return await FailAsync(unclean);
        foreach (var daemonSet in replaced)
            await replacement.ForgetAsync(daemonSet, stop);
        return ExitCode.Done;
    }

    private async Task<int> FailAsync(string why)
    {
        progress.Clear();
        await Console.Error.WriteLineAsync($"portolan install: {why}; run this again to go on");
        return ExitCode.NotWell;
    }

    // The pods first, and until they are gone: kube-proxy wants their ports.
    private async Task<string?> DeleteProxyAsync(TimeSpan patience, CancellationToken stop)
    {
        var started = time.GetTimestamp();
        foreach (var manifest in Manifests.Proxy(plan.Image, "").Reverse())
        {
            var (type, ns, name) = (ManifestKind.Of(manifest), (string?)manifest["metadata"]!["namespace"], (string)manifest["metadata"]!["name"]!);
            if (await client.FindAsync(type, ns, name, stop) is null)
                continue; // an earlier run came this far
            var hasPods = type.Kind == "DaemonSet";
            await client.DeleteAsync(type, ns, name, propagationPolicy: hasPods ? "Foreground" : null, ct: stop);
            while (hasPods && await client.FindAsync(type, ns, name, stop) is not null)
            {
                progress.Now($"waiting until {ManifestKind.Title(manifest)} is gone");
                if (time.GetElapsedTime(started) > patience)
                    return $"{ManifestKind.Title(manifest)} is still there";
                await Task.Delay(Pause, time, stop);
            }

            await output.WriteLineAsync($"{ManifestKind.Title(manifest)} deleted");
        }

        return null;
    }

    // A pod for each node, bound to it: it runs there whatever the node's taints, and once.
    private async Task<string?> CleanNodesAsync(TimeSpan patience, CancellationToken stop)
    {
        foreach (var node in (await client.ListAsync(_nodes, ct: stop)).Items)
        {
            try
            {
                if ((string?)node.Json["metadata"]?["labels"]?["kubernetes.io/os"] is not "windows")
                    await client.CreateAsync(Kinds.Pods, Namespace, new UntypedObject(CleanupPod(node.Metadata.Name!)), stop);
            }
            catch (KubeApiException there) when (there.IsAlreadyExists)
            {
                // Of an earlier run.
            }
        }

        var started = time.GetTimestamp();
        while (true)
        {
            var pods = (await client.ListAsync(Kinds.Pods, Namespace, labelSelector: "app=" + Label, ct: stop)).Items;
            var waiting = new List<string>();
            foreach (var pod in pods)
            {
                var where = (string?)pod.Spec?["nodeName"] ?? pod.Metadata.Name!;
                if ((string?)pod.Status?["phase"] is "Succeeded")
                {
                    await client.DeleteAsync(Kinds.Pods, Namespace, pod.Metadata.Name!, ct: stop);
                    await output.WriteLineAsync($"node/{where} cleaned");
                }
                else
                {
                    waiting.Add((string?)pod.Status?["phase"] is "Failed" ? $"{where} (failed: kubectl logs -n {Namespace} {pod.Metadata.Name})" : where);
                }
            }

            if (waiting.Count == 0)
                return null;
            var state = $"not cleaned: {string.Join(", ", waiting.Take(6))}{(waiting.Count > 6 ? $" and {waiting.Count - 6} more" : "")}";
            progress.Now(state);
            if (time.GetElapsedTime(started) > patience)
                return state;
            await Task.Delay(Pause, time, stop);
        }
    }

    private JsonObject CleanupPod(string node) => new()
    {
        ["metadata"] = new JsonObject { ["name"] = $"{Label}-{node}", ["namespace"] = Namespace, ["labels"] = new JsonObject { ["app"] = Label } },
        ["spec"] = new JsonObject
        {
            ["nodeName"] = node,
            ["hostNetwork"] = true,
            ["restartPolicy"] = "Never",
            ["tolerations"] = new JsonArray(new JsonObject { ["operator"] = "Exists" }),
            ["automountServiceAccountToken"] = false,
            ["securityContext"] = new JsonObject { ["seccompProfile"] = new JsonObject { ["type"] = "RuntimeDefault" } },
            ["containers"] = new JsonArray(new JsonObject
            {
                ["name"] = Label,
                ["image"] = plan.Image,
                ["imagePullPolicy"] = "IfNotPresent",
                ["command"] = new JsonArray("portolan"),
                ["args"] = new JsonArray("proxy", "--cleanup"),
                ["securityContext"] = new JsonObject
                {
                    ["runAsUser"] = 0,
                    ["allowPrivilegeEscalation"] = false,
                    ["readOnlyRootFilesystem"] = true,
                    ["capabilities"] = new JsonObject { ["drop"] = new JsonArray("ALL"), ["add"] = new JsonArray("NET_ADMIN") },
                },
            }),
        },
    };
}

using System.Threading.Channels;

using Portolan.Kubernetes.Client;
using Portolan.Kubernetes.Resources;
using Portolan.Kubernetes.Watching;
using Portolan.Lab.Supervision;

namespace Portolan.Lab.Commands;

internal sealed class SettlingException(string message) : Exception(message);

/// <summary>Waits, by watching, until what the lab consists of is Ready.</summary>
internal sealed class LabSettling(LabLayout layout, LabSpec spec, TimeSpan patienceEach, Progress progress)
{
    private static readonly TimeSpan s_betweenAttempts = TimeSpan.FromMilliseconds(50);

    /// <summary>From programs that are starting to nodes, DNS and proxy that work.</summary>
    public async Task RunAsync(CancellationToken cancel)
    {
        using var client = Connect();
        progress.Now("waiting for the API server");
        await ReachApiServerAsync(client, cancel).ConfigureAwait(false);
        progress.Done($"API server on {client.Connection.Server.Authority}");
        progress.Now("applying what DNS and proxy lack");
        await SystemManifests.CreateMissingAsync(client, SystemManifests.Text(spec.DualStack), cancel).ConfigureAwait(false);
        // As on the cluster of the article, whose kube-proxy runs in ipvs mode: node ports at every address of a node.
        // There the addresses of Services are every node's own: which of them answers for one on the LAN is to be the speaker's decision.
        string[] mode = spec.HasIpvs ? ["--proxy-arg=--proxy-mode=ipvs", "--proxy-arg=--ipvs-strict-arp"] : [];
        string[] install = ["install", "--only-proxy", "--master", "https://192.168.100.10:6443", "--proxy-arg=--nodeport-addresses=all", .. mode, "--print"];
        var proxy = await Tool.RunAsync(Executables.Portolan, install, null, cancel).ConfigureAwait(false);
        await SystemManifests.CreateMissingAsync(client, proxy, cancel).ConfigureAwait(false);
        await WaitAsync("kube-system", cancel).ConfigureAwait(false);
    }

    /// <summary>All nodes Ready, and every workload of the namespace with all its pods.</summary>
    public async Task WaitAsync(string ns, CancellationToken cancel)
    {
        using var client = Connect();
        using var patience = CancellationTokenSource.CreateLinkedTokenSource(cancel);
        patience.CancelAfter(patienceEach);
        var picture = new SettlingPicture(spec.Nodes, ns);
        var changes = Channel.CreateBounded<Action>(new BoundedChannelOptions(1024) { SingleReader = true });
        var watches = Task.WhenAll(
            WatchAsync(client, "", "v1", "nodes", "Node", null, picture, changes.Writer, patience.Token),
            WatchAsync(client, "", "v1", "pods", "Pod", ns, picture, changes.Writer, patience.Token),
            WatchAsync(client, "apps", "v1", "deployments", "Deployment", ns, picture, changes.Writer, patience.Token),
            WatchAsync(client, "apps", "v1", "daemonsets", "DaemonSet", ns, picture, changes.Writer, patience.Token));
        try
        {
            while (!picture.IsSettled)
            {
                var change = await changes.Reader.ReadAsync(patience.Token).ConfigureAwait(false);
                change();
                while (changes.Reader.TryRead(out var next))
                    next();
                progress.Now(picture.Summary);
            }
            progress.Done(picture.Summary);
        }
        catch (OperationCanceledException) when (!cancel.IsCancellationRequested)
        {
            throw new SettlingException($"after {patienceEach.TotalSeconds:F0} s {picture.Missing}{string.Concat(picture.SuspectLogs.Select(l => "\n" + LogTail.Of(layout.Log(l))))}");
        }
        finally
        {
            await patience.CancelAsync().ConfigureAwait(false);
            await ((Task)watches).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    private KubeClient Connect() => new(ClusterConnection.Load(layout.Kubeconfig("admin")));

    private async Task ReachApiServerAsync(KubeClient client, CancellationToken cancel)
    {
        using var patience = CancellationTokenSource.CreateLinkedTokenSource(cancel);
        patience.CancelAfter(patienceEach);
        string reason = "it never answered";
        try
        {
            while (true)
            {
                try
                {
                    await client.RequestAsync(HttpMethod.Get, "/version", null, patience.Token).ConfigureAwait(false);
                    return;
                }
                catch (Exception e) when (e is HttpRequestException or KubeApiException or OperationCanceledException && !patience.IsCancellationRequested)
                {
                    reason = e.Message;
                }
                await Task.Delay(s_betweenAttempts, patience.Token).ConfigureAwait(false);
            }
        }
        catch (OperationCanceledException) when (!cancel.IsCancellationRequested)
        {
            throw new SettlingException($"no API server after {patienceEach.TotalSeconds:F0} s: {reason}\n{LogTail.Of(layout.Log("apiserver"))}\n{LogTail.Of(layout.Log("supervisor"))}");
        }
    }

    private static Task WatchAsync(KubeClient client, string group, string version, string plural, string kind, string? ns, SettlingPicture picture, ChannelWriter<Action> changes, CancellationToken cancel)
    {
        var type = ResourceType.Untyped(group, version, plural, kind, namespaced: ns is not null);
        return new Reflector<UntypedObject>(client, type, ns).RunAsync(
            change => changes.WriteAsync(() => picture.Apply(kind, change), cancel), cancel);
    }
}

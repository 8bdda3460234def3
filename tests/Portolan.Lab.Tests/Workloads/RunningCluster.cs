using System.Diagnostics;
using System.Text.Json.Nodes;
using System.Threading.Channels;
using Microsoft.Extensions.Logging.Abstractions;
using Portolan.Kubernetes.Client;
using Portolan.Kubernetes.Resources;
using Portolan.Kubernetes.Watching;
using Portolan.Lab.Tests.ApiServer;
using Portolan.Lab.Workloads;

namespace Portolan.Lab.Tests.Workloads;

/// <summary>
/// An API server and all controllers in this process, with three nodes that only say what a node agent would: a pod that is bound runs and is Ready, one that is
/// deleted goes. By its first container's image a pod is <c>broken</c> (runs, never Ready), <c>done</c> (succeeds), <c>fails</c>, or <c>stays</c> (Ready, and ignores its deletion).
/// </summary>
public sealed class RunningCluster : IAsyncLifetime
{
    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(60);
    private readonly RunningServer _server = new();
    private readonly CancellationTokenSource _stop = new();
    private readonly List<Task> _parts = [];
    private readonly TimeSpan _grace;
    private readonly TimeSpan _eviction;
    private int _namespaces;
    private int _addresses;

    public RunningCluster()
        : this(TimeSpan.FromHours(1), TimeSpan.FromMinutes(5))
    {
    }

    /// <param name="grace">How long a node may be silent: these say nothing unless <see cref="BeatAsync"/> speaks for them.</param>
    /// <param name="eviction">How long a pod stays on one that is not Ready.</param>
    internal RunningCluster(TimeSpan grace, TimeSpan eviction) => (_grace, _eviction) = (grace, eviction);

    internal KubeClient Client { get; private set; } = null!;

    public async ValueTask InitializeAsync()
    {
        await _server.InitializeAsync();
        Client = new KubeClient(ClusterConnection.Load(_server.State.WriteKubeconfig(_server.Address)));
        foreach (var (node, zone) in new[] { ("node1", "a"), ("node2", "b"), ("node3", "c") })
            await AddNodeAsync(node, zone);
        var loop = new ControlLoop(Client, TimeProvider.System, NullLogger.Instance, (cache, writer) => ControllerSet.Of(cache, writer, _server.State.AuthorityPem, _grace, _eviction));
        _parts.Add(loop.RunAsync(_stop.Token));
        _parts.Add(PlayNodesAsync());
    }

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        foreach (var part in _parts)
            await part.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        Client.Dispose();
        await _server.DisposeAsync();
        _stop.Dispose();
    }

    internal async Task<string> NamespaceAsync()
    {
        var name = $"w{Interlocked.Increment(ref _namespaces)}";
        await KubectlAsync("default", $"create namespace {name}");
        await UntilAsync(async () => await Client.FindAsync(WorkloadKinds.ServiceAccounts, name, "default", _stop.Token) is not null, "a default account");
        return name;
    }

    internal async Task<string> KubectlAsync(string ns, string arguments, string? input = null)
    {
        var (code, output) = await TryKubectlAsync(ns, arguments, input);
        Assert.True(code == 0, $"kubectl {arguments}: {output}");
        return output;
    }

    /// <param name="ns">The namespace.</param>
    /// <param name="arguments">Separated by spaces; <c>~</c> stands for a space inside one.</param>
    /// <param name="input">What it reads.</param>
    internal async Task<(int Code, string Output)> TryKubectlAsync(string ns, string arguments, string? input = null)
    {
        var start = new ProcessStartInfo("kubectl") { RedirectStandardInput = true, RedirectStandardOutput = true, RedirectStandardError = true };
        foreach (var argument in (string[])["--kubeconfig", Path.Combine(_server.State.Directory, "kubeconfig"), "--cache-dir", Path.Combine(_server.State.Directory, "cache"), "-n", ns, .. arguments.Split(' ')])
            start.ArgumentList.Add(argument.Replace('~', ' '));
        using var process = Process.Start(start)!;
        if (input is not null)
            await process.StandardInput.WriteAsync(input);
        process.StandardInput.Close();
        var output = process.StandardOutput.ReadToEndAsync();
        var error = process.StandardError.ReadToEndAsync();
        using var patience = new CancellationTokenSource(s_patience);
        try
        {
            await process.WaitForExitAsync(patience.Token);
        }
        catch (OperationCanceledException)
        {
            process.Kill();
            Assert.Fail($"kubectl {arguments}: no end after {s_patience.TotalSeconds} s");
        }
        return (process.ExitCode, await output + await error);
    }

    /// <summary>What <c>kubectl get</c> says in the end.</summary>
    internal async Task UntilAsync(string ns, string get, string expected)
    {
        var last = "";
        await UntilAsync(async () => (last = (await TryKubectlAsync(ns, get)).Output.Trim()) == expected, () => $"kubectl {get}: expected '{expected}', is '{last}'");
    }

    internal static Task UntilAsync(Func<Task<bool>> condition, string what) => UntilAsync(condition, () => what);

    private static async Task UntilAsync(Func<Task<bool>> condition, Func<string> what)
    {
        var end = DateTimeOffset.UtcNow + s_patience;
        while (!await condition())
        {
            if (DateTimeOffset.UtcNow > end)
                Assert.Fail(what());
            await Task.Delay(50);
        }
    }

    internal static string Deployment(string name, string image = "good", int replicas = 3, string more = "") => $$$"""
        apiVersion: apps/v1
        kind: Deployment
        metadata: {name: {{{name}}}}
        spec:
          replicas: {{{replicas}}}
          selector: {matchLabels: {app: {{{name}}}}}
          {{{more}}}
          template:
            metadata: {labels: {app: {{{name}}}}}
            spec: {containers: [{name: c, image: {{{image}}}}]}
        """;

    /// <summary>Signs of life of these nodes, until cancelled.</summary>
    internal async Task BeatAsync(IReadOnlyList<string> nodes, CancellationToken cancel)
    {
        while (!cancel.IsCancellationRequested)
        {
            foreach (var node in nodes)
            {
                var now = DateTimeOffset.UtcNow.ToString("yyyy-MM-dd'T'HH:mm:ss.ffffff'Z'", System.Globalization.CultureInfo.InvariantCulture);
                var spec = new JsonObject { ["holderIdentity"] = node, ["leaseDurationSeconds"] = 40, ["renewTime"] = now };
                if (await Client.FindAsync(WorkloadKinds.Leases, "kube-node-lease", node, CancellationToken.None) is null)
                    await Client.CreateAsync(WorkloadKinds.Leases, "kube-node-lease", new UntypedObject(new JsonObject { ["metadata"] = new JsonObject { ["name"] = node, ["namespace"] = "kube-node-lease" }, ["spec"] = spec }), CancellationToken.None);
                else
                    await Client.PatchAsync(WorkloadKinds.Leases, "kube-node-lease", node, PatchKind.Merge, new JsonObject { ["spec"] = spec }, null, CancellationToken.None);
            }
            await Task.Delay(200, CancellationToken.None);
        }
    }

    private async Task AddNodeAsync(string name, string zone)
    {
        await Client.CreateAsync(WorkloadKinds.Nodes, null, new UntypedObject(new JsonObject
        {
            ["metadata"] = new JsonObject { ["name"] = name, ["labels"] = new JsonObject { ["kubernetes.io/hostname"] = name, [Zones.Label] = zone } },
            ["status"] = new JsonObject
            {
                ["allocatable"] = new JsonObject { ["cpu"] = "2" },
                ["conditions"] = new JsonArray(new JsonObject { ["type"] = "Ready", ["status"] = "True", ["lastHeartbeatTime"] = "2030-01-01T00:00:00Z" }),
            },
        }), _stop.Token);
    }

    /// <summary>One pod at a time, in the order of its changes.</summary>
    private async Task PlayNodesAsync()
    {
        var changed = Channel.CreateUnbounded<UntypedObject>();
        var watch = new Reflector<UntypedObject>(Client, WorkloadKinds.Pods, logger: NullLogger.Instance)
            .RunAsync(c => c.New is { } pod ? changed.Writer.WriteAsync(pod) : ValueTask.CompletedTask, _stop.Token);
        try
        {
            await foreach (var pod in changed.Reader.ReadAllAsync(_stop.Token))
            {
                try
                {
                    await PlayAsync(pod);
                }
                catch (KubeApiException e) when (e.IsNotFound || e.IsConflict)
                {
                    // It is gone, or the watch brings a newer state.
                }
            }
        }
        finally
        {
            await watch.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    private async Task PlayAsync(UntypedObject pod)
    {
        if (pod.NodeName().Length == 0)
            return;
        var image = pod.Json["spec"].Objects("containers").First().Text("image")!;
        if (pod.IsDeleting())
        {
            if (image != "stays")
                await Client.DeleteAsync(WorkloadKinds.Pods, pod.Metadata.Namespace, pod.Metadata.Name!, pod.Uid(), gracePeriodSeconds: 0, ct: _stop.Token);
            return;
        }
        if (pod.Json.Text("status", "podIP") is not null)
            return;
        var (phase, ready) = image switch { "broken" => ("Running", "False"), "done" => ("Succeeded", "False"), "fails" => ("Failed", "False"), _ => ("Running", "True") };
        var now = DateTimeOffset.UtcNow.Timestamp();
        var address = $"10.233.65.{Interlocked.Increment(ref _addresses) % 250 + 2}";
        await Client.PatchAsync(WorkloadKinds.Pods, pod.Metadata.Namespace, pod.Metadata.Name!, PatchKind.Merge, new JsonObject
        {
            ["status"] = new JsonObject
            {
                ["phase"] = phase,
                ["podIP"] = address,
                ["podIPs"] = new JsonArray(new JsonObject { ["ip"] = address }),
                ["startTime"] = now,
                ["conditions"] = new JsonArray(new JsonObject { ["type"] = "Ready", ["status"] = ready, ["lastTransitionTime"] = now }),
            },
        }, "status", _stop.Token);
    }
}

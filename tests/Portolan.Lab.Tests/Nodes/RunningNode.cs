using System.Collections.Concurrent;
using System.Net;
using System.Text.Json.Nodes;
using Microsoft.Extensions.Logging.Abstractions;
using Portolan.Kubernetes.Client;
using Portolan.Kubernetes.Resources;
using Portolan.Kubernetes.Watching;
using Portolan.Lab.Nodes;
using Portolan.Lab.Nodes.Images;
using Portolan.Lab.Nodes.Pods;
using Portolan.Lab.Tests.ApiServer;
using Portolan.Lab.Workloads;

namespace Portolan.Lab.Tests.Nodes;

/// <summary>
/// An API server in this process and a node that runs real pods for it. Its pods are on the host network, which is this process's own: probes reach them
/// at 127.0.0.1. What <c>hostPath</c> shows is <see cref="HostDirectory"/>.
/// </summary>
public sealed class RunningNode : IAsyncLifetime
{
    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(60);
    private readonly RunningServer _server = new();
    private readonly ContainerFixture _place = new();
    private readonly CancellationTokenSource _stop = new();
    private readonly ConcurrentDictionary<string, (PodWorker Worker, Task Run)> _workers = [];
    private readonly List<Task> _parts = [];
    private NodeContext _node = null!;
    private int _pods;

    internal KubeClient Client { get; private set; } = null!;
    internal string Namespace { get; private set; } = "";
    internal string HostDirectory => _node.Paths.Host;

    public async ValueTask InitializeAsync()
    {
        if (Environment.UserName != "root")
            return;
        await _server.InitializeAsync();
        await _place.InitializeAsync();
        Namespace = (await _server.NamespaceAsync()).Split('/')[4];
        Client = new KubeClient(ClusterConnection.Load(_server.State.WriteKubeconfig(_server.Address)));
        var figures = new NodeFigures("node1", IPAddress.Loopback, 2, 1L << 30);
        _node = new NodeContext(
            figures,
            new NodePaths(Path.Combine(_place.Cgroup.Path, "pods"), _place.NewDirectory("disk"), _place.NewDirectory("memory")),
            $"/proc/{Environment.ProcessId}/ns/net",
            ContainerFixture.LabExecutable,
            Client,
            new ImageCatalogue("node1", Path.Combine(_place.Directory, "images.json"), ContainerFixture.LabExecutable, ContainerFixture.LabExecutable),
            null!,      // no pod here has a network of its own
            new ClusterObjects(Client, _server.State.AuthorityPem, NullLogger.Instance),
            new EventRecorder(Client, "node1", TimeProvider.System, NullLogger.Instance),
            TimeProvider.System,
            NullLogger.Instance);
        Directory.CreateDirectory(_node.Paths.PodsCgroup);
        Directory.CreateDirectory(HostDirectory);
        _parts.Add(_node.Events.RunAsync(_stop.Token));
        _parts.Add(_node.Cluster.WatchServicesAsync(_stop.Token));
        _parts.Add(new Reflector<Pod>(Client, Pod.Type, logger: NullLogger.Instance).RunAsync(OnChange, _stop.Token));
    }

    public async ValueTask DisposeAsync()
    {
        if (Namespace.Length == 0)
            return;
        foreach (var (worker, _) in _workers.Values)
            worker.Stop(TimeSpan.Zero, goneFromApi: true);
        await Task.WhenAll(_workers.Values.Select(w => w.Run)).WaitAsync(s_patience);
        await _stop.CancelAsync();
        foreach (var part in _parts)
            await part.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        Client.Dispose();
        await _place.DisposeAsync();
        await _server.DisposeAsync();
        _stop.Dispose();
    }

    /// <summary>Starts a pod.</summary>
    /// <param name="spec">Its spec as JSON; its containers are shells unless they say otherwise.</param>
    internal async Task<string> StartAsync(string spec)
    {
        var name = $"pod{Interlocked.Increment(ref _pods)}";
        var pod = (JsonObject)JsonNode.Parse(spec)!;
        pod["nodeName"] = "node1";
        pod["hostNetwork"] = true;
        pod["terminationGracePeriodSeconds"] ??= 30;
        foreach (var container in ((string[])["initContainers", "containers"]).SelectMany(l => pod[l] as JsonArray ?? []).OfType<JsonObject>())
            container["image"] ??= "ghcr.io/c1t1d0s7/network-multitool:1";
        await Client.CreateAsync(WorkloadKinds.Pods, Namespace, new UntypedObject(new JsonObject { ["metadata"] = new JsonObject { ["name"] = name, ["labels"] = new JsonObject { ["color"] = "red" } }, ["spec"] = pod }));
        return name;
    }

    internal Task DeleteAsync(string name) => Client.DeleteAsync(WorkloadKinds.Pods, Namespace, name);

    internal Task<UntypedObject?> FindAsync(string name) => Client.FindAsync(WorkloadKinds.Pods, Namespace, name);

    internal async Task<JsonNode> UntilAsync(string name, Func<JsonNode, bool> condition, string what)
    {
        JsonNode? last = null;
        await UntilAsync(async () => (last = (await FindAsync(name))?.Json) is not null && condition(last), () => $"{what}: {last?["status"]?.ToJsonString()}");
        return last!;
    }

    internal Task UntilReadyAsync(string name) => UntilAsync(name, p => new UntypedObject((JsonObject)p).IsReady(), $"{name} is not Ready");

    internal Task UntilGoneAsync(string name) => UntilAsync(async () => await FindAsync(name) is null, () => $"{name} is still there");

    /// <summary>Waits for an event of the pod with these words.</summary>
    internal Task UntilEventAsync(string name, string reason, string words) => UntilAsync(
        async () => (await Client.ListAsync(s_events, Namespace)).Items.Any(e => e.Json.Text("involvedObject", "name") == name && e.Json.Text("reason") == reason && e.Json.Text("message")!.Contains(words, StringComparison.Ordinal)),
        () => $"no event {reason} \"{words}\" of {name}");

    internal async Task UntilFileAsync(string file, string expected)
    {
        var path = Path.Combine(HostDirectory, file);
        await UntilAsync(() => Task.FromResult(File.Exists(path) && File.ReadAllText(path) == expected), () => $"{file}: {(File.Exists(path) ? File.ReadAllText(path) : "is not there")}");
    }

    internal static async Task UntilAsync(Func<Task<bool>> condition, Func<string> what)
    {
        var end = DateTimeOffset.UtcNow + s_patience;
        while (!await condition())
        {
            if (DateTimeOffset.UtcNow > end)
                Assert.Fail(what());
            await Task.Delay(30);
        }
    }

    private static readonly ResourceType<UntypedObject> s_events = ResourceType.Untyped("", "v1", "events", "Event", true);

    private ValueTask OnChange(Change<Pod> change)
    {
        if (change.New is { } pod)
        {
            var (worker, _) = _workers.GetOrAdd(pod.Uid, _ => Start(pod));
            worker.Update(pod);
            if (pod.Metadata.DeletionTimestamp is not null)
                worker.Stop(TimeSpan.FromSeconds(pod.Metadata.DeletionGracePeriodSeconds ?? 30), goneFromApi: false);
        }
        return ValueTask.CompletedTask;
    }

    private (PodWorker, Task) Start(Pod pod)
    {
        var worker = new PodWorker(_node, pod);
        return (worker, Task.Run(worker.RunAsync));
    }
}

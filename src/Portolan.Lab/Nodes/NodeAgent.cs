using System.Collections.Concurrent;
using System.Globalization;
using System.Net;

using Microsoft.Extensions.Logging;

using Portolan.Kubernetes.Client;
using Portolan.Kubernetes.Watching;
using Portolan.Lab.Network;
using Portolan.Lab.Nodes.Images;
using Portolan.Lab.Nodes.Networking;
using Portolan.Lab.Nodes.Pods;
using Portolan.Lab.Nodes.Server;
using Portolan.Lab.Supervision;

namespace Portolan.Lab.Nodes;

/// <summary>The kubelet of a lab's node: runs the pods that are bound to it and says truthfully how they are. It lives in the node's network namespace.</summary>
internal sealed class NodeAgent
{
    private static readonly TimeSpan _atOnce = TimeSpan.FromSeconds(1);
    private readonly NodeContext _node;
    private readonly LabHost _host;
    private readonly LabLayout _layout;
    private readonly string? _zone;
    private readonly ConcurrentDictionary<string, PodWorker> _workers = [];
    private readonly ILogger _logger;

    public NodeAgent(LabLayout layout, LabHost host, KubeClient client, string portolan, string? zone, ILoggerFactory loggers)
    {
        (_layout, _host, _zone, _logger) = (layout, host, zone, loggers.CreateLogger("node"));
        var time = TimeProvider.System;
        var figures = new NodeFigures(host.Name, host.Address, Environment.ProcessorCount, MemoryBytes()) { AddressesOf = host.AddressesOf };
        _node = new NodeContext(
            figures,
            NodePaths.Of(layout, host.Name),
            LabLayout.NamespacePath(layout.Namespace(host.Name)),
            Executables.Lab,
            client,
            new ImageCatalogue(host.Name, layout.ImagesPath, Executables.Lab, portolan),
            new PodNetwork(layout.Namespace(host.Name) + "-", layout.Namespace(host.Name), new PodAddresses(IPNetwork.Parse(host.PodCidr)), host),
            new ClusterObjects(client, File.ReadAllText(layout.Pki("ca.crt")), _logger),
            new EventRecorder(client, host.Name, time, _logger),
            time,
            _logger);
    }

    /// <summary>Until cancelled, or until a part of it fails.</summary>
    public async Task RunAsync(CancellationToken cancel)
    {
        await ForgetEarlierLifeAsync(cancel).ConfigureAwait(false);
        await using var server = await KubeletServer.StartAsync(_layout, _host, (ns, pod, container) => Find(ns, pod)?.Find(container)?.View, (ns, pod) => Find(ns, pod)?.Endpoint, _logger, cancel).ConfigureAwait(false);
        using var all = CancellationTokenSource.CreateLinkedTokenSource(cancel);
        Task[] parts =
        [
            new NodeRegistration(_node.Client, _host, _zone, _node.Figures, _node.Events, _node.Time, _logger).RunAsync(all.Token),
            _node.Events.RunAsync(all.Token),
            _node.Cluster.WatchServicesAsync(all.Token),
            new Reflector<Pod>(_node.Client, Pod.Type, fieldSelector: $"spec.nodeName={_host.Name}", logger: _logger).RunAsync(OnChange, all.Token),
        ];
        _logger.LogInformation("node {Name} at {Address}, pods {Range}", _host.Name, _host.Address, _host.PodCidr);
        try
        {
            await await Task.WhenAny(parts).ConfigureAwait(false);
        }
        catch (OperationCanceledException) when (cancel.IsCancellationRequested)
        {
            // Asked to end. The pods end with the node's cgroup, or are cleared away when the agent comes back.
        }
        finally
        {
            await all.CancelAsync().ConfigureAwait(false);
        }
    }

    private PodWorker? Find(string ns, string pod) =>
        _workers.Values.Where(w => w.Pod.Namespace == ns && w.Pod.Name == pod).OrderByDescending(w => w.Pod.Metadata.CreationTimestamp).FirstOrDefault();

    private ValueTask OnChange(Change<Pod> change)
    {
        if (change.Kind is ChangeKind.Synced)
            ForgetGonePods();
        else if (change.New is { } pod)
        {
            if (_workers.TryGetValue(pod.Uid, out var worker))
                worker.Update(pod);
            else
                _workers[pod.Uid] = worker = Start(pod);
            if (pod.Metadata.DeletionTimestamp is not null)
                worker.Stop(TimeSpan.FromSeconds(pod.Metadata.DeletionGracePeriodSeconds ?? pod.Spec.TerminationGracePeriodSeconds ?? 30), goneFromApi: false);
        }
        else if (change.Kind is ChangeKind.Deleted && change.Old is { } gone && _workers.TryGetValue(gone.Uid, out var orphan))
        {
            orphan.Stop(_atOnce, goneFromApi: true);
        }
        return ValueTask.CompletedTask;
    }

    private PodWorker Start(Pod pod)
    {
        var worker = new PodWorker(_node, pod);
        _ = Task.Run(async () =>
        {
            try
            {
                await worker.RunAsync().ConfigureAwait(false);
            }
            catch (Exception mistake)
            {
                _logger.LogError(mistake, "pod {Namespace}/{Name}", pod.Namespace, pod.Name);
            }
            _workers.TryRemove(pod.Uid, out _);
            worker.Dispose();
        });
        return worker;
    }

    /// <summary>Logs of pods that were deleted while no agent was here.</summary>
    private void ForgetGonePods()
    {
        foreach (var directory in Directory.EnumerateDirectories(_node.Paths.PodsOnDisk))
            if (!_workers.ContainsKey(Path.GetFileName(directory)))
                Directory.Delete(directory, recursive: true);
    }

    /// <summary>What an agent that was killed left: processes, namespaces, directories. Their pods are started afresh.</summary>
    private async Task ForgetEarlierLifeAsync(CancellationToken cancel)
    {
        await Cgroups.RemoveAsync(_node.Paths.PodsCgroup, cancel).ConfigureAwait(false);
        Directory.CreateDirectory(_node.Paths.PodsCgroup);
        await _node.Network.RemoveAllAsync(cancel).ConfigureAwait(false);
        if (Directory.Exists(_node.Paths.Memory))
            Directory.Delete(_node.Paths.Memory, recursive: true);
        Directory.CreateDirectory(_node.Paths.PodsOnDisk);
        // Logs outlive the agent: what a container said before it was ended is often why.
        foreach (var directory in Directory.EnumerateDirectories(_node.Paths.PodsOnDisk).SelectMany(Directory.EnumerateDirectories))
            if (Path.GetFileName(directory) != "logs")
                Directory.Delete(directory, recursive: true);
        Directory.CreateDirectory(_node.Paths.Memory, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute); // secrets are below it
    }

    private static long MemoryBytes()
    {
        var line = File.ReadLines("/proc/meminfo").First(l => l.StartsWith("MemTotal:", StringComparison.Ordinal));
        return long.Parse(line.Split(' ', StringSplitOptions.RemoveEmptyEntries)[1], CultureInfo.InvariantCulture) * 1024;
    }
}

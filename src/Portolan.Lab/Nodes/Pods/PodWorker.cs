using System.Text.Json.Nodes;
using System.Threading.Channels;

using Microsoft.Extensions.Logging;

using Portolan.Kubernetes.Client;
using Portolan.Lab.Nodes.Containers;
using Portolan.Lab.Nodes.Networking;
using Portolan.Lab.Nodes.Server.Forwarding;
using Portolan.Lab.Supervision;

namespace Portolan.Lab.Nodes.Pods;

/// <summary>One pod of this node, from the moment it is seen until nothing of it is left.</summary>
internal sealed class PodWorker : IDisposable
{
    private static readonly TimeSpan _retry = TimeSpan.FromSeconds(2);
    private readonly NodeContext _node;
    private readonly PodRuntime _runtime;
    private readonly CancellationTokenSource _stop = new();
    private readonly Channel<bool> _dirty = Channel.CreateBounded<bool>(new BoundedChannelOptions(1) { FullMode = BoundedChannelFullMode.DropWrite });
    private readonly Channel<bool> _volumesChanged = Channel.CreateBounded<bool>(new BoundedChannelOptions(1) { FullMode = BoundedChannelFullMode.DropWrite });
    private readonly PodStatusComposer _composer;
    private readonly List<ContainerRunner> _init;
    private readonly List<ContainerRunner> _containers;
    private volatile bool _goneFromApi;

    public PodWorker(NodeContext node, Pod pod)
    {
        _node = node;
        var disk = Path.Combine(node.Paths.PodsOnDisk, pod.Uid);
        var memory = Path.Combine(node.Paths.Memory, pod.Uid);
        _runtime = new PodRuntime(pod, () => _dirty.Writer.TryWrite(true))
        {
            Cgroup = Path.Combine(node.Paths.PodsCgroup, pod.Uid),
            DiskDirectory = disk,
            MemoryDirectory = memory,
            Volumes = new PodVolumes(pod, Path.Combine(disk, "volumes"), Path.Combine(memory, "volumes"), node.Paths.Host, node.Cluster, node.Time),
        };
        var start = pod.Status?.StartTime is { } text && DateTimeOffset.TryParse(text, System.Globalization.CultureInfo.InvariantCulture, out var earlier) ? earlier : node.Time.GetUtcNow();
        _composer = new PodStatusComposer(start, node.Figures);
        var initializing = pod.Spec.InitContainers is { Count: > 0 };
        _init = [.. (pod.Spec.InitContainers ?? []).Select(c => Runner(c, true, pod.Status?.InitContainerStatuses, "PodInitializing"))];
        _containers = [.. pod.Spec.Containers.Select(c => Runner(c, false, pod.Status?.ContainerStatuses, initializing ? "PodInitializing" : "ContainerCreating"))];

        ContainerRunner Runner(Container container, bool isInit, List<ContainerStatusModel>? earlier, string reason) =>
            new(node, _runtime, container, isInit, EarlierLife(container, earlier?.FirstOrDefault(s => s.Name == container.Name), reason));
    }

    public Pod Pod => _runtime.Pod;

    /// <summary>Where its ports are; null before it has a network.</summary>
    public PodEndpoint? Endpoint => _runtime.Address is null ? null : new(Pod.Uid, _runtime.NetworkNamespace);

    public ContainerRunner? Find(string container) => _containers.Concat(_init).FirstOrDefault(c => c.Container.Name == container);

    public void Update(Pod pod)
    {
        _runtime.Pod = pod;
        _volumesChanged.Writer.TryWrite(true);      // the downward API shows labels and annotations
        // Somebody else (the node controller, while this node was silent) has said otherwise: what is so is said again.
        if (_readyWritten is { } ours && Ready(pod.Status?.Conditions ?? []) is { } theirs && ours != theirs)
        {
            _contradicted = true;
            _runtime.Changed();
        }
    }

    /// <summary>Ends the pod; called again, the shorter time counts.</summary>
    public void Stop(TimeSpan grace, bool goneFromApi)
    {
        _goneFromApi |= goneFromApi;
        _runtime.Kill.CancelAfter(grace);
        _stop.Cancel();
    }

    /// <summary>Runs the pod to its end. Faults only for what is a mistake of this program.</summary>
    public async Task RunAsync()
    {
        using var statusEnds = new CancellationTokenSource();
        var status = ReportAsync(statusEnds.Token);
        var volumes = Task.CompletedTask;
        try
        {
            if (await SetUpAsync(_stop.Token).ConfigureAwait(false))
            {
                volumes = KeepVolumesAsync(_stop.Token);
                await RunContainersAsync(_stop.Token).ConfigureAwait(false);
            }
            _runtime.Changed();
            // A finished pod keeps its status and logs until it is deleted, and gives back all else.
            await ReleaseAsync().ConfigureAwait(false);
            await WhenStoppedAsync().ConfigureAwait(false);
        }
        catch (OperationCanceledException) when (_stop.IsCancellationRequested)
        {
            await ReleaseAsync().ConfigureAwait(false);
        }
        await volumes.ConfigureAwait(false);
        await statusEnds.CancelAsync().ConfigureAwait(false);
        await status.ConfigureAwait(false);
        if (!_goneFromApi)
        {
            await PatchStatusAsync().ConfigureAwait(false);
            await DeleteFromApiAsync().ConfigureAwait(false);
        }
        if (Directory.Exists(_runtime.DiskDirectory))
            Directory.Delete(_runtime.DiskDirectory, recursive: true);
    }

    /// <summary>A container that ran before this agent did has ended with it.</summary>
    private ContainerSnapshot EarlierLife(Container container, ContainerStatusModel? earlier, string reason)
    {
        var fresh = new ContainerSnapshot(container.Name, container.Image) { WaitingReason = reason, RestartCount = earlier?.RestartCount ?? 0, IsSidecar = container.IsSidecar };
        if (earlier?.ContainerID is not { Length: > 0 } || _runtime.Pod.Status?.Phase is "Succeeded" or "Failed")
            return fresh;
        var ended = (earlier.State?["terminated"] ?? earlier.LastState?["terminated"]) is JsonObject known && earlier.State?["running"] is null
            ? new Termination((int?)known["exitCode"] ?? 0, (string?)known["reason"] ?? "", (string?)known["message"], At(known, "startedAt"), At(known, "finishedAt"), (string?)known["containerID"] ?? "")
            : new Termination(137, "ContainerStatusUnknown", "the container ended with its node", At(earlier.State?["running"], "startedAt"), _node.Time.GetUtcNow(), earlier.ContainerID);
        return fresh with { RestartCount = earlier.RestartCount + 1, LastTerminated = ended };

        DateTimeOffset At(JsonNode? state, string field) =>
            DateTimeOffset.TryParse((string?)state?[field], System.Globalization.CultureInfo.InvariantCulture, out var at) ? at : _node.Time.GetUtcNow();
    }

    /// <returns>False when the pod has run to its end already.</returns>
    private async Task<bool> SetUpAsync(CancellationToken stop)
    {
        var pod = _runtime.Pod;
        if (pod.Status?.Phase is "Succeeded" or "Failed")
            return false;
        Directory.CreateDirectory(_runtime.DiskDirectory);
        Directory.CreateDirectory(_runtime.MemoryDirectory);
        Directory.CreateDirectory(_runtime.Cgroup);
        _runtime.Changed();
        while (true)
        {
            try
            {
                if (_runtime.Address is null)
                {
                    var link = pod.Spec.HostNetwork == true
                        ? new PodLink(_node.Figures.Address, _node.NetworkNamespace)
                        : await _node.Network.AddAsync(pod.Uid, stop).ConfigureAwait(false);
                    _runtime.NetworkNamespace = link.NamespacePath;
                    _runtime.Address = link.Address;
                    _runtime.Changed();
                }
                await _runtime.Volumes.PrepareAsync(new PodFields(pod, _runtime.Address, _node.Figures), stop).ConfigureAwait(false);
                return true;
            }
            catch (Exception failure) when (failure is ToolFailedException or PodAddressesExhaustedException)
            {
                _node.Events.Warning(pod, null, "FailedCreatePodSandBox", $"Failed to create pod sandbox: {failure.Message}");
                _node.Logger.LogWarning("{Pod}: no network: {Reason}", pod.Name, failure.Message);
            }
            catch (Exception failure) when (failure is MissingConfigurationException or FormatException or KubeApiException or HttpRequestException or IOException or SystemCallException
                || (failure is OperationCanceledException && !stop.IsCancellationRequested))
            {
                _node.Events.Warning(pod, null, "FailedMount", $"MountVolume.SetUp failed: {failure.Message}");
                _node.Logger.LogWarning("{Pod}: no volumes: {Reason}", pod.Name, failure.Message);
            }
            await Task.Delay(_retry, _node.Time, stop).ConfigureAwait(false);
        }
    }

    /// <summary>
    /// Init containers one after the other, then all others side by side. A sidecar (an init container that stays) lets the next one begin when it has
    /// started, and ends after those that came later: the last one first.
    /// </summary>
    private async Task RunContainersAsync(CancellationToken stop)
    {
        var sidecars = new Stack<(Task Run, CancellationTokenSource Stop)>();
        try
        {
            if (await InitializeAsync(sidecars, stop).ConfigureAwait(false))
                await Task.WhenAll(_containers.Select(c => c.RunAsync(stop))).ConfigureAwait(false);
        }
        finally
        {
            while (sidecars.TryPop(out var sidecar))
            {
                await sidecar.Stop.CancelAsync().ConfigureAwait(false);
                await sidecar.Run.ConfigureAwait(false);
                sidecar.Stop.Dispose();
            }
        }
    }

    /// <returns>Whether every init container has done its part.</returns>
    private async Task<bool> InitializeAsync(Stack<(Task Run, CancellationTokenSource Stop)> sidecars, CancellationToken stop)
    {
        foreach (var init in _init)
        {
            if (!init.Container.IsSidecar)
            {
                await init.RunAsync(stop).ConfigureAwait(false);
                if (init.Snapshot.Terminated?.ExitCode != 0)
                    return false;
                continue;
            }
            var end = new CancellationTokenSource();
            var run = init.RunAsync(end.Token);
            sidecars.Push((run, end));
            await Task.WhenAny(init.Started, run, WhenStoppedAsync()).ConfigureAwait(false);
            if (stop.IsCancellationRequested)
                return false;
        }
        return true;
    }

    /// <summary>Volumes follow their ConfigMaps, Secrets and fields, and tokens are renewed in time; nothing is polled.</summary>
    private async Task KeepVolumesAsync(CancellationToken stop)
    {
        var followed = _runtime.Volumes.Follow(() => _volumesChanged.Writer.TryWrite(true));
        try
        {
            while (true)
            {
                await VolumesChangedAsync(stop).ConfigureAwait(false);
                try
                {
                    await _runtime.Volumes.RefreshAsync(new PodFields(_runtime.Pod, _runtime.Address!, _node.Figures), stop).ConfigureAwait(false);
                }
                catch (MissingConfigurationException missing)
                {
                    _node.Events.Warning(_runtime.Pod, null, "FailedMount", $"MountVolume.SetUp failed: {missing.Message}");
                }
                catch (Exception failure) when (failure is KubeApiException or HttpRequestException or IOException || (failure is OperationCanceledException && !stop.IsCancellationRequested))
                {
                    _node.Logger.LogWarning("{Pod}: volumes not brought up to date: {Reason}", _runtime.Pod.Name, failure.Message);
                    await Task.Delay(_retry, _node.Time, stop).ConfigureAwait(false);
                    _volumesChanged.Writer.TryWrite(true);
                }
            }
        }
        catch (OperationCanceledException) when (stop.IsCancellationRequested)
        {
            // The pod ends.
        }
        finally
        {
            foreach (var one in followed)
                one.Dispose();
        }
    }

    private async Task VolumesChangedAsync(CancellationToken stop)
    {
        using var due = CancellationTokenSource.CreateLinkedTokenSource(stop);
        if (_runtime.Volumes.NextRenewal - _node.Time.GetUtcNow() is { } left)
            due.CancelAfter(left > TimeSpan.Zero ? left : TimeSpan.FromMilliseconds(1));
        try
        {
            await _volumesChanged.Reader.ReadAsync(due.Token).ConfigureAwait(false);
        }
        catch (OperationCanceledException) when (!stop.IsCancellationRequested)
        {
            // A token is to be renewed.
        }
    }

    private async Task ReleaseAsync()
    {
        await Cgroups.RemoveAsync(_runtime.Cgroup, CancellationToken.None).ConfigureAwait(false);
        if (_runtime.Address is not null && _runtime.Pod.Spec.HostNetwork != true)
            await _node.Network.RemoveAsync(_runtime.Pod.Uid, CancellationToken.None).ConfigureAwait(false);
        _runtime.Volumes.Delete();
        if (Directory.Exists(_runtime.MemoryDirectory))
            Directory.Delete(_runtime.MemoryDirectory, recursive: true);
    }

    private async Task WhenStoppedAsync()
    {
        var stopped = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        await using var registration = _stop.Token.Register(() => stopped.TrySetResult()).ConfigureAwait(false);
        await stopped.Task.ConfigureAwait(false);
    }

    private JsonObject Compose()
    {
        var pod = _runtime.Pod;
        return _composer.Compose(pod, _runtime.Address, [.. _init.Select(c => c.Snapshot)], [.. _containers.Select(c => c.Snapshot)], _node.Time.GetUtcNow());
    }

    /// <summary>Writes the status whenever it has changed; what the server cannot take now is written later, in its newest form.</summary>
    private async Task ReportAsync(CancellationToken ends)
    {
        // A pod that had run to its end before this agent began keeps the status it has.
        if (_runtime.Pod.Status?.Phase is "Succeeded" or "Failed")
            return;
        try
        {
            while (await _dirty.Reader.WaitToReadAsync(ends).ConfigureAwait(false))
            {
                _dirty.Reader.TryRead(out _);
                if (!await PatchStatusAsync().ConfigureAwait(false) && !_goneFromApi)
                {
                    _dirty.Writer.TryWrite(true);
                    await Task.Delay(TimeSpan.FromMilliseconds(500), _node.Time, ends).ConfigureAwait(false);
                }
            }
        }
        catch (OperationCanceledException) when (ends.IsCancellationRequested)
        {
            // The last status is written by whoever ended this.
        }
    }

    private string _written = "";
    private volatile string? _readyWritten;
    private volatile bool _contradicted;

    private static string? Ready(IEnumerable<JsonNode?> conditions) => (string?)conditions.FirstOrDefault(c => (string?)c?["type"] == "Ready")?["status"];

    /// <returns>Whether the server has it.</returns>
    private async Task<bool> PatchStatusAsync()
    {
        var pod = _runtime.Pod;
        if (pod.Status?.Phase is "Succeeded" or "Failed" && _written.Length == 0)
            return true;
        var status = Compose();
        var text = status.ToJsonString();
        if (text == _written && !_contradicted)
            return true;
        try
        {
            _contradicted = false;
            _readyWritten = Ready((JsonArray)status["conditions"]!);
            var patch = new JsonObject { ["metadata"] = new JsonObject { ["uid"] = pod.Uid }, ["status"] = status };
            await _node.Client.PatchAsync(Pod.Type, pod.Namespace, pod.Name, PatchKind.Merge, patch, "status").ConfigureAwait(false);
            _written = text;
            return true;
        }
        catch (KubeApiException gone) when (gone.IsNotFound || gone.IsConflict)
        {
            // Deleted, or replaced by another pod of the same name: the watch says so as well.
            return true;
        }
        catch (Exception failure) when (failure is KubeApiException or HttpRequestException or IOException or OperationCanceledException)
        {
            _node.Logger.LogWarning("{Pod}: status not written: {Reason}", pod.Name, failure.Message);
            return false;
        }
    }

    private async Task DeleteFromApiAsync()
    {
        var pod = _runtime.Pod;
        while (!_goneFromApi)
        {
            try
            {
                await _node.Client.DeleteAsync(Pod.Type, pod.Namespace, pod.Name, pod.Uid, gracePeriodSeconds: 0).ConfigureAwait(false);
                return;
            }
            catch (KubeApiException replaced) when (replaced.IsConflict)
            {
                return;
            }
            catch (Exception failure) when (failure is KubeApiException or HttpRequestException or IOException or OperationCanceledException)
            {
                _node.Logger.LogWarning("{Pod}: not deleted yet: {Reason}", pod.Name, failure.Message);
                await Task.Delay(_retry, _node.Time).ConfigureAwait(false);
            }
        }
    }

    public void Dispose()
    {
        _stop.Dispose();
        _runtime.Kill.Dispose();
    }
}

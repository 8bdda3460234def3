using Portolan.Lab.Nodes.Containers;
using Portolan.Lab.Nodes.Images;
using Portolan.Lab.Nodes.Logs;

namespace Portolan.Lab.Nodes.Pods;

/// <summary>Keeps one container of a pod as its specification wants it: pulled, started, probed, restarted with back-off, stopped.</summary>
internal sealed class ContainerRunner
{
    private static readonly TimeSpan _pullErrorShown = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan _configurationRetry = TimeSpan.FromSeconds(2);
    private static readonly TimeSpan _least = TimeSpan.FromSeconds(2);
    private static readonly ReadOnlyMemory<byte> _endOfTransmission = new byte[] { 4 };
    private readonly Lock _gate = new();
    private readonly NodeContext _node;
    private readonly PodRuntime _runtime;
    private readonly bool _isInit;
    private readonly RestartBackoff _pullBackoff;
    private readonly RestartBackoff _crashBackoff;
    private ContainerSnapshot _snapshot;
    private volatile LiveContainer? _live;
    private volatile ContainerLog? _log;
    private volatile ContainerLog? _previousLog;
    /// <summary>How often the container has been started again.</summary>
    private int _life;
    private readonly TaskCompletionSource _started = new(TaskCreationOptions.RunContinuationsAsynchronously);

    public ContainerRunner(NodeContext node, PodRuntime runtime, Container container, bool isInit, ContainerSnapshot start)
    {
        (_node, _runtime, Container, _isInit, _snapshot) = (node, runtime, container, isInit, start);
        _pullBackoff = new RestartBackoff(node.Time, firstIsImmediate: false);
        _crashBackoff = new RestartBackoff(node.Time, firstIsImmediate: true);
        _life = start.RestartCount;
        // What an earlier agent left: a finished container's own log, or else that of the life before the one to come.
        _previousLog = ContainerLog.Find(LogPath(_life - 1), node.Time);
        _log = ContainerLog.Find(LogPath(_life), node.Time) ?? _previousLog;
    }

    public Container Container { get; }

    /// <summary>Completed when the container has started for the first time, by its startup probe where it has one.</summary>
    public Task Started => _started.Task;

    public ContainerSnapshot Snapshot
    {
        get
        {
            lock (_gate)
                return _snapshot;
        }
    }

    public ContainerView View => new(_live, _log, _previousLog, Container.StdinOnce == true, Snapshot.WaitingMessage ?? Snapshot.WaitingReason);

    /// <summary>Until the container has ended for good, or was stopped. Never throws for what a container does.</summary>
    public async Task RunAsync(CancellationToken stop)
    {
        try
        {
            while (!stop.IsCancellationRequested && await LiveOnceAsync(stop).ConfigureAwait(false))
            {
            }
        }
        catch (OperationCanceledException) when (stop.IsCancellationRequested)
        {
            // Stopped while it waited for something: there is nothing to end.
        }
    }

    /// <returns>Whether to go on.</returns>
    private async Task<bool> LiveOnceAsync(CancellationToken stop)
    {
        var pod = _runtime.Pod;
        Image image;
        try
        {
            image = _node.Images.Pull(Container.Image);
        }
        catch (ImageNotFoundException failure)
        {
            await WaitForImageAsync(failure.Message, stop).ConfigureAwait(false);
            return true;
        }
        _pullBackoff.Reset();

        var began = _node.Time.GetUtcNow();
        var log = NewLog(_life);
        Termination end;
        try
        {
            _node.Events.Normal(pod, Container.Name, "Pulled", $"Container image \"{Container.Image}\" already present on machine");
            var (live, id) = await ContainerFactory.StartAsync(_node, _runtime, Container, image, log, stop).ConfigureAwait(false);
            (_previousLog, _log) = (_log, log);
            _live = live;
            _node.Events.Normal(pod, Container.Name, "Created", $"Created container: {Container.Name}");
            _node.Events.Normal(pod, Container.Name, "Started", $"Started container {Container.Name}");
            began = _node.Time.GetUtcNow();
            end = await SuperviseAsync(live, s => s.Running(began, $"portolan://{id}", $"portolan://{image.Name}") with { RestartCount = _life }, stop).ConfigureAwait(false);
            end = end with { StartedAt = began, ContainerId = $"portolan://{id}" };
        }
        catch (Exception missing) when (missing is MissingConfigurationException or FormatException)
        {
            log.Dispose();
            _node.Events.Warning(pod, Container.Name, "Failed", $"Error: {missing.Message}");
            Update(s => s.Waiting("CreateContainerConfigError", missing.Message));
            await Task.Delay(_configurationRetry, _node.Time, stop).ConfigureAwait(false);
            return true;
        }
        catch (ContainerStartException failure)
        {
            (_previousLog, _log) = (_log, log);
            _node.Events.Warning(pod, Container.Name, "Failed", $"Error: failed to start container \"{Container.Name}\": {failure.Message}");
            end = new Termination(ContainerInit.SetupFailed, "StartError", $"failed to start: {failure.Message}", began, _node.Time.GetUtcNow(), "");
        }
        log.End();
        Update(s => s.Ended(end) with { RestartCount = _life });
        if (stop.IsCancellationRequested || !IsToBeRestarted(end.ExitCode))
            return false;

        var wait = _crashBackoff.Next(began);
        if (wait > TimeSpan.Zero)
        {
            var message = $"back-off {Words(wait)} restarting failed container={Container.Name} pod={pod.Name}_{pod.Namespace}({pod.Uid})";
            Update(s => s.Waiting("CrashLoopBackOff", message));
            _node.Events.Warning(pod, Container.Name, "BackOff", $"Back-off restarting failed container {Container.Name} in pod {pod.Name}_{pod.Namespace}({pod.Uid})");
            await Task.Delay(wait, _node.Time, stop).ConfigureAwait(false);
        }
        _life++;
        return true;
    }

    private bool IsToBeRestarted(int exitCode) => Container.IsSidecar || _runtime.Pod.Spec.RestartPolicy switch
    {
        "Never" => false,
        "OnFailure" => exitCode != 0,
        _ => !_isInit || exitCode != 0,
    };

    /// <summary>From the start of a container's program to its end.</summary>
    /// <param name="live">The container.</param>
    /// <param name="running">Tells its status; called when its hook has run.</param>
    /// <param name="stop">Ends it.</param>
    private async Task<Termination> SuperviseAsync(LiveContainer live, Func<ContainerSnapshot, ContainerSnapshot> running, CancellationToken stop)
    {
        using var ended = CancellationTokenSource.CreateLinkedTokenSource(stop);
        using var unwell = CancellationTokenSource.CreateLinkedTokenSource(stop);
        var hooks = new LifecycleHooks(_node, _runtime, Container, live);
        long? probeGrace = null;
        var probes = Task.CompletedTask;
        if (await PostStartAsync(hooks, live, ended).ConfigureAwait(false))
        {
            Update(running);
            if (!_isInit || Container.IsSidecar)
                probes = new ContainerProbes(_node, _runtime, Container, live, Update, grace => { probeGrace = grace; unwell.Cancel(); }).RunAsync(ended.Token);
            await WhenEitherAsync(live.Process.Exited, unwell.Token).ConfigureAwait(false);
        }
        if (!live.Process.Exited.IsCompleted)
            await TerminateAsync(live, hooks, stop.IsCancellationRequested, probeGrace).ConfigureAwait(false);
        var status = await live.Process.Exited.ConfigureAwait(false);
        await ended.CancelAsync().ConfigureAwait(false);
        await probes.ConfigureAwait(false);
        _live = null;
        await live.Cgroup.RemoveAsync(CancellationToken.None).ConfigureAwait(false);
        live.Process.Dispose();
        var message = TerminationMessage.Read(Container, live.TerminationMessageFile, live.Log, status);
        return new Termination(status, status == 0 ? "Completed" : "Error", message, default, _node.Time.GetUtcNow(), "");
    }

    /// <returns>False when the hook failed, or the container was stopped meanwhile: it is to be ended.</returns>
    private static async Task<bool> PostStartAsync(LifecycleHooks hooks, LiveContainer live, CancellationTokenSource ended)
    {
        var hook = hooks.PostStartAsync(ended.Token);
        if (await Task.WhenAny(hook, live.Process.Exited).ConfigureAwait(false) == hook)
            return await hook.ConfigureAwait(false);
        await ended.CancelAsync().ConfigureAwait(false);
        await hook.ConfigureAwait(false);
        return true;    // a short program may end first: that is no failure
    }

    /// <summary>Hook, signal, and what is left of the grace period; then it is killed.</summary>
    private async Task TerminateAsync(LiveContainer live, LifecycleHooks hooks, bool isStop, long? probeGrace)
    {
        if (isStop)
            _node.Events.Normal(_runtime.Pod, Container.Name, "Killing", $"Stopping container {Container.Name}");
        using var grace = CancellationTokenSource.CreateLinkedTokenSource(_runtime.Kill.Token);
        grace.CancelAfter(TimeSpan.FromSeconds(probeGrace ?? _runtime.Pod.Metadata.DeletionGracePeriodSeconds ?? _runtime.Pod.Spec.TerminationGracePeriodSeconds ?? 30));
        await hooks.PreStopAsync(grace.Token).ConfigureAwait(false);
        live.Process.Signal(NativeMethods.SigTerm);
        // An interactive shell ignores SIGTERM and would sit out its grace period; the end of its input is how its user ends it.
        if (live.Process.HasTerminal && Container.Stdin == true)
            await live.Process.WriteInputAsync(_endOfTransmission, CancellationToken.None).ConfigureAwait(false);
        // A hook that took all of the grace period leaves the program a moment still, as a kubelet does.
        if (grace.IsCancellationRequested && Container.Lifecycle?.PreStop is not null)
            await Task.WhenAny(live.Process.Exited, Task.Delay(_least, _node.Time)).ConfigureAwait(false);
        await WhenEitherAsync(live.Process.Exited, grace.Token).ConfigureAwait(false);
        await live.Cgroup.KillAsync(CancellationToken.None).ConfigureAwait(false);
    }

    private async Task WaitForImageAsync(string message, CancellationToken stop)
    {
        var pod = _runtime.Pod;
        if (Container.ImagePullPolicy == "Never")
        {
            var never = $"Container image \"{Container.Image}\" is not present with pull policy of Never";
            _node.Events.Warning(pod, Container.Name, "ErrImageNeverPull", never);
            Update(s => s.Waiting("ErrImageNeverPull", never));
        }
        else
        {
            _node.Events.Normal(pod, Container.Name, "Pulling", $"Pulling image \"{Container.Image}\"");
            _node.Events.Warning(pod, Container.Name, "Failed", $"Failed to pull image \"{Container.Image}\": {message}");
            _node.Events.Warning(pod, Container.Name, "Failed", "Error: ErrImagePull");
            Update(s => s.Waiting("ErrImagePull", message));
        }
        var until = _node.Time.GetUtcNow() + _pullBackoff.Next(_node.Time.GetUtcNow());
        var written = Written();
        await Task.Delay(_pullErrorShown, _node.Time, stop).ConfigureAwait(false);
        if (Container.ImagePullPolicy != "Never")
        {
            var backOff = $"Back-off pulling image \"{Container.Image}\"";
            _node.Events.Normal(pod, Container.Name, "BackOff", backOff);
            _node.Events.Warning(pod, Container.Name, "Failed", "Error: ImagePullBackOff");
            Update(s => s.Waiting("ImagePullBackOff", $"{backOff}: ErrImagePull: {message}"));
        }
        // Whoever adds the image is waiting for it: a change of the catalogue's file ends the back-off.
        while (_node.Time.GetUtcNow() < until && Written() == written)
            await Task.Delay(TimeSpan.FromMilliseconds(500), _node.Time, stop).ConfigureAwait(false);
        if (Written() != written)
            _pullBackoff.Reset();

        DateTime Written() => File.GetLastWriteTimeUtc(_node.Images.FilePath);
    }

    /// <summary>Each life has a log of its own, named by how often the container had been started again; the last two are kept.</summary>
    private ContainerLog NewLog(int life)
    {
        var log = new ContainerLog(LogPath(life), _node.Time);
        ContainerLog.Delete(LogPath(life - 2));
        return log;
    }

    private string LogPath(int life) => Path.Combine(_runtime.DiskDirectory, "logs", Container.Name, $"{life}.log");

    private void Update(Func<ContainerSnapshot, ContainerSnapshot> change)
    {
        lock (_gate)
        {
            _snapshot = change(_snapshot);
            if (_snapshot.Started || (_isInit && !Container.IsSidecar && _snapshot.Terminated?.ExitCode == 0))
                _started.TrySetResult();
        }
        _runtime.Changed();
    }

    private static string Words(TimeSpan time) =>
        time.TotalMinutes >= 1 ? $"{(int)time.TotalMinutes}m{time.Seconds}s" : $"{(int)time.TotalSeconds}s";

    private static async Task WhenEitherAsync(Task task, CancellationToken token)
    {
        var cancelled = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        await using var registration = token.Register(() => cancelled.TrySetResult()).ConfigureAwait(false);
        await Task.WhenAny(task, cancelled.Task).ConfigureAwait(false);
    }
}

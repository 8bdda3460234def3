namespace Portolan.Lab.Nodes.Pods;

/// <summary>The probes of one life of a container: startup first, then readiness and liveness side by side.</summary>
internal sealed class ContainerProbes(NodeContext node, PodRuntime runtime, Container container, LiveContainer live, Action<Func<ContainerSnapshot, ContainerSnapshot>> update, Action<long?> unwell)
{
    private readonly Prober _prober = new(live.RunAsync);

    /// <summary>Until cancelled. A readiness probe decides whether the container is ready; a failed startup or liveness probe reports it unwell.</summary>
    public async Task RunAsync(CancellationToken ended)
    {
        try
        {
            if (container.StartupProbe is { } startup && !await FollowAsync(startup, "Startup", stopAtSuccess: true, null, ended).ConfigureAwait(false))
                return;
            update(s => s with { Started = true, Ready = container.ReadinessProbe is null });
            await Task.WhenAll(
                container.ReadinessProbe is { } readiness ? FollowAsync(readiness, "Readiness", false, ready => update(s => s with { Ready = ready }), ended) : Task.CompletedTask,
                container.LivenessProbe is { } liveness ? FollowAsync(liveness, "Liveness", false, null, ended) : Task.CompletedTask).ConfigureAwait(false);
        }
        catch (OperationCanceledException) when (ended.IsCancellationRequested)
        {
            // The container has ended, and its probes with it.
        }
    }

    /// <returns>True when it succeeded and should stop there; false when the container was reported unwell.</returns>
    private async Task<bool> FollowAsync(Probe probe, string kind, bool stopAtSuccess, Action<bool>? report, CancellationToken ended)
    {
        var period = TimeSpan.FromSeconds(Math.Max(1, probe.PeriodSeconds ?? 10));
        if (probe.InitialDelaySeconds is > 0 and var delay)
            await Task.Delay(TimeSpan.FromSeconds(delay), node.Time, ended).ConfigureAwait(false);
        bool? last = null;
        var inARow = 0;
        using var timer = new PeriodicTimer(period, node.Time);
        // The first answer of a readiness probe is what everyone waits for: a program that is about to listen is asked again soon.
        var eager = report is not null || stopAtSuccess ? 20 : 0;
        while (true)
        {
            var result = await _prober.ProbeAsync(probe, container, runtime.Address!, ended).ConfigureAwait(false);
            if (!result.Success && last is not true && eager-- > 0)
            {
                await Task.Delay(TimeSpan.FromMilliseconds(100), node.Time, ended).ConfigureAwait(false);
                continue;
            }
            inARow = last == result.Success ? inARow + 1 : 1;
            last = result.Success;
            if (!result.Success)
                node.Events.Warning(runtime.Pod, container.Name, "Unhealthy", $"{kind} probe failed: {result.Message}");
            if (result.Success && inARow >= Math.Max(1, probe.SuccessThreshold ?? 1))
            {
                report?.Invoke(true);
                if (stopAtSuccess)
                    return true;
            }
            if (!result.Success && inARow >= Math.Max(1, probe.FailureThreshold ?? 3))
            {
                report?.Invoke(false);
                if (report is null)
                {
                    node.Events.Normal(runtime.Pod, container.Name, "Killing", $"Container {container.Name} failed {(kind == "Startup" ? "startup" : "liveness")} probe, will be restarted");
                    unwell(probe.TerminationGracePeriodSeconds);
                    return false;
                }
            }
            await timer.WaitForNextTickAsync(ended).ConfigureAwait(false);
        }
    }
}

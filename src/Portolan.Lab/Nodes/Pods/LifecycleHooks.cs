using System.Net.Sockets;

using Portolan.Lab.Nodes.Containers;

namespace Portolan.Lab.Nodes.Pods;

/// <summary>What a container asks for after its start and before its end (<c>v1 Lifecycle</c>).</summary>
internal sealed class LifecycleHooks(NodeContext node, PodRuntime runtime, Container container, LiveContainer live)
{
    /// <summary>Runs beside the container's program; a failure is the container's.</summary>
    /// <returns>False when it failed.</returns>
    public Task<bool> PostStartAsync(CancellationToken cancel) => RunAsync(container.Lifecycle?.PostStart, "PostStart", cancel);

    /// <summary>Before the signal; its time is the grace period's. A failure is told and delays nothing.</summary>
    /// <param name="graceEnds">Cancelled when the grace period is over.</param>
    public async Task PreStopAsync(CancellationToken graceEnds)
    {
        // The program may end by itself meanwhile: there is then nothing left to prepare.
        using var either = CancellationTokenSource.CreateLinkedTokenSource(graceEnds);
        var hook = RunAsync(container.Lifecycle?.PreStop, "PreStop", either.Token);
        await Task.WhenAny(hook, live.Process.Exited).ConfigureAwait(false);
        await either.CancelAsync().ConfigureAwait(false);
        await hook.ConfigureAwait(false);
    }

    private async Task<bool> RunAsync(LifecycleHandler? handler, string kind, CancellationToken cancel)
    {
        if (handler is null)
            return true;
        try
        {
            if (await PerformAsync(handler, cancel).ConfigureAwait(false) is not { } failure)
                return true;
            node.Events.Warning(runtime.Pod, container.Name, $"Failed{kind}Hook", $"{kind}Hook failed: {failure}");
        }
        catch (OperationCanceledException)
        {
            if (!live.Process.Exited.IsCompleted)
                node.Events.Warning(runtime.Pod, container.Name, $"Failed{kind}Hook", $"{kind}Hook failed: it did not end within the grace period");
        }
        return false;
    }

    /// <returns>Why it failed, or null.</returns>
    private async Task<string?> PerformAsync(LifecycleHandler handler, CancellationToken cancel)
    {
        try
        {
            if (handler.Exec is { } exec)
            {
                var (status, output) = await live.RunAsync(exec.Command ?? [], cancel).ConfigureAwait(false);
                return status == 0 ? null : $"command '{string.Join(' ', exec.Command ?? [])}' exited with {status}: {output}";
            }
            if (handler.HttpGet is { } get)
            {
                var status = await HttpAction.GetAsync(get, HttpAction.Url(get, container, runtime.Address!), "kube-lifecycle/1.33", cancel).ConfigureAwait(false);
                return status is >= 200 and < 400 ? null : $"HTTP request returned {status}";
            }
            if (handler.Sleep is { } sleep)
                await Task.Delay(TimeSpan.FromSeconds(Math.Max(0, sleep.Seconds)), node.Time, cancel).ConfigureAwait(false);
            return null;
        }
        catch (Exception failure) when (failure is HttpRequestException or SocketException or IOException or ContainerStartException or FormatException)
        {
            return failure.InnerException?.Message ?? failure.Message;
        }
    }
}

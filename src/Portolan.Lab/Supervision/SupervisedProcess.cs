using System.Diagnostics;

using Microsoft.Extensions.Logging;

namespace Portolan.Lab.Supervision;

/// <summary>Keeps one program of the lab running until it is stopped: in its namespace, in its cgroup from its first instruction on, its output in its log.</summary>
internal sealed class SupervisedProcess(LabLayout layout, LabProcess process, TimeProvider clock, ILogger logger) : IAsyncDisposable
{
    // The shell puts itself into the cgroup before it becomes the program: there is no moment in which a kill of the subtree would miss it.
    private const string Launcher = """echo 0 > "$0/cgroup.procs" && log=$1 && shift && exec "$@" >>"$log" 2>&1 </dev/null""";

    // Below the bfd processes of the nodes (40): what these have to say must not wait for it. Refused where the cgroup has no real-time budget.
    private const string RealTimeLauncher = """chrt --fifo 30 true && exec chrt --fifo 30 "$0" "$@"; exec "$0" "$@" """;

    private static readonly Lock s_starting = new();

    private CancellationTokenSource? _stop;
    private Task _running = Task.CompletedTask;
    private volatile int _pid;
    private volatile int _restarts;
    private volatile string _state = "off";

    public LabProcess Process => process;

    public ProcessStatus Status => new(process.Name, process.Host, _pid, _restarts, _state);

    public void Start()
    {
        if (_stop is not null)
            return;
        _stop = new CancellationTokenSource();
        _running = KeepRunningAsync(_stop.Token);
    }

    /// <summary>Ends the program without warning, as a power failure does.</summary>
    public async Task StopAsync()
    {
        if (_stop is null)
            return;
        await _stop.CancelAsync().ConfigureAwait(false);
        await _running.ConfigureAwait(false);
        _stop.Dispose();
        _stop = null;
        _state = "off";
    }

    public async ValueTask DisposeAsync() => await StopAsync().ConfigureAwait(false);

    private async Task KeepRunningAsync(CancellationToken stop)
    {
        var backoff = new Backoff();
        while (!stop.IsCancellationRequested)
        {
            var started = clock.GetTimestamp();
            var ended = await RunOnceAsync(stop).ConfigureAwait(false);
            if (stop.IsCancellationRequested)
                return;
            var wait = backoff.After(clock.GetElapsedTime(started));
            _state = "restarting";
            _restarts++;
            logger.LogWarning("{Process} {Ended}; starting it again in {Wait} ms", process.Name, ended, (int)wait.TotalMilliseconds);
            await Task.Delay(wait, clock, stop).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    /// <returns>How it ended.</returns>
    private async Task<string> RunOnceAsync(CancellationToken stop)
    {
        var cgroup = Path.Combine(layout.HostCgroup(process.Host), process.Leaf);
        Directory.CreateDirectory(cgroup);
        var start = new ProcessStartInfo("/bin/sh",
        [
            "-c", Launcher, cgroup, layout.Log(process.Name),
            "nsenter", $"--net={LabLayout.NamespacePath(layout.Namespace(process.Host))}",
            .. process.RealTime ? (string[])["/bin/sh", "-c", RealTimeLauncher] : [], process.Program ?? Executables.Lab, .. process.Arguments,
        ]);
        try
        {
            using var child = StartChild(start);
            _pid = child.Id;
            _state = "running";
            logger.LogInformation("{Process} started, pid {Pid}", process.Name, child.Id);
            try
            {
                await child.WaitForExitAsync(stop).ConfigureAwait(false);
            }
            catch (OperationCanceledException)
            {
                child.Kill();
                await child.WaitForExitAsync(CancellationToken.None).ConfigureAwait(false);
            }
            _pid = 0;
            return child.ExitCode > 128 ? $"was killed by signal {child.ExitCode - 128}" : $"ended with exit code {child.ExitCode}";
        }
        catch (System.ComponentModel.Win32Exception e)
        {
            return $"did not start: {e.Message}";
        }
    }

    /// <summary>Only the program that was promised the descriptor inherits it: a listening socket in any other would outlive the server behind it.</summary>
    private Process StartChild(ProcessStartInfo start)
    {
        lock (s_starting)
        {
            if (process.Inherits is { } descriptor)
                NativeMethods.SetInherited(descriptor, true);
            try
            {
                return System.Diagnostics.Process.Start(start)!;
            }
            finally
            {
                if (process.Inherits is { } given)
                    NativeMethods.SetInherited(given, false);
            }
        }
    }
}

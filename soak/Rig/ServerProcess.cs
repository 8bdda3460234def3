using System.Diagnostics;

namespace Portolan.Rig;

/// <summary>The published API server as a process of its own, which can be killed without warning and started again at the same address.</summary>
/// <param name="state">Where its files are.</param>
/// <param name="inside">The network namespace it runs in; null: ours.</param>
internal sealed class ServerProcess(ServerState state, NetworkNamespace? inside = null) : IDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);
    private readonly int _port = Published.FreePort();
    private Process? _process;

    public string Address => $"https://127.0.0.1:{_port}";

    /// <summary>Starts the server and waits until it says it is ready.</summary>
    /// <returns>How long that took.</returns>
    /// <exception cref="InvalidOperationException">It ended by itself, or is not ready in a minute.</exception>
    public async Task<TimeSpan> StartAsync(ApiConnection api)
    {
        var clock = Stopwatch.StartNew();
        string[] command = [Published.Binary("portolan-lab"), "apiserver", "--state", state.Path, "--bind", $"127.0.0.1:{_port}"];
        var start = inside?.Command(command) ?? new ProcessStartInfo(command[0], command[1..]);
        start.RedirectStandardOutput = true;
        _process = Process.Start(start)!;
        _process.OutputDataReceived += static (_, _) => { };
        _process.BeginOutputReadLine();
        while (!await api.IsReadyAsync())
        {
            if (_process.HasExited) throw new InvalidOperationException($"the API server ended with {_process.ExitCode}");
            if (clock.Elapsed > Patience) throw new InvalidOperationException("the API server does not get ready");
            await Task.Delay(2);
        }

        return clock.Elapsed;
    }

    /// <summary>SIGKILL, and gone.</summary>
    public async Task KillAsync()
    {
        if (_process is not { } process) throw new InvalidOperationException("not started");
        if (process.HasExited) throw new InvalidOperationException($"the API server had ended by itself, with {process.ExitCode}");
        process.Kill();
        await process.WaitForExitAsync();
        process.Dispose();
        _process = null;
    }

    /// <summary>The proportional set size in MiB, the memory the process accounts for (<c>/proc/PID/smaps_rollup</c>).</summary>
    public double ProportionalMemory() => ProcessFigures.Memory(_process!.Id, "Pss");

    /// <summary>What the process has used of the processors, in seconds.</summary>
    public double ProcessorSeconds() => ProcessFigures.ProcessorSeconds(_process!.Id);

    public void Dispose()
    {
        if (_process is null) return;
        if (!_process.HasExited) _process.Kill();
        _process.WaitForExit();
        _process.Dispose();
    }
}

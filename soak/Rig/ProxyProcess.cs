using System.Diagnostics;

namespace Portolan.Rig;

/// <summary>The published proxy as a process of its own in a network namespace, for the node of that name. What it says goes to a file.</summary>
/// <param name="state">Where its files are, and the administrator's credential.</param>
/// <param name="server">The API server's address, in the same namespace.</param>
/// <param name="node">The namespace.</param>
/// <param name="name">Tells it from another one on the same node.</param>
internal sealed class ProxyProcess(ServerState state, string server, NetworkNamespace node, string name = "proxy") : IDisposable
{
    public const string NodeName = "node";
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(15);
    private readonly string _kubeconfig = state.WriteKubeconfig(server);
    private readonly string _log = state.File(name + ".log");
    private readonly int _healthPort = Published.FreePort();
    private readonly int _metricsPort = Published.FreePort();
    private Process? _process;

    public int Id => _process?.Id ?? throw new InvalidOperationException("not started");

    /// <summary>Starts it without waiting for anything.</summary>
    public void Start() => _process = Process.Start(node.Command(
        "/bin/sh", "-c", $"exec \"$0\" \"$@\" >>'{_log}' 2>&1", Published.Binary("portolan"), "proxy", $"--kubeconfig={_kubeconfig}", $"--hostname-override={NodeName}",
        "--nodeport-addresses=0.0.0.0/0", $"--healthz-bind-address=127.0.0.1:{_healthPort}", $"--metrics-bind-address=127.0.0.1:{_metricsPort}"))!;

    /// <summary>Ends it, and waits until it is gone.</summary>
    /// <param name="atOnce">SIGKILL; otherwise SIGTERM.</param>
    /// <exception cref="InvalidOperationException">It had ended by itself, or does not end.</exception>
    public async Task EndAsync(bool atOnce)
    {
        if (_process is not { } process)
            throw new InvalidOperationException("not started");
        if (process.HasExited)
            throw new InvalidOperationException($"the proxy had ended by itself, with {process.ExitCode}: {await File.ReadAllTextAsync(_log)}");
        if (atOnce)
            process.Kill();
        else
            await Command.RunAsync($"kill -TERM {process.Id}");
        using var limit = new CancellationTokenSource(Patience);
        try
        {
            await process.WaitForExitAsync(limit.Token);
        }
        catch (OperationCanceledException)
        {
            throw new InvalidOperationException($"the proxy does not end: {await File.ReadAllTextAsync(_log)}");
        }

        process.Dispose();
        _process = null;
    }

    public void Dispose()
    {
        if (_process is null)
            return;
        if (!_process.HasExited)
            _process.Kill();
        _process.WaitForExit();
        _process.Dispose();
    }
}

using System.Diagnostics;
using System.Net;
using System.Net.Sockets;

namespace Portolan.Rig;

/// <summary>The published controller as a process of its own, which can be killed without warning. What it says goes to a file.</summary>
/// <param name="state">Where its files are, and the administrator's credential.</param>
/// <param name="server">The API server's address.</param>
/// <param name="name">Tells it from another one.</param>
/// <param name="options">More of its command line.</param>
internal sealed class ControllerProcess(ServerState state, string server, string name = "controller", params string[] options) : IDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);
    private readonly string _kubeconfig = state.WriteKubeconfig(server);
    private readonly string _log = state.File(name + ".log");
    private readonly int _metricsPort = Published.FreePort();
    private readonly int _healthPort = Published.FreePort();
    private readonly int _webhookPort = Published.FreePort();
    private Process? _process;

    public int Id => _process?.Id ?? throw new InvalidOperationException("not started");

    /// <summary>Starts it without waiting for anything.</summary>
    public void Start() => _process = Process.Start(new ProcessStartInfo(
        "/bin/sh",
        [
            "-c", $"exec \"$0\" \"$@\" >>'{_log}' 2>&1", Published.Binary("portolan"), "controller", $"--kubeconfig={_kubeconfig}",
            "--host=127.0.0.1", $"--port={_metricsPort}", "--health-probe-host=127.0.0.1", $"--health-probe-port={_healthPort}", $"--webhook-port={_webhookPort}", .. options,
        ]))!;

    /// <summary>Starts it and waits until <c>/readyz</c> says so.</summary>
    /// <returns>How long that took.</returns>
    /// <exception cref="InvalidOperationException">It ended by itself, or is not ready in a minute.</exception>
    public async Task<TimeSpan> StartAsync()
    {
        var clock = Stopwatch.StartNew();
        Start();
        while (!await IsReadyAsync())
        {
            if (_process!.HasExited)
                throw new InvalidOperationException($"the controller ended with {_process.ExitCode}: {await File.ReadAllTextAsync(_log)}");
            if (clock.Elapsed > Patience)
                throw new InvalidOperationException("the controller does not get ready");
            await Task.Delay(1);
        }

        return clock.Elapsed;
    }

    /// <summary>Whether <c>/readyz</c> is answered with 200: asked over a bare socket, because a client of its own takes time from a process that starts.</summary>
    public async Task<bool> IsReadyAsync()
    {
        using var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        try
        {
            await socket.ConnectAsync(IPAddress.Loopback, _healthPort);
            await socket.SendAsync("GET /readyz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"u8.ToArray());
            var answer = new byte[12];
            return await socket.ReceiveAsync(answer) == answer.Length && answer.AsSpan().SequenceEqual("HTTP/1.1 200"u8);
        }
        catch (SocketException)
        {
            return false;
        }
    }

    /// <summary>SIGKILL, and gone.</summary>
    /// <exception cref="InvalidOperationException">It had ended by itself.</exception>
    public async Task KillAsync()
    {
        if (_process is not { } process)
            throw new InvalidOperationException("not started");
        if (process.HasExited)
            throw new InvalidOperationException($"the controller had ended by itself, with {process.ExitCode}: {await File.ReadAllTextAsync(_log)}");
        process.Kill();
        await process.WaitForExitAsync();
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

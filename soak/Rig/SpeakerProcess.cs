using System.Diagnostics;

namespace Portolan.Rig;

/// <summary>The published speaker as a process of its own in a network namespace, for the node of that name. What it says goes to a file.</summary>
/// <param name="state">Where its files are, and the administrator's credential.</param>
/// <param name="server">The API server's address, in the same namespace.</param>
/// <param name="node">The namespace.</param>
/// <param name="nodeName">The Node it is the speaker of.</param>
internal sealed class SpeakerProcess(ServerState state, string server, NetworkNamespace node, string nodeName) : IDisposable
{
    private readonly string _kubeconfig = state.WriteKubeconfig(server);
    private readonly string _log = state.File("speaker.log");
    private Process? _process;

    public int Id => _process?.Id ?? throw new InvalidOperationException("not started");

    /// <summary>What it has said so far.</summary>
    public string Log => File.Exists(_log) ? File.ReadAllText(_log) : "";

    /// <summary>Starts it without waiting for anything.</summary>
    public void Start() => _process = Process.Start(node.Command(
        "/bin/sh", "-c", $"exec \"$0\" \"$@\" >>'{_log}' 2>&1", Published.Binary("portolan"), "speaker", $"--kubeconfig={_kubeconfig}", $"--node-name={nodeName}",
        "--host=127.0.0.1", $"--port={Published.FreePort()}", "--health-probe-port=0"))!;

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

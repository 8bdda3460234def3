using System.Diagnostics;

namespace Portolan.Rig;

/// <summary>The published speaker and the bfd process beside it in a network namespace, as the two containers of a pod are. What they say goes to files.</summary>
/// <param name="state">Where its files are, and the administrator's credential.</param>
/// <param name="server">The API server's address, in the same namespace.</param>
/// <param name="node">The namespace.</param>
/// <param name="nodeName">The Node it is the speaker of.</param>
internal sealed class SpeakerProcess(ServerState state, string server, NetworkNamespace node, string nodeName) : IDisposable
{
    private readonly string _kubeconfig = state.WriteKubeconfig(server);
    private readonly string _log = state.File("speaker.log");
    private Process? _process;
    private Process? _bfd;

    public int Id => _process?.Id ?? throw new InvalidOperationException("not started");

    /// <summary>Of the bfd process.</summary>
    public int BfdId => _bfd?.Id ?? throw new InvalidOperationException("not started");

    /// <summary>When the speaker was started.</summary>
    public DateTime StartedAt { get; private set; }

    /// <summary>What the speaker has said so far.</summary>
    public string Log => File.Exists(_log) ? File.ReadAllText(_log) : "";

    /// <summary>Starts both without waiting for anything.</summary>
    public void Start()
    {
        var socket = state.File("bfd.sock");
        _bfd = Run(state.File("bfd.log"), "bfd", $"--socket={socket}");
        StartedAt = DateTime.UtcNow;
        _process = Run(
            _log, "speaker", $"--kubeconfig={_kubeconfig}", $"--node-name={nodeName}", $"--bfd-socket={socket}",
            "--host=127.0.0.1", $"--port={Published.FreePort()}", "--health-probe-port=0");
    }

    public void Dispose()
    {
        foreach (var process in (Process?[])[_process, _bfd])
        {
            if (process is null)
                continue;
            if (!process.HasExited)
                process.Kill();
            process.WaitForExit();
            process.Dispose();
        }
    }

    private Process Run(string log, params string[] arguments) =>
        Process.Start(node.Command(["/bin/sh", "-c", $"exec \"$0\" \"$@\" >>'{log}' 2>&1", Published.Binary("portolan"), .. arguments]))!;
}

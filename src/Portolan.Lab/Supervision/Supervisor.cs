using System.Net;
using System.Net.Sockets;
using System.Text.Json;

using Microsoft.Extensions.Logging;

using Portolan.Lab.Commands;
using Portolan.Lab.Pki;

namespace Portolan.Lab.Supervision;

/// <summary>
/// Keeps a lab running: owns the API server's loopback socket (so the port stays while the server restarts), starts every
/// program and starts it again when it dies, and takes the commands that break and mend things.
/// </summary>
internal sealed class Supervisor : IDisposable
{
    private readonly LabLayout _layout;
    private readonly FaultSwitch _faults;
    private readonly ILogger _logger;
    private readonly Socket _apiListener;
    private readonly IReadOnlyList<SupervisedProcess> _processes;

    public Supervisor(LabLayout layout, LabSpec spec, ILogger logger)
    {
        _layout = layout;
        _logger = logger;
        _apiListener = Listen(PreviousPort());
        var topology = spec.Topology(layout);
        _processes = [.. LabProcesses.Of(layout, topology, spec, (int)_apiListener.Handle).Select(p => new SupervisedProcess(layout, p, TimeProvider.System, logger))];
        _faults = new FaultSwitch(layout, topology, _processes, logger);
    }

    public void Dispose() => _apiListener.Dispose();

    public int Port => ((IPEndPoint)_apiListener.LocalEndPoint!).Port;

    /// <param name="ready">Called when commands are taken: the lab's programs are starting.</param>
    /// <param name="stop">Ends the supervisor, not the lab: its programs go on alone.</param>
    public async Task RunAsync(Action ready, CancellationToken stop)
    {
        LabPki.WriteAdminKubeconfig(_layout, Port);
        foreach (var process in _processes)
            process.Start();

        File.Delete(_layout.SupervisorSocket);
        using var control = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        control.Bind(new UnixDomainSocketEndPoint(_layout.SupervisorSocket));
        control.Listen(16);
        ready();
        _logger.LogInformation("supervising lab {Lab}, API server on 127.0.0.1:{Port}", _layout.Name, Port);
        while (!stop.IsCancellationRequested)
        {
            // One command after the other: a kill and a start of the same host never overlap.
            using var connection = await control.AcceptAsync(stop).ConfigureAwait(false);
            await AnswerAsync(connection, stop).ConfigureAwait(false);
        }
    }

    private async Task AnswerAsync(Socket connection, CancellationToken stop)
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(stop);
        limit.CancelAfter(TimeSpan.FromSeconds(30));
        try
        {
            await using var stream = new NetworkStream(connection);
            using var reader = new StreamReader(stream);
            var line = await reader.ReadLineAsync(limit.Token).ConfigureAwait(false);
            if (line is null)
                return;
            var request = JsonSerializer.Deserialize(line, ControlProtocolJson.Default.ControlRequest);
            var (error, changed) = request is null ? ("empty request", false) : await PerformAsync(request, limit.Token).ConfigureAwait(false);
            var reply = new ControlReply(error, changed, Port, _faults.Current, [.. _processes.Select(p => p.Status)]);
            await stream.WriteAsync(JsonSerializer.SerializeToUtf8Bytes(reply, ControlProtocolJson.Default.ControlReply), limit.Token).ConfigureAwait(false);
        }
        catch (Exception e) when (e is IOException or SocketException or JsonException or OperationCanceledException && !stop.IsCancellationRequested)
        {
            _logger.LogWarning("a command was not answered: {Reason}", e.Message);
        }
    }

    /// <returns>Why it was not done, or null; and whether anything is different now.</returns>
    private async Task<(string? Error, bool Changed)> PerformAsync(ControlRequest request, CancellationToken cancel)
    {
        if (request.Verb == "status")
            return (null, false);
        try
        {
            return (null, await _faults.PerformAsync(request, cancel).ConfigureAwait(false));
        }
        catch (LabException e)
        {
            return (e.Message, false);
        }
        catch (Exception e) when (e is ToolFailedException or IOException)
        {
            _logger.LogError("{Verb} {Host} failed: {Reason}", request.Verb, request.Host, e.Message);
            return (e.Message, false);
        }
    }

    /// <summary>The port of the lab's last run, so that a kubeconfig that was copied away stays good.</summary>
    private int PreviousPort()
    {
        if (!File.Exists(_layout.Kubeconfig("admin")))
            return 0;
        const string server = "server: https://127.0.0.1:";
        var line = File.ReadLines(_layout.Kubeconfig("admin")).FirstOrDefault(l => l.Contains(server, StringComparison.Ordinal));
        return line is not null && int.TryParse(line.Trim()[server.Length..], out var port) ? port : 0;
    }

    private static Socket Listen(int preferred)
    {
        foreach (var port in preferred == 0 ? [0] : (int[])[preferred, 0])
        {
            var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
            try
            {
                socket.Bind(new IPEndPoint(IPAddress.Loopback, port));
                socket.Listen(512);
                return socket;
            }
            catch (SocketException e) when (port != 0 && e.SocketErrorCode == SocketError.AddressAlreadyInUse)
            {
                socket.Dispose();
            }
        }
        throw new LabException("no free port on 127.0.0.1");
    }
}

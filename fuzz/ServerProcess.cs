using System.Diagnostics;
using System.Text;

namespace Portolan.Fuzz;

/// <summary>The server under test, in a process of its own: its death is seen, and its memory is its own.</summary>
internal sealed class ServerProcess : IAsyncDisposable
{
    private readonly Process _process;
    private readonly StringBuilder _errors = new();

    private ServerProcess(Process process) => _process = process;

    /// <summary>The API server's port, TLS.</summary>
    public int ApiPort { get; private set; }

    /// <summary>The port of the node agent's streams, without TLS.</summary>
    public int StreamPort { get; private set; }

    /// <summary>Where the credentials are: <c>pki/ca.crt</c>, <c>admin.crt</c>, <c>admin.key</c>.</summary>
    public string Directory { get; private set; } = "";

    public static async Task<ServerProcess> StartAsync()
    {
        var start = new ProcessStartInfo("dotnet") { RedirectStandardInput = true, RedirectStandardOutput = true, RedirectStandardError = true };
        start.ArgumentList.Add(typeof(ServerProcess).Assembly.Location);
        start.ArgumentList.Add("serve");
        var server = new ServerProcess(Process.Start(start) ?? throw new InvalidOperationException("the server was not started"));
        server._process.ErrorDataReceived += (_, line) =>
        {
            lock (server._errors)
                if (line.Data is not null)
                    server._errors.AppendLine(line.Data);
        };
        server._process.BeginErrorReadLine();
        var ready = (await server._process.StandardOutput.ReadLineAsync() ?? throw new InvalidOperationException($"the server did not start: {server.Errors}")).Split(' ', 3);
        (server.ApiPort, server.StreamPort, server.Directory) = (int.Parse(ready[0]), int.Parse(ready[1]), ready[2]);
        return server;
    }

    /// <summary>What it complained of so far: nothing, when all is well.</summary>
    public string Errors
    {
        get { lock (_errors) return _errors.ToString(); }
    }

    /// <summary>The last of them.</summary>
    public string LastErrors => Tail(Errors);

    /// <summary>How it ended; null while it runs.</summary>
    public string? Dead => _process.HasExited ? $"the server ended with {_process.ExitCode}: {Tail(Errors)}" : Errors.Contains("unexpected", StringComparison.Ordinal) ? $"the server complains: {Tail(Errors)}" : null;

    /// <summary>Resident memory after a collection, bytes; 0 when it has ended.</summary>
    public async Task<long> MemoryAsync()
    {
        if (Dead is not null) return 0;
        using var http = new HttpClient { Timeout = FuzzRun.Patience };
        using var settled = await http.GetAsync($"http://127.0.0.1:{StreamPort}/settle");
        _process.Refresh();
        return _process.WorkingSet64;
    }

    public async ValueTask DisposeAsync()
    {
        // It stops when its standard input ends.
        _process.StandardInput.Close();
        using var patience = new CancellationTokenSource(TimeSpan.FromSeconds(20));
        try
        {
            await _process.WaitForExitAsync(patience.Token);
        }
        catch (OperationCanceledException)
        {
            _process.Kill();
        }

        _process.Dispose();
    }

    private static string Tail(string text) => text.Length > 1500 ? text[^1500..] : text;
}

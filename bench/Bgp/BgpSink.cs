using System.Diagnostics;
using System.Globalization;
using System.Text.Json;
using Portolan.Rig;

namespace Portolan.Bench.Bgp;

/// <summary>A peer that waits for a connection and counts the routes that it is told (<c>bgpsink.c</c>): AS 65002.</summary>
internal sealed class BgpSink : IDisposable
{
    private const string Seconds = "120";
    private static readonly string Built = Path.Combine(Published.Tree, "artifacts", "bench", "bgpsink");
    private readonly Process _process;

    /// <param name="inside">Where it waits.</param>
    /// <param name="address">At this address.</param>
    /// <param name="first">The first prefix that it counts from.</param>
    /// <param name="routes">So many are awaited at first.</param>
    public BgpSink(NetworkNamespace inside, string address, string first, int routes)
    {
        var start = inside.Command(Built, "-L", "-q", "-g", "-l", address, "-b", first, "-n", routes.ToString(CultureInfo.InvariantCulture), "-t", Seconds);
        (start.RedirectStandardInput, start.RedirectStandardOutput) = (true, true);
        _process = Process.Start(start)!;
    }

    /// <summary>Compiles it.</summary>
    /// <exception cref="InvalidOperationException">That failed.</exception>
    public static async Task BuildAsync()
    {
        Directory.CreateDirectory(Path.GetDirectoryName(Built)!);
        var (code, output) = await Command.RunAsync($"cc -O2 -w -o '{Built}' '{Path.Combine(Published.Tree, "bench", "Bgp", "bgpsink.c")}'");
        if (code != 0)
            throw new InvalidOperationException($"the sink cannot be compiled:\n{output}");
    }

    /// <summary>Waits for what it tells.</summary>
    /// <param name="tag">EST: the session is established; DONE: all that was awaited is there; ARMED: it awaits anew.</param>
    /// <returns>When that was.</returns>
    /// <exception cref="InvalidOperationException">It was not within two minutes.</exception>
    public async Task<DateTime> WaitAsync(string tag)
    {
        while (await _process.StandardOutput.ReadLineAsync() is { } line)
        {
            var space = line.IndexOf(' ', StringComparison.Ordinal);
            if (!line.StartsWith(tag, StringComparison.Ordinal))
                continue;
            using var report = JsonDocument.Parse(line[space..]);
            if (report.RootElement.TryGetProperty("timeout", out var timeout) && timeout.GetInt32() != 0)
                break;
            return DateTime.UnixEpoch + TimeSpan.FromSeconds(report.RootElement.GetProperty("wall").GetDouble());
        }

        throw new InvalidOperationException($"the peer waited for {tag} in vain");
    }

    /// <summary>Awaits a route anew: one more, or its withdrawal.</summary>
    public async Task AwaitAsync(int route, bool isWithdrawn)
    {
        await _process.StandardInput.WriteLineAsync(string.Create(CultureInfo.InvariantCulture, $"{(isWithdrawn ? "rearmw" : "rearm")} 1 {route}"));
        await _process.StandardInput.FlushAsync();
        await WaitAsync("ARMED");
    }

    public void Dispose()
    {
        if (!_process.HasExited)
            _process.Kill();
        _process.WaitForExit();
        _process.Dispose();
    }
}

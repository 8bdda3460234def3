using System.Collections.Concurrent;
using System.Diagnostics;
using Portolan.Tests.Proxy;

namespace Portolan.Tests.Bgp;

/// <summary>All that happens to the routes of a namespace's kernel, from here on.</summary>
internal sealed class RouteMonitor : IDisposable
{
    private readonly Process _process;
    private readonly ConcurrentQueue<string> _lines = new();

    public RouteMonitor(NetworkNamespace where)
    {
        _process = Process.Start(new ProcessStartInfo("ip", $"-n {where.Name} monitor route") { RedirectStandardOutput = true })!;
        _process.OutputDataReceived += (_, line) => _lines.Enqueue(line.Data ?? "");
        _process.BeginOutputReadLine();
        // It sees what happens once it has seen this.
        var count = 0;
        Patience.Until(
            () =>
            {
                where.Link($"route replace unreachable 198.51.100.{++count % 250}/32");
                return Seen.Contains("198.51.100.", StringComparison.Ordinal);
            },
            () => "the monitor sees nothing");
    }

    public string Seen => string.Join('\n', _lines);

    public void Dispose()
    {
        _process.Kill();
        _process.WaitForExit();
        _process.Dispose();
    }
}

using System.Diagnostics;
using System.Text.RegularExpressions;

namespace Portolan.EndToEnd.Tests;

/// <summary>A packet capture on the client's interface: one line a packet, starting with the sender's MAC.</summary>
internal sealed partial class Capture : IDisposable
{
    private readonly Process _process;
    private readonly Task _listening;
    private readonly TaskCompletionSource _ready = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly List<string> _lines = [];
    private readonly Task _reading;

    public Capture(Lab lab, string filter)
    {
        _process = lab.Start("client", $"tcpdump -e -n -l -i eth0 {filter}");
        _listening = Task.Run(async () =>
        {
            while (await _process.StandardError.ReadLineAsync() is { } line)
                if (line.Contains("listening on", StringComparison.Ordinal))
                    _ready.TrySetResult();
        });
        _reading = Task.Run(async () =>
        {
            while (await _process.StandardOutput.ReadLineAsync() is { } line)
                lock (_lines)
                    _lines.Add(Timestamp().Replace(line, ""));
        });
    }

    public Task ReadyAsync() => _ready.Task.WaitAsync(TimeSpan.FromSeconds(10), TestContext.Current.CancellationToken);

    /// <summary>Ends the capture once what it has seen so far is written: the lines that match.</summary>
    public async Task<IReadOnlyList<string>> StopAsync(Func<string, bool> matches)
    {
        // Line-buffered tcpdump writes a packet within its read timeout of one second.
        await Task.Delay(1200, TestContext.Current.CancellationToken);
        _process.Kill(entireProcessTree: true);
        await Task.WhenAll(_reading, _listening);
        return [.. _lines.Where(matches)];
    }

    public void Dispose()
    {
        if (!_process.HasExited)
            _process.Kill(entireProcessTree: true);
        _process.Dispose();
    }

    [GeneratedRegex(@"^\d\d:\d\d:\d\d\.\d+ ")]
    private static partial Regex Timestamp();
}

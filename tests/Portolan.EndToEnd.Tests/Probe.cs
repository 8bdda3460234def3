using System.Diagnostics;
using System.Globalization;

namespace Portolan.EndToEnd.Tests;

/// <summary>Asks an address for a page over and over from the client's host, and remembers when it answered.</summary>
internal sealed class Probe : IDisposable
{
    private readonly Process _process;
    private readonly List<(bool Ok, long At)> _answers = [];
    private readonly Task _reading;

    public Probe(Lab lab, string url)
    {
        _process = lab.Start("client", $"sh -c 'while :; do if curl -s -o /dev/null -m 0.5 {url}; then echo ok $(date +%s%3N); else echo no $(date +%s%3N); fi; sleep 0.02; done'");
        _reading = Task.Run(ReadAsync);
    }

    public int Count
    {
        get
        {
            lock (_answers)
                return _answers.Count;
        }
    }

    /// <summary>Ends the probe: how many requests failed, and the longest time between two answers in milliseconds.</summary>
    public async Task<(int Asked, int Failed, long Gap)> StopAsync()
    {
        _process.Kill(entireProcessTree: true);
        await _reading;
        var (failed, gap, last) = (0, 0L, 0L);
        foreach (var (ok, at) in _answers)
        {
            if (!ok)
            {
                failed++;
                continue;
            }

            gap = last == 0 ? gap : Math.Max(gap, at - last);
            last = at;
        }

        return (_answers.Count, failed, gap);
    }

    public Task RunsAsync(int more)
    {
        var until = Count + more;
        return Shell.EventuallyAsync(() => Task.FromResult(Count), count => count >= until, 60, "answers of the probe");
    }

    public void Dispose()
    {
        if (!_process.HasExited)
            _process.Kill(entireProcessTree: true);
        _process.Dispose();
    }

    private async Task ReadAsync()
    {
        while (await _process.StandardOutput.ReadLineAsync() is { } line)
            if (line.Split(' ') is [var word, var at])
                lock (_answers)
                    _answers.Add((word == "ok", long.Parse(at, CultureInfo.InvariantCulture)));
    }
}

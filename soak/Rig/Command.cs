using System.Diagnostics;

namespace Portolan.Rig;

/// <summary>A command line of the machine's shell, with a bound on its time.</summary>
internal static class Command
{
    /// <returns>How it ended, and what it printed on both streams.</returns>
    /// <exception cref="TimeoutException">It did not end in time; it was killed.</exception>
    public static async Task<(int ExitCode, string Output)> RunAsync(string line, int seconds = 120)
    {
        using var process = Start(line);
        var (output, error) = (process.StandardOutput.ReadToEndAsync(), process.StandardError.ReadToEndAsync());
        using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(seconds));
        try
        {
            await process.WaitForExitAsync(limit.Token);
        }
        catch (OperationCanceledException)
        {
            process.Kill(entireProcessTree: true);
            throw new TimeoutException($"{line}\ndid not end within {seconds} s");
        }
        return (process.ExitCode, await output + await error);
    }

    public static Process Start(string line) =>
        Process.Start(new ProcessStartInfo("/bin/bash", ["-c", line]) { RedirectStandardOutput = true, RedirectStandardError = true })!;
}

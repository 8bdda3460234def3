using System.Diagnostics;

namespace Portolan.Lab.Supervision;

/// <summary>Runs one of the machine's programs to its end.</summary>
internal static class Tool
{
    public sealed record Outcome(int ExitCode, string Output, string Error);

    public static async Task<Outcome> TryRunAsync(string program, IEnumerable<string> arguments, string? input, CancellationToken cancel)
    {
        var start = new ProcessStartInfo(program, arguments)
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        using var process = Process.Start(start) ?? throw new InvalidOperationException($"{program} did not start");
        var output = process.StandardOutput.ReadToEndAsync(cancel);
        var error = process.StandardError.ReadToEndAsync(cancel);
        try
        {
            if (input is not null)
                await process.StandardInput.WriteAsync(input.AsMemory(), cancel).ConfigureAwait(false);
            process.StandardInput.Close();
        }
        catch (IOException)
        {
            // It ended before it read everything; its exit code and its complaint say why.
        }
        await process.WaitForExitAsync(cancel).ConfigureAwait(false);
        return new Outcome(process.ExitCode, await output.ConfigureAwait(false), await error.ConfigureAwait(false));
    }

    /// <exception cref="ToolFailedException">It ended with another code than 0.</exception>
    public static async Task<string> RunAsync(string program, IEnumerable<string> arguments, string? input, CancellationToken cancel)
    {
        var list = arguments.ToList();
        var outcome = await TryRunAsync(program, list, input, cancel).ConfigureAwait(false);
        if (outcome.ExitCode != 0)
            throw new ToolFailedException($"{program} {string.Join(' ', list)}: {(outcome.Error.Trim() is { Length: > 0 } complaint ? complaint : $"exit code {outcome.ExitCode}")}");
        return outcome.Output;
    }
}

internal sealed class ToolFailedException(string message) : Exception(message);

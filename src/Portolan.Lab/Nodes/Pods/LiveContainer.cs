using Portolan.Lab.Nodes.Containers;
using Portolan.Lab.Nodes.Logs;

namespace Portolan.Lab.Nodes.Pods;

/// <summary>A container that runs: one life of it, between two restarts.</summary>
internal sealed record LiveContainer(ContainerProcess Process, ContainerCgroup Cgroup, ProcessSpec Spec, ContainerLog Log, string LabExecutable, string TerminationMessageFile)
{
    /// <summary>Starts one more process in it.</summary>
    /// <exception cref="ContainerStartException">The program is not there, or the container has just ended.</exception>
    public Task<ContainerProcess> ExecAsync(IReadOnlyList<string> command, bool stdin, bool terminal)
    {
        var environment = terminal && !Spec.Environment.Any(e => e.StartsWith("TERM=", StringComparison.Ordinal)) ? [.. Spec.Environment, "TERM=xterm"] : Spec.Environment;
        return ContainerProcess.ExecAsync(LabExecutable, Spec with { Arguments = command, Stdin = stdin, Terminal = terminal, Environment = environment }, Cgroup, Process.Pid);
    }

    /// <summary>Runs a command to its end; its exit status and the beginning of what it wrote.</summary>
    public async Task<(int Status, string Output)> RunAsync(IReadOnlyList<string> command, CancellationToken cancel)
    {
        const int MostOutput = 10 * 1024;
        using var process = await ExecAsync(command, stdin: false, terminal: false).ConfigureAwait(false);
        using var kill = cancel.Register(process.Kill);
        var output = new MemoryStream();
        await foreach (var chunk in process.Output.Attach().ReadAllAsync(CancellationToken.None).ConfigureAwait(false))
            output.Write(chunk.Bytes.Span[..(int)Math.Min(chunk.Bytes.Length, MostOutput - output.Length)]);
        var status = await process.Exited.ConfigureAwait(false);
        cancel.ThrowIfCancellationRequested();
        return (status, System.Text.Encoding.UTF8.GetString(output.ToArray()));
    }
}

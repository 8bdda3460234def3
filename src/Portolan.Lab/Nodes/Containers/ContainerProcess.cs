using System.Diagnostics;
using System.Text;
using System.Text.Json;

namespace Portolan.Lab.Nodes.Containers;

/// <summary>The container could not be made or its program not started; the message is what the container's status shows.</summary>
internal sealed class ContainerStartException(string message) : Exception(message);

/// <summary>A process of a container (its first, or one that <c>exec</c> added) as the node agent holds it: input, output, end.</summary>
internal sealed class ContainerProcess : IDisposable
{
    private readonly Process _process;
    private readonly Stream _input;
    private readonly Terminal? _terminal;
    private static readonly TimeSpan _silence = TimeSpan.FromSeconds(1);
    private readonly Task _pumps;

    private long _given;
    private int _waitedFor;

    private ContainerProcess(Process process, Terminal? terminal, int pid, ProcessOutput output)
    {
        (_process, _input, _terminal, Pid, Output) = (process, process.StandardInput.BaseStream, terminal, pid, output);
        _pumps = terminal is null
            ? Task.WhenAll(PumpAsync(process.StandardOutput.BaseStream, OutputStream.Out), PumpAsync(process.StandardError.BaseStream, OutputStream.Error))
            : Task.Factory.StartNew(PumpTerminal, CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default);
        Exited = WaitAsync();
    }

    /// <summary>By the machine's numbers; 0 for a process that ended at once.</summary>
    public int Pid { get; }

    public ProcessOutput Output { get; }

    /// <summary>The exit status, 128 + N for signal N; completed when all output has been read.</summary>
    public Task<int> Exited { get; }

    public bool HasTerminal => _terminal is not null;

    /// <summary>Makes a container and starts its program.</summary>
    /// <exception cref="ContainerStartException">It did not come to that.</exception>
    public static async Task<ContainerProcess> StartAsync(string labExecutable, ContainerSpec spec, string specPath, ContainerCgroup cgroup, string networkNamespace, ContainerOutput output)
    {
        cgroup.Create();
        await using (var file = File.Create(specPath))
            await JsonSerializer.SerializeAsync(file, spec, ContainerJson.Default.ContainerSpec).ConfigureAwait(false);
        var process = ContainerLaunch.StartInit(labExecutable, cgroup.Path, networkNamespace, specPath);
        return await GreetAsync(process, () => Terminal.OpenIn(cgroup.FindInit()), cgroup.FindInit, spec.Process.Stdin, output).ConfigureAwait(false);
    }

    /// <summary>Starts one more process in a running container.</summary>
    /// <exception cref="ContainerStartException">The program is not there.</exception>
    public static async Task<ContainerProcess> ExecAsync(string labExecutable, ProcessSpec spec, ContainerCgroup cgroup, int containerPid)
    {
        Terminal? terminal = null;
        try
        {
            if (spec.Terminal)
                terminal = Terminal.OpenIn(containerPid);
            var json = JsonSerializer.Serialize(new ExecSpec(containerPid, terminal?.Number ?? 0, spec), ContainerJson.Default.ExecSpec);
            var process = ContainerLaunch.StartExec(labExecutable, cgroup.Path, containerPid, json);
            return await GreetAsync(process, () => terminal!, () => process.Id, spec.Stdin, new ExecOutput(), terminal).ConfigureAwait(false);
        }
        catch (Exception failure)
        {
            terminal?.Dispose();
            if (failure is SystemCallException)
                throw new ContainerStartException(failure.Message);
            throw;
        }
    }

    /// <summary>The conversation described at <see cref="ContainerInit"/>.</summary>
    private static async Task<ContainerProcess> GreetAsync(Process process, Func<Terminal> openTerminal, Func<int> findPid, bool keepStdin, ProcessOutput output, Terminal? terminal = null)
    {
        var said = new StringBuilder();
        try
        {
            while (true)
            {
                var line = await ReadLineAsync(process.StandardError.BaseStream).ConfigureAwait(false);
                if (line is null)
                    throw new ContainerStartException(said.Length > 0 ? said.ToString() : "the container's first process ended before its program started");
                if (line == ContainerInit.TerminalQuestion)
                {
                    terminal = openTerminal();
                    process.StandardInput.BaseStream.Write(Encoding.ASCII.GetBytes($"{terminal.Number}\n"));
                    process.StandardInput.BaseStream.Flush();
                }
                else if (line == ContainerInit.Started)
                {
                    var started = new ContainerProcess(process, terminal, findPid(), output);
                    if (!keepStdin || terminal is not null)
                        process.StandardInput.BaseStream.Dispose();
                    return started;
                }
                else
                {
                    said.Append(said.Length > 0 ? " " : "").Append(line.StartsWith(ContainerInit.ErrorPrefix, StringComparison.Ordinal) ? line[ContainerInit.ErrorPrefix.Length..] : line);
                }
            }
        }
        catch (Exception failure)
        {
            terminal?.Dispose();
            if (!process.HasExited)
                process.Kill();
            await process.WaitForExitAsync().ConfigureAwait(false);
            Close(process);
            if (failure is SystemCallException)
                throw new ContainerStartException(failure.Message);
            throw;
        }
    }

    /// <summary>Byte by byte: what follows the line is the program's.</summary>
    private static async Task<string?> ReadLineAsync(Stream stream)
    {
        var line = new List<byte>();
        var one = new byte[1];
        while (await stream.ReadAsync(one).ConfigureAwait(false) == 1)
        {
            if (one[0] == (byte)'\n')
                return Encoding.UTF8.GetString([.. line]);
            if (line.Count < 16 * 1024)
                line.Add(one[0]);
        }
        return line.Count > 0 ? Encoding.UTF8.GetString([.. line]) : null;
    }

    public async Task WriteInputAsync(ReadOnlyMemory<byte> bytes, CancellationToken cancel)
    {
        try
        {
            if (_terminal is not null)
                await Task.Run(() => _terminal.Write(bytes.Span), cancel).ConfigureAwait(false);
            else
            {
                await _input.WriteAsync(bytes, cancel).ConfigureAwait(false);
                await _input.FlushAsync(cancel).ConfigureAwait(false);
            }
        }
        catch (Exception closed) when (closed is IOException or ObjectDisposedException)
        {
            // The program has closed its input or is gone; how it ended is told by Exited.
        }
    }

    /// <summary>The program reads end of file. A terminal has none to give: there it is what the user types.</summary>
    public void CloseInput()
    {
        // The stream, not the process's property: a client may leave after the process has been disposed.
        if (_terminal is null)
            _input.Dispose();
    }

    public void Resize(TerminalSize size) => _terminal?.Resize(size);

    public void Signal(int signal)
    {
        if (Pid > 0 && !Exited.IsCompleted)
            _ = NativeMethods.kill(Pid, signal);
    }

    /// <summary>Ends a process that <c>exec</c> added: it dies with the one that waits for it.</summary>
    public void Kill()
    {
        Output.End();
        if (!Exited.IsCompleted)
            _process.Kill();
    }

    private async Task PumpAsync(Stream from, OutputStream stream)
    {
        var buffer = new byte[32 * 1024];
        int count;
        while ((count = await from.ReadAsync(buffer).ConfigureAwait(false)) > 0)
            await OutputAsync(stream, buffer.AsMemory(0, count)).ConfigureAwait(false);
    }

    private void PumpTerminal()
    {
        var buffer = new byte[32 * 1024];
        int count;
        while ((count = _terminal!.Read(buffer)) > 0)
            OutputAsync(OutputStream.Out, buffer.AsMemory(0, count)).AsTask().GetAwaiter().GetResult(); // a thread of its own
    }

    private async ValueTask OutputAsync(OutputStream stream, ReadOnlyMemory<byte> bytes)
    {
        Interlocked.Increment(ref _waitedFor);
        await Output.WriteAsync(stream, bytes).ConfigureAwait(false);
        Interlocked.Increment(ref _given);
        Interlocked.Decrement(ref _waitedFor);
    }

    private async Task<int> WaitAsync()
    {
        await _process.WaitForExitAsync().ConfigureAwait(false);
        var status = _process.ExitCode;
        // A process that outlives the program may hold its output open: the end is then a while in which nothing came and nobody was waited for.
        long before;
        do
        {
            before = Interlocked.Read(ref _given);
            await Task.WhenAny(_pumps, Task.Delay(_silence)).ConfigureAwait(false);
        }
        while (!_pumps.IsCompleted && (before != Interlocked.Read(ref _given) || Volatile.Read(ref _waitedFor) > 0));
        Output.End();
        return status;
    }

    public void Dispose()
    {
        _terminal?.Dispose();
        Close(_process);
    }

    /// <summary>Pipes that were read from directly are not closed with their process.</summary>
    private static void Close(Process process)
    {
        process.StandardInput.BaseStream.Dispose();
        process.StandardOutput.Dispose();
        process.StandardError.Dispose();
        process.Dispose();
    }
}

using System.Threading.Channels;

using Microsoft.Extensions.Logging;

using Portolan.Lab.Nodes.Containers;
using Portolan.Lab.Nodes.Pods;

namespace Portolan.Lab.Nodes.Server;

/// <summary>Joins a client's streams to a process: a new one (exec) or the container's own (attach).</summary>
internal sealed class RemoteSession(LiveContainer container, StreamSet wanted, ILogger logger)
{
    public async Task ExecAsync(IReadOnlyList<string> command, IRemoteStreams streams, CancellationToken cancel)
    {
        ContainerProcess process;
        try
        {
            process = await container.ExecAsync(command, wanted.Stdin, wanted.Terminal).ConfigureAwait(false);
        }
        catch (ContainerStartException failure)
        {
            // 126 and 127 would be a shell's; container runtimes fail the request itself, and clients print the message.
            await streams.FinishAsync(RemoteStatus.Failure($"error executing command in container: {failure.Message}"), cancel).ConfigureAwait(false);
            return;
        }
        using var _ = process;
        try
        {
            await ConnectAsync(process, process.Output.Attach(), closeInput: true, streams, cancel).ConfigureAwait(false);
        }
        catch
        {
            // The client is gone: nobody waits for the command any more.
            process.Kill();
            await process.Exited.ConfigureAwait(false);
            throw;
        }
        var status = await process.Exited.ConfigureAwait(false);
        logger.LogDebug("exec {Command} ended with {Status}", command[0], status);
        await streams.FinishAsync(RemoteStatus.Exit(status), cancel).ConfigureAwait(false);
    }

    public async Task AttachAsync(bool stdinOnce, IRemoteStreams streams, CancellationToken cancel)
    {
        try
        {
            await ConnectAsync(container.Process, container.Process.Output.Attach(), closeInput: stdinOnce, streams, cancel).ConfigureAwait(false);
            await streams.FinishAsync(RemoteStatus.Success(), cancel).ConfigureAwait(false);
        }
        finally
        {
            if (stdinOnce && wanted.Stdin)
                container.Process.CloseInput();
        }
    }

    /// <summary>Until the process has said its last, or the client is gone.</summary>
    private async Task ConnectAsync(ContainerProcess process, ChannelReader<OutputChunk> output, bool closeInput, IRemoteStreams streams, CancellationToken cancel)
    {
        using var over = CancellationTokenSource.CreateLinkedTokenSource(cancel);
        var input = wanted.Stdin ? CopyInputAsync(process, closeInput, streams, over.Token) : Task.CompletedTask;
        var resize = wanted.Terminal ? CopyResizesAsync(process, streams, over.Token) : Task.CompletedTask;
        try
        {
            await foreach (var chunk in output.ReadAllAsync(over.Token).ConfigureAwait(false))
                if (chunk.Stream == OutputStream.Out ? wanted.Stdout : wanted.Stderr)
                    await streams.WriteAsync(chunk.Stream, chunk.Bytes, over.Token).ConfigureAwait(false);
        }
        finally
        {
            await over.CancelAsync().ConfigureAwait(false);
            await Task.WhenAll(input, resize).ConfigureAwait(false);
        }
    }

    private static async Task CopyInputAsync(ContainerProcess process, bool close, IRemoteStreams streams, CancellationToken over)
    {
        try
        {
            while (await streams.ReadInputAsync(over).ConfigureAwait(false) is { Length: > 0 } bytes)
                await process.WriteInputAsync(bytes, over).ConfigureAwait(false);
            if (close)
                process.CloseInput();
        }
        catch (OperationCanceledException) when (over.IsCancellationRequested)
        {
            // The process has ended first.
        }
    }

    private static async Task CopyResizesAsync(ContainerProcess process, IRemoteStreams streams, CancellationToken over)
    {
        try
        {
            while (await streams.ReadResizeAsync(over).ConfigureAwait(false) is { } size)
                process.Resize(size);
        }
        catch (OperationCanceledException) when (over.IsCancellationRequested)
        {
            // The process has ended first.
        }
    }
}

using System.Text.Json.Nodes;

using Portolan.Lab.Nodes.Containers;

namespace Portolan.Lab.Nodes.Server;

/// <summary>Which streams a client of exec or attach asked for.</summary>
internal readonly record struct StreamSet(bool Stdin, bool Stdout, bool Stderr, bool Terminal);

/// <summary>The client's end of exec and attach, whichever protocol carries it.</summary>
internal interface IRemoteStreams
{
    /// <summary>The next piece of standard input; empty at its end.</summary>
    ValueTask<ReadOnlyMemory<byte>> ReadInputAsync(CancellationToken cancel);

    /// <summary>The next window size; null when no more will come.</summary>
    ValueTask<TerminalSize?> ReadResizeAsync(CancellationToken cancel);

    ValueTask WriteAsync(OutputStream stream, ReadOnlyMemory<byte> bytes, CancellationToken cancel);

    /// <summary>How it ended: a <c>Status</c> object, after which nothing is written.</summary>
    ValueTask FinishAsync(JsonObject status, CancellationToken cancel);
}

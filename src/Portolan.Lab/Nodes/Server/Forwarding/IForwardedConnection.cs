namespace Portolan.Lab.Nodes.Server.Forwarding;

/// <summary>The client's end of one forwarded connection, whichever protocol carries it.</summary>
internal interface IForwardedConnection
{
    /// <summary>The next data for the pod; empty when the client will send no more.</summary>
    ValueTask<ReadOnlyMemory<byte>> ReadAsync(CancellationToken cancel);

    /// <summary>Whether the client gave the connection up, rather than having said all it had to say.</summary>
    bool IsAborted { get; }

    ValueTask WriteAsync(ReadOnlyMemory<byte> bytes, CancellationToken cancel);

    /// <summary>The pod has said its last; nothing is written afterwards.</summary>
    ValueTask EndAsync(CancellationToken cancel);

    /// <summary>There is no connection, or no longer one: the text is for people. Nothing is written afterwards.</summary>
    ValueTask FailAsync(string why, CancellationToken cancel);
}

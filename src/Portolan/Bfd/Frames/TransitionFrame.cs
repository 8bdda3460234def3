using Portolan.Protocols.Bfd;

namespace Portolan.Bfd.Frames;

/// <summary>A session that changed: <code>| name | state before (1) | state (1) | diagnostic (1) | the other side's state (1) | its C bit (1) |</code></summary>
internal static class TransitionFrame
{
    public static bool TryParse(ReadOnlySpan<byte> body, out BfdTransition<SessionName> transition)
    {
        var reader = new FrameReader(body);
        transition = new(
            reader.Name(), (BfdState)reader.Byte(), (BfdState)reader.Byte(), (BfdDiagnostic)reader.Byte(), (BfdState)reader.Byte(), reader.Flag());
        return reader.IsWhole && transition.From <= BfdState.Up && transition.State <= BfdState.Up && transition.RemoteState <= BfdState.Up;
    }

    /// <returns>The frame's size.</returns>
    public static int Write(Span<byte> frame, BfdTransition<SessionName> transition)
    {
        var writer = new FrameWriter(frame);
        writer.Name(transition.Peer);
        writer.Byte((byte)transition.From);
        writer.Byte((byte)transition.State);
        writer.Byte((byte)transition.Diagnostic);
        writer.Byte((byte)transition.RemoteState);
        writer.Flag(transition.RemoteIsIndependent);
        return writer.Finish(FrameKind.Transition);
    }
}

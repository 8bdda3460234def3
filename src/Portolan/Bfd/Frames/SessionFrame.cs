using Portolan.Protocols.Bfd;

namespace Portolan.Bfd.Frames;

/// <summary>
/// How it is with a session:
/// <code>| name | state (1) | diagnostic (1) | the other side's state (1) | its C bit (1) | intervals of sending and of receiving (8, 8) | detection time (8) | sent, received, ups, downs (8 each) |</code>
/// </summary>
internal static class SessionFrame
{
    public static bool TryParse(ReadOnlySpan<byte> body, out SessionFigures figures)
    {
        var reader = new FrameReader(body);
        figures = new SessionFigures(
            reader.Name(), (BfdState)reader.Byte(), (BfdDiagnostic)reader.Byte(), (BfdState)reader.Byte(), reader.Flag(),
            reader.Number64(), reader.Number64(), reader.Number64(), reader.Number64(), reader.Number64(), reader.Number64(), reader.Number64());
        return reader.IsWhole && figures.State <= BfdState.Up && figures.RemoteState <= BfdState.Up;
    }

    /// <returns>The frame's size.</returns>
    public static int Write(Span<byte> frame, in SessionFigures figures)
    {
        var writer = new FrameWriter(frame);
        writer.Name(figures.Name);
        writer.Byte((byte)figures.State);
        writer.Byte((byte)figures.Diagnostic);
        writer.Byte((byte)figures.RemoteState);
        writer.Flag(figures.RemoteIsIndependent);
        foreach (var number in (ReadOnlySpan<long>)[figures.SendInterval, figures.ReceiveInterval, figures.DetectionTime, figures.Sent, figures.Received, figures.Ups, figures.Downs])
            writer.Number64(number);
        return writer.Finish(FrameKind.Session);
    }
}

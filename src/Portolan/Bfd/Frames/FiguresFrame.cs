namespace Portolan.Bfd.Frames;

/// <summary>What the loop has counted since the process started: sent, received, discarded, lateness in microseconds, then the lateness counts, 8 bytes each.</summary>
internal static class FiguresFrame
{
    /// <summary>Reads the numbers into figures of the receiver.</summary>
    public static bool TryParse(ReadOnlySpan<byte> body, LoopFigures into)
    {
        var reader = new FrameReader(body);
        var (sent, received, discarded, lateness) = (reader.Number64(), reader.Number64(), reader.Number64(), reader.Number64());
        Span<long> counts = stackalloc long[into.Counts.Length];
        foreach (ref var count in counts)
            count = reader.Number64();
        if (!reader.IsWhole)
            return false;
        (into.Sent, into.Received, into.Discarded, into.Lateness) = (sent, received, discarded, lateness);
        counts.CopyTo(into.Counts);
        return true;
    }

    /// <returns>The frame's size.</returns>
    public static int Write(Span<byte> frame, LoopFigures figures)
    {
        var writer = new FrameWriter(frame);
        writer.Number64(figures.Sent);
        writer.Number64(figures.Received);
        writer.Number64(figures.Discarded);
        writer.Number64(figures.Lateness);
        foreach (var count in figures.Counts)
            writer.Number64(count);
        return writer.Finish(FrameKind.Figures);
    }
}

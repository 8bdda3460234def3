namespace Portolan.Bfd.Frames;

/// <summary>A session that is to be held no more: <code>| name | 0: without a word, 1: planned, which the peer is told first (1) |</code></summary>
internal static class ForgetFrame
{
    public static bool TryParse(ReadOnlySpan<byte> body, out SessionName name, out bool planned)
    {
        var reader = new FrameReader(body);
        name = reader.Name();
        planned = reader.Flag();
        return reader.IsWhole && name.Local.Family == name.Peer.Family;
    }

    /// <returns>The frame's size.</returns>
    public static int Write(Span<byte> frame, SessionName name, bool planned)
    {
        var writer = new FrameWriter(frame);
        writer.Name(name);
        writer.Flag(planned);
        return writer.Finish(FrameKind.Forget);
    }
}

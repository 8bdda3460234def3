namespace Portolan.Bfd.Frames;

/// <summary>Whether an address is listened on: <code>| address | interface | errno (4) |</code></summary>
internal static class ListenFrame
{
    public static bool TryParse(ReadOnlySpan<byte> body, out ListenNews news)
    {
        var reader = new FrameReader(body);
        news = new ListenNews(reader.Address(), reader.Link(), (int)reader.Number32());
        return reader.IsWhole;
    }

    /// <returns>The frame's size.</returns>
    public static int Write(Span<byte> frame, ListenNews news)
    {
        var writer = new FrameWriter(frame);
        writer.Address(news.Local);
        writer.Link(news.Link);
        writer.Number32((uint)news.Error);
        return writer.Finish(FrameKind.Listening);
    }
}

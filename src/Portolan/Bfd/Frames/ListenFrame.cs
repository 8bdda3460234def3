namespace Portolan.Bfd.Frames;

/// <summary>Whether an address is listened on: <code>| address | interface | 0: at the port of a single hop, 1: of more (1) | errno (4) |</code></summary>
internal static class ListenFrame
{
    public static bool TryParse(ReadOnlySpan<byte> body, out ListenNews news)
    {
        var reader = new FrameReader(body);
        news = new ListenNews(new SessionPlace(reader.Address(), reader.Link(), reader.Flag()), (int)reader.Number32());
        return reader.IsWhole;
    }

    /// <returns>The frame's size.</returns>
    public static int Write(Span<byte> frame, ListenNews news)
    {
        var writer = new FrameWriter(frame);
        writer.Address(news.Place.Local);
        writer.Link(news.Place.Link);
        writer.Flag(news.Place.Multihop);
        writer.Number32((uint)news.Error);
        return writer.Finish(FrameKind.Listening);
    }
}

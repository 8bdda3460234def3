namespace Portolan.Bfd.Frames;

/// <summary>A session's name: both addresses and the interface.</summary>
internal static class NameFrame
{
    public static bool TryParse(ReadOnlySpan<byte> body, out SessionName name)
    {
        var reader = new FrameReader(body);
        name = Read(ref reader);
        return reader.IsWhole && name.Local.Family == name.Peer.Family;
    }

    /// <returns>The frame's size.</returns>
    public static int Write(Span<byte> frame, SessionName name)
    {
        var writer = new FrameWriter(frame);
        Write(ref writer, name);
        return writer.Finish(FrameKind.Forget);
    }

    internal static SessionName Read(ref FrameReader reader) => new(reader.Address(), reader.Address(), reader.Link());

    internal static void Write(ref FrameWriter writer, SessionName name)
    {
        writer.Address(name.Local);
        writer.Address(name.Peer);
        writer.Link(name.Link);
    }
}

namespace Portolan.Bfd.Frames;

/// <summary>The first frame of each side. Whoever reads another version ends the conversation.</summary>
/// <param name="Version">The version of what follows.</param>
/// <param name="SchedulingError">Of the bfd process: 0 where it is scheduled in real time, otherwise the errno by which it was refused.</param>
/// <param name="Floor">Of the bfd process: the shortest interval it agrees to, in microseconds.</param>
internal readonly record struct Hello(byte Version, int SchedulingError, uint Floor)
{
    /// <summary>The version that this program speaks.</summary>
    public const byte Current = 2;

    /// <summary>Reads it from a body. Of another version nothing but the version is read.</summary>
    public static bool TryParse(ReadOnlySpan<byte> body, out Hello hello)
    {
        var reader = new FrameReader(body);
        hello = new Hello { Version = reader.Byte() };
        if (body.Length > 0 && hello.Version != Current)
            return true;
        hello = hello with { SchedulingError = (int)reader.Number32(), Floor = reader.Number32() };
        return reader.IsWhole;
    }

    /// <returns>The frame's size.</returns>
    public int WriteTo(Span<byte> frame)
    {
        var writer = new FrameWriter(frame);
        writer.Byte(Version);
        writer.Number32((uint)SchedulingError);
        writer.Number32(Floor);
        return writer.Finish(FrameKind.Hello);
    }
}

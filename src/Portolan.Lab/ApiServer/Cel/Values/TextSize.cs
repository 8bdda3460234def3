namespace Portolan.Lab.ApiServer.Cel.Values;

/// <summary>Texts are counted and indexed in code points, not in the units .NET keeps them in.</summary>
internal static class TextSize
{
    public static int Of(ReadOnlySpan<char> text)
    {
        if (!text.ContainsAnyInRange('\uD800', '\uDFFF'))
            return text.Length;
        var count = 0;
        foreach (var _ in text.EnumerateRunes())
            count++;
        return count;
    }

    /// <summary>Where the code point of this index begins, in UTF-16 units; the end for the index behind the last.</summary>
    public static int OffsetOf(string text, int index)
    {
        if (!text.AsSpan().ContainsAnyInRange('\uD800', '\uDFFF'))
            return index;
        var at = 0;
        for (; index > 0; index--)
            at += at + 1 < text.Length && char.IsSurrogatePair(text[at], text[at + 1]) ? 2 : 1;
        return at;
    }
}

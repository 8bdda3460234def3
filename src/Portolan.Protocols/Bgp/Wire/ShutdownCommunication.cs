using System.Globalization;
using System.Text;

namespace Portolan.Protocols.Bgp.Wire;

/// <summary>What an operator tells the other side's when a session is shut down or reset: <c>| length (1) | UTF-8 |</c> (RFC 9003 §2).</summary>
public static class ShutdownCommunication
{
    /// <summary>The most bytes of text.</summary>
    public const int MaxSize = 255;

    /// <summary>Whether a Cease has room for it: Administrative Shutdown and Administrative Reset.</summary>
    public static bool IsCarriedBy(CeaseSubcode subcode) => subcode is CeaseSubcode.AdministrativeShutdown or CeaseSubcode.AdministrativeReset;

    /// <summary>The data of a NOTIFICATION. Text beyond <see cref="MaxSize"/> bytes is cut after its last whole character.</summary>
    public static byte[] Encode(string text)
    {
        Span<byte> buffer = stackalloc byte[1 + MaxSize];
        var size = 0;
        foreach (var rune in text.EnumerateRunes())
        {
            if (size + rune.Utf8SequenceLength > MaxSize)
                break;
            size += rune.EncodeToUtf8(buffer[(1 + size)..]);
        }

        buffer[0] = (byte)size;
        return buffer[..(1 + size)].ToArray();
    }

    /// <summary>Reads the data of a NOTIFICATION. What is no character, or one that commands a terminal or turns the text around, is replaced by U+FFFD.</summary>
    /// <returns>False when there is none, or its length is not that of the data.</returns>
    public static bool TryDecode(ReadOnlySpan<byte> data, out string text)
    {
        text = "";
        if (data.IsEmpty || data[0] == 0 || data[0] > data.Length - 1)
            return false;
        var read = new StringBuilder(data[0]);
        for (var rest = data.Slice(1, data[0]); !rest.IsEmpty;)
        {
            // Gives U+FFFD for what is no UTF-8.
            Rune.DecodeFromUtf8(rest, out var rune, out var consumed);
            read.Append(IsHarmless(rune) ? rune.ToString() : "\ufffd");
            rest = rest[consumed..];
        }

        text = read.ToString();
        return true;
    }

    private static bool IsHarmless(Rune rune) => Rune.GetUnicodeCategory(rune) is not
        (UnicodeCategory.Control or UnicodeCategory.Format or UnicodeCategory.LineSeparator or UnicodeCategory.ParagraphSeparator);
}

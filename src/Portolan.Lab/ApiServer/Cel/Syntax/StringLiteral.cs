using System.Globalization;
using System.Text;

namespace Portolan.Lab.ApiServer.Cel.Syntax;

/// <summary>String and bytes literals: quoted once or three times, raw (<c>r</c>), bytes (<c>b</c>), with escapes.</summary>
internal static class StringLiteral
{
    /// <returns>Letters before the quote, −1 when no literal begins here.</returns>
    public static int PrefixLength(ReadOnlySpan<char> text)
    {
        for (var i = 0; i < text.Length && i <= 2; i++)
        {
            if (text[i] is '"' or '\'')
                return i;
            if (text[i] is not ('r' or 'R' or 'b' or 'B') || (i == 1 && char.ToUpperInvariant(text[0]) == char.ToUpperInvariant(text[1])))
                return -1;
        }

        return -1;
    }

    /// <summary>Reads a literal and moves behind it.</summary>
    /// <returns>A string or a byte[].</returns>
    public static object Read(string source, ref int at, int prefix, out CelProblem? problem)
    {
        problem = null;
        var start = at;
        var letters = source.AsSpan(at, prefix);
        var raw = letters.ContainsAny('r', 'R');
        var bytes = letters.ContainsAny('b', 'B');
        at += prefix;
        var quote = source[at];
        var fence = source.AsSpan(at).StartsWith([quote, quote, quote]) ? new string(quote, 3) : quote.ToString();
        at += fence.Length;
        var text = new StringBuilder();
        var octets = new List<byte>();
        while (true)
        {
            if (at >= source.Length || (fence.Length == 1 && source[at] is '\n' or '\r'))
            {
                var cut = source.AsSpan(start, Math.Min(at, source.Length) - start);
                problem = new CelProblem(start, $"Syntax error: token recognition error at: '{cut}'");
                return "";
            }

            if (source.AsSpan(at).StartsWith(fence, StringComparison.Ordinal))
            {
                at += fence.Length;
                return bytes ? octets.ToArray() : text.ToString();
            }

            if (source[at] == '\\' && !raw)
            {
                if (!Escape(source, ref at, bytes, text, octets))
                {
                    problem = new CelProblem(at, "Syntax error: token recognition error at: '\\'");
                    return "";
                }

                continue;
            }

            // In a raw literal a backslash stands for itself, also before a quote, which it keeps from ending the literal in no way.
            Append(source, ref at, bytes, text, octets);
        }
    }

    private static void Append(string source, ref int at, bool bytes, StringBuilder text, List<byte> octets)
    {
        if (!Rune.TryGetRuneAt(source, at, out var rune))
            rune = Rune.ReplacementChar;
        at += Rune.TryGetRuneAt(source, at, out _) ? rune.Utf16SequenceLength : 1;
        Append(rune, bytes, text, octets);
    }

    private static void Append(Rune rune, bool bytes, StringBuilder text, List<byte> octets)
    {
        if (!bytes)
        {
            text.Append(rune.ToString());
            return;
        }

        Span<byte> encoded = stackalloc byte[4];
        octets.AddRange(encoded[..rune.EncodeToUtf8(encoded)]);
    }

    private static bool Escape(string source, ref int at, bool bytes, StringBuilder text, List<byte> octets)
    {
        if (at + 1 >= source.Length)
            return false;
        var c = source[at + 1];
        var simple = c switch
        {
            'a' => '\a',
            'b' => '\b',
            'f' => '\f',
            'n' => '\n',
            'r' => '\r',
            't' => '\t',
            'v' => '\v',
            '\\' or '?' or '"' or '\'' or '`' => c,
            _ => '\0',
        };
        if (simple != '\0')
        {
            at += 2;
            Append(new Rune(simple), bytes, text, octets);
            return true;
        }

        var (first, digits, radix) = c switch
        {
            'x' or 'X' => (2, 2, 16),
            'u' when !bytes => (2, 4, 16),
            'U' when !bytes => (2, 8, 16),
            >= '0' and <= '3' => (1, 3, 8),
            _ => (0, 0, 0),
        };
        if (digits == 0 || at + first + digits > source.Length || !TryNumber(source.AsSpan(at + first, digits), radix, out var code))
            return false;
        if (bytes)
            octets.Add((byte)code);
        else if (Rune.TryCreate(code, out var rune))
            text.Append(rune.ToString());
        else
            return false;
        at += first + digits;
        return true;
    }

    private static bool TryNumber(ReadOnlySpan<char> digits, int radix, out int code)
    {
        code = 0;
        if (radix == 16)
            return int.TryParse(digits, NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out code) && code >= 0;
        foreach (var digit in digits)
        {
            if (digit is < '0' or > '7')
                return false;
            code = (code * 8) + (digit - '0');
        }

        return true;
    }
}

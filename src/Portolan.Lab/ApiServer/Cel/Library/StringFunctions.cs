using System.Text;
using Portolan.Lab.ApiServer.Cel.Estimation;
using Portolan.Lab.ApiServer.Cel.Syntax;
using Portolan.Lab.ApiServer.Cel.Types;
using Portolan.Lab.ApiServer.Cel.Values;

namespace Portolan.Lab.ApiServer.Cel.Library;

/// <summary>Texts: the language's own tests and the extended strings library. Positions count code points.</summary>
internal static class StringFunctions
{
    private static readonly CelType _text = CelType.String;
    private static readonly CelType _texts = CelType.List(CelType.String);

    public static void AddTo(FunctionLibrary to)
    {
        to.Member("contains", CelType.Bool, CallCost.Contains, static x => ((string)x[0]).Contains((string)x[1], StringComparison.Ordinal), _text, _text);
        to.Member("startsWith", CelType.Bool, CallCost.ReadSecond, static x => ((string)x[0]).StartsWith((string)x[1], StringComparison.Ordinal), _text, _text);
        to.Member("endsWith", CelType.Bool, CallCost.ReadSecond, static x => ((string)x[0]).EndsWith((string)x[1], StringComparison.Ordinal), _text, _text);
        to.Member("lowerAscii", _text, CallCost.ReadFirst, static x => Ascii((string)x[0], char.IsAsciiLetterUpper), _text);
        to.Member("upperAscii", _text, CallCost.ReadFirst, static x => Ascii((string)x[0], char.IsAsciiLetterLower), _text);
        to.Member("trim", _text, CallCost.ReadFirst, static x => ((string)x[0]).Trim(), _text);
        to.Member("reverse", _text, CallCost.ReadFirst, static x => Reverse((string)x[0]), _text);
        to.Member("charAt", _text, CallCost.One, static x => CharAt((string)x[0], (long)x[1]), _text, CelType.Int);
        to.Member("indexOf", CelType.Int, CallCost.ReadFirst, static x => IndexOf((string)x[0], (string)x[1], 0), _text, _text);
        to.Member("indexOf", CelType.Int, CallCost.ReadFirst, static x => IndexOf((string)x[0], (string)x[1], (long)x[2]), _text, _text, CelType.Int);
        to.Member("lastIndexOf", CelType.Int, CallCost.ReadFirst, static x => LastIndexOf((string)x[0], (string)x[1], null), _text, _text);
        to.Member("lastIndexOf", CelType.Int, CallCost.ReadFirst, static x => LastIndexOf((string)x[0], (string)x[1], (long)x[2]), _text, _text, CelType.Int);
        to.Member("substring", _text, CallCost.ReadFirst, static x => Substring((string)x[0], (long)x[1], TextSize.Of((string)x[0])), _text, CelType.Int);
        to.Member("substring", _text, CallCost.ReadFirst, static x => Substring((string)x[0], (long)x[1], (long)x[2]), _text, CelType.Int, CelType.Int);
        to.Member("replace", _text, CallCost.Replace, static x => Replace((string)x[0], (string)x[1], (string)x[2], -1), _text, _text, _text);
        to.Member("replace", _text, CallCost.Replace, static x => Replace((string)x[0], (string)x[1], (string)x[2], (long)x[3]), _text, _text, _text, CelType.Int);
        to.Member("split", _texts, CallCost.Split, static x => Split((string)x[0], (string)x[1], -1), _text, _text);
        to.Member("split", _texts, CallCost.Split, static x => Split((string)x[0], (string)x[1], (long)x[2]), _text, _text, CelType.Int);
        to.Member("join", _text, CallCost.Join, static x => Join((CelList)x[0], ""), _texts);
        to.Member("join", _text, CallCost.Join, static x => Join((CelList)x[0], (string)x[1]), _texts, _text);
        to.Member("format", _text, CallCost.ReadFirst, static x => Formatting.Format((string)x[0], (CelList)x[1]), _text, CelType.AnyList);
        to.Function("strings.quote", _text, CallCost.Quote, static x => Printer.Quote((string)x[0]), _text);
    }

    // Flips the case of the letters that are picked.
    private static string Ascii(string text, Func<char, bool> picks) =>
        string.Create(text.Length, (text, picks), static (to, from) =>
        {
            for (var i = 0; i < to.Length; i++)
                to[i] = from.picks(from.text[i]) ? (char)(from.text[i] ^ 0x20) : from.text[i];
        });

    private static string Reverse(string text)
    {
        var reversed = new StringBuilder(text.Length);
        foreach (var rune in text.EnumerateRunes().Reverse())
            reversed.Append(rune.ToString());
        return reversed.ToString();
    }

    private static object CharAt(string text, long index)
    {
        var size = TextSize.Of(text);
        if (index < 0 || index > size)
            return new CelError($"index out of range: {index}");
        return index == size ? "" : Substring(text, index, index + 1);
    }

    private static object IndexOf(string text, string sought, long from)
    {
        if (from < 0 || from > TextSize.Of(text))
            return new CelError($"index out of range: {from}");
        if (sought.Length == 0)
            return from;
        var at = text.IndexOf(sought, TextSize.OffsetOf(text, (int)from), StringComparison.Ordinal);
        return at < 0 ? -1L : TextSize.Of(text.AsSpan(0, at));
    }

    private static object LastIndexOf(string text, string sought, long? from)
    {
        var size = TextSize.Of(text);
        if (from < 0 || from > size)
            return new CelError($"index out of range: {from}");
        var last = Math.Min(from ?? long.MaxValue, size - TextSize.Of(sought));
        if (last < 0)
            return -1L;
        var end = TextSize.OffsetOf(text, (int)last) + sought.Length;
        var at = text.AsSpan(0, Math.Min(end, text.Length)).LastIndexOf(sought, StringComparison.Ordinal);
        return at < 0 ? -1L : (long)TextSize.Of(text.AsSpan(0, at));
    }

    private static object Substring(string text, long start, long end)
    {
        var size = TextSize.Of(text);
        if (start < 0 || start > size)
            return new CelError($"index out of range: {start}");
        if (end < 0 || end > size)
            return new CelError($"index out of range: {end}");
        if (start > end)
            return new CelError($"invalid substring range. start: {start}, end: {end}");
        var from = TextSize.OffsetOf(text, (int)start);
        return text[from..TextSize.OffsetOf(text, (int)end)];
    }

    /// <param name="limit">How many at most; all when negative.</param>
    private static object Replace(string text, string old, string replacement, long limit)
    {
        if (limit < 0)
            limit = long.MaxValue;
        var replaced = new StringBuilder();
        var at = 0;
        for (var done = 0L; done < limit; done++)
        {
            int next;
            if (old.Length > 0)
                next = text.IndexOf(old, at, StringComparison.Ordinal);
            else
                next = done == 0 ? 0 : at < text.Length ? at + TextSize.OffsetOf(text[at..Math.Min(text.Length, at + 2)], 1) : -1;
            if (next < 0)
                break;
            replaced.Append(text, at, next - at).Append(replacement);
            at = next + old.Length;
            if (replaced.Length > TextLimits.MaxLength)
                return TextLimits.TooLong;
        }

        return replaced.Append(text, at, text.Length - at).ToString();
    }

    /// <param name="limit">How many parts at most; all when negative.</param>
    private static ArrayList Split(string text, string separator, long limit)
    {
        if (limit == 0)
            return new ArrayList([]);
        if (limit < 0)
            limit = long.MaxValue;
        var parts = new List<object>();
        var at = 0;
        if (separator.Length == 0)
        {
            while (at < text.Length && parts.Count < limit - 1)
            {
                var next = at + TextSize.OffsetOf(text[at..Math.Min(text.Length, at + 2)], 1);
                parts.Add(text[at..next]);
                at = next;
            }

            if (at < text.Length)
                parts.Add(text[at..]);
            return new ArrayList(parts);
        }

        for (int next; parts.Count < limit - 1 && (next = text.IndexOf(separator, at, StringComparison.Ordinal)) >= 0; at = next + separator.Length)
            parts.Add(text[at..next]);
        parts.Add(text[at..]);
        return new ArrayList(parts);
    }

    private static object Join(CelList list, string separator)
    {
        var joined = new StringBuilder();
        for (var i = 0; i < list.Count; i++)
        {
            if (list[i] is not string part)
                return CelError.NoSuchOverload;
            if (i > 0)
                joined.Append(separator);
            joined.Append(part);
            if (joined.Length > TextLimits.MaxLength)
                return TextLimits.TooLong;
        }

        return joined.ToString();
    }
}

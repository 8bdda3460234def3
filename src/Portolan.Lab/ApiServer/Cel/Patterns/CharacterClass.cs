using System.Globalization;
using System.Text;

namespace Portolan.Lab.ApiServer.Cel.Patterns;

/// <summary>A set of code points of a pattern, written for an engine that sees UTF-16 units.</summary>
internal sealed class CharacterClass
{
    private const string AnyPair = "[\\uD800-\\uDBFF][\\uDC00-\\uDFFF]";

    private static readonly Dictionary<string, (int, int)[]> _named = new()
    {
        ["d"] = [('0', '9')],
        ["s"] = [('\t', '\n'), ('\f', '\r'), (' ', ' ')],
        ["w"] = [('0', '9'), ('A', 'Z'), ('_', '_'), ('a', 'z')],
        ["alnum"] = [('0', '9'), ('A', 'Z'), ('a', 'z')],
        ["alpha"] = [('A', 'Z'), ('a', 'z')],
        ["ascii"] = [(0, 0x7f)],
        ["blank"] = [('\t', '\t'), (' ', ' ')],
        ["cntrl"] = [(0, 0x1f), (0x7f, 0x7f)],
        ["digit"] = [('0', '9')],
        ["graph"] = [('!', '~')],
        ["lower"] = [('a', 'z')],
        ["print"] = [(' ', '~')],
        ["punct"] = [('!', '/'), (':', '@'), ('[', '`'), ('{', '~')],
        ["space"] = [('\t', '\r'), (' ', ' ')],
        ["upper"] = [('A', 'Z')],
        ["word"] = [('0', '9'), ('A', 'Z'), ('_', '_'), ('a', 'z')],
        ["xdigit"] = [('0', '9'), ('A', 'F'), ('a', 'f')],
    };

    private readonly List<(int First, int Last)> _ranges = [];
    private readonly StringBuilder _categories = new();

    public bool IsNegated { get; set; }

    /// <summary>Reads <c>[…]</c> and moves behind it.</summary>
    public static CharacterClass Parse(string pattern, ref int at)
    {
        var start = at++;
        var set = new CharacterClass();
        if (at < pattern.Length && pattern[at] == '^')
        {
            set.IsNegated = true;
            at++;
        }

        for (var first = true; ; first = false)
        {
            if (at >= pattern.Length)
                throw new PatternException($"missing closing ]: `{pattern[start..]}`");
            if (pattern[at] == ']' && !first)
            {
                at++;
                return set;
            }

            if (pattern.AsSpan(at).StartsWith("[:") && pattern.IndexOf(":]", at, StringComparison.Ordinal) is > 0 and var end)
            {
                set.AddNamed(pattern[(at + 2)..end].TrimStart('^'), pattern[at + 2] == '^', pattern[at..(end + 2)]);
                at = end + 2;
                continue;
            }

            if (set.AddClassEscape(pattern, ref at))
                continue;
            var low = Single(pattern, ref at);
            var high = low;
            if (at + 1 < pattern.Length && pattern[at] == '-' && pattern[at + 1] != ']')
            {
                at++;
                high = Single(pattern, ref at);
                if (high < low)
                    throw new PatternException($"invalid character class range: `{pattern[start..at]}`");
            }

            set.Add(low, high);
        }
    }

    public void Add(int first, int last) => _ranges.Add((first, last));

    /// <summary>Adds what an escape outside of brackets stands for.</summary>
    public void AddEscape(string pattern, ref int at)
    {
        if (AddClassEscape(pattern, ref at))
            return;
        var point = Single(pattern, ref at);
        Add(point, point);
    }

    public void WriteTo(StringBuilder to)
    {
        var plain = new StringBuilder();
        foreach (var (first, last) in _ranges)
        {
            if (first <= 0xffff)
                Range(first, Math.Min(last, 0xffff), plain);
        }

        plain.Append(_categories);
        var beyond = _ranges.Where(range => range.Last > 0xffff).Select(range => (First: Math.Max(range.First, 0x10000), range.Last));
        var pairs = new List<string>();
        if (!IsNegated)
        {
            pairs.AddRange(beyond.SelectMany(range => Pairs(range.First, range.Last)));
        }
        else if (!beyond.Any())
        {
            pairs.Add(AnyPair);
        }
        else
        {
            var next = 0x10000;
            foreach (var (first, last) in beyond.OrderBy(range => range.First))
            {
                if (first > next)
                    pairs.AddRange(Pairs(next, first - 1));
                next = Math.Max(next, last + 1);
            }

            if (next <= 0x10ffff)
                pairs.AddRange(Pairs(next, 0x10ffff));
        }

        var units = IsNegated ? $"[^{plain}\\uD800-\\uDFFF]" : plain.Length > 0 ? $"[{plain}]" : null;
        if (units is not null)
            pairs.Insert(0, units);

        // An empty set matches nothing: the end and then a unit more.
        to.Append(pairs.Count == 0 ? "(?:\\z[\\u0000-\\uFFFF])" : pairs.Count == 1 && units is not null ? units : $"(?:{string.Join('|', pairs)})");
    }

    private bool AddClassEscape(string pattern, ref int at)
    {
        if (pattern[at] != '\\' || at + 1 >= pattern.Length)
            return false;
        var c = pattern[at + 1];
        if (c is 'd' or 's' or 'w' or 'D' or 'S' or 'W')
        {
            AddNamed(char.ToLowerInvariant(c).ToString(), char.IsAsciiLetterUpper(c), "");
            at += 2;
            return true;
        }

        if (c is not ('p' or 'P'))
            return false;
        var end = at + 2 < pattern.Length && pattern[at + 2] == '{' ? pattern.IndexOf('}', at) : at + 2;
        if (end < 0 || end >= pattern.Length)
            throw new PatternException($"invalid character class range: `{pattern[at..]}`");
        var name = pattern[(at + 2)..(end + 1)].Trim('{', '}');
        var negated = c == 'P' ^ name.StartsWith('^');
        name = name.TrimStart('^');
        if (name is not ("L" or "Lu" or "Ll" or "Lt" or "Lm" or "Lo" or "M" or "Mn" or "Mc" or "Me" or "N" or "Nd" or "Nl" or "No" or "P" or "Pc" or "Pd" or "Ps" or "Pe" or "Pi" or "Pf" or "Po"
            or "S" or "Sm" or "Sc" or "Sk" or "So" or "Z" or "Zs" or "Zl" or "Zp" or "Cc" or "Cf" or "Co"))
            throw new PatternException($"unsupported character class: `{pattern[at..(end + 1)]}`");
        _categories.Append(negated ? "\\P{" : "\\p{").Append(name).Append('}');
        at = end + 1;
        return true;
    }

    private void AddNamed(string name, bool negated, string shown)
    {
        if (!_named.TryGetValue(name, out var ranges))
            throw new PatternException($"invalid character class range: `{shown}`");
        if (!negated)
        {
            _ranges.AddRange(ranges);
            return;
        }

        var next = 0;
        foreach (var (first, last) in ranges)
        {
            if (first > next)
                Add(next, first - 1);
            next = last + 1;
        }

        Add(next, 0x10ffff);
    }

    /// <summary>One code point, written as itself or by an escape.</summary>
    private static int Single(string pattern, ref int at)
    {
        var start = at;
        if (pattern[at] != '\\')
        {
            if (!Rune.TryGetRuneAt(pattern, at, out var rune))
                throw new PatternException("invalid UTF-8");
            at += rune.Utf16SequenceLength;
            return rune.Value;
        }

        if (++at >= pattern.Length)
            throw new PatternException("trailing backslash at end of expression: ``");
        var c = pattern[at++];
        switch (c)
        {
            case 'a':
                return '\a';
            case 'f':
                return '\f';
            case 'n':
                return '\n';
            case 'r':
                return '\r';
            case 't':
                return '\t';
            case 'v':
                return '\v';
            case 'x' when at < pattern.Length && pattern[at] == '{' && pattern.IndexOf('}', at) is > 0 and var end && Hex(pattern.AsSpan(at + 1, end - at - 1)) is { } wide:
                at = end + 1;
                return wide;
            case 'x' when at + 2 <= pattern.Length && Hex(pattern.AsSpan(at, 2)) is { } octet:
                at += 2;
                return octet;
            case >= '0' and <= '7' when c == '0' || (at < pattern.Length && pattern[at] is >= '0' and <= '7'):
                var value = c - '0';
                for (var digits = 1; digits < 3 && at < pattern.Length && pattern[at] is >= '0' and <= '7'; digits++)
                    value = (value * 8) + (pattern[at++] - '0');
                return value;
            case < '\u0080' when !char.IsAsciiLetterOrDigit(c):
                return c;
            default:
                throw new PatternException($"invalid escape sequence: `{pattern[start..at]}`");
        }
    }

    private static int? Hex(ReadOnlySpan<char> digits) =>
        digits.Length is > 0 and <= 6 && int.TryParse(digits, NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out var value) && value <= 0x10ffff ? value : null;

    private static void Range(int first, int last, StringBuilder to)
    {
        to.Append(CultureInfo.InvariantCulture, $"\\u{first:X4}");
        if (last > first)
            to.Append(CultureInfo.InvariantCulture, $"-\\u{last:X4}");
    }

    /// <summary>The surrogate pairs of a range of code points: those of its first and last lead unit apart, where they are not whole.</summary>
    private static IEnumerable<string> Pairs(int first, int last)
    {
        while (first <= last)
        {
            var lead = Lead(first);
            var whole = (first & 0x3ff) == 0 && Lead(last) > lead;
            var through = whole ? Lead(last) - ((last & 0x3ff) == 0x3ff ? 0 : 1) : lead;
            var end = Math.Min(last, 0x10000 + ((through - 0xd800) << 10) + 0x3ff);
            var to = new StringBuilder("[");
            Range(lead, through, to);
            to.Append("][");
            Range(0xdc00 + (first & 0x3ff), 0xdc00 + (end & 0x3ff), to);
            yield return to.Append(']').ToString();
            first = end + 1;
        }

        static int Lead(int point) => 0xd800 + ((point - 0x10000) >> 10);
    }
}

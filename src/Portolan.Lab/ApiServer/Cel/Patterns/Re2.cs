using System.Collections.Concurrent;
using System.Globalization;
using System.Runtime.CompilerServices;
using System.Text;
using System.Text.RegularExpressions;

namespace Portolan.Lab.ApiServer.Cel.Patterns;

/// <summary>
/// Regular expressions of RE2's syntax, on .NET's engine that takes time linear in the text. They are translated, as the two differ: <c>\d</c> is ASCII, <c>$</c> is
/// the very end, a dot is a code point. What RE2 lacks (back references, looking around) or this does not know is refused.
/// </summary>
internal sealed class Re2
{
    /// <summary>States of the automaton, about; RE2's own limit is higher.</summary>
    private const int MaxSize = 20_000;

    private const int MaxNesting = 200;
    private const int MaxRepeat = 1000;

    // Of all that are kept, in states: an automaton that has been used holds some kilobytes for each.
    private const int MaxCached = 4000;

    private static readonly System.Buffers.SearchValues<char> _nameCharacters = System.Buffers.SearchValues.Create("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_");
    private static readonly ConcurrentDictionary<string, Regex> _cache = new();
    private static readonly ConditionalWeakTable<string, Regex> _kept = [];
    private static long _cached;
    private readonly string _pattern;
    private readonly StringBuilder _to = new();
    private int _at;

    private Re2(string pattern) => _pattern = pattern;

    /// <summary>Compiles a pattern that is a constant of an expression, and keeps it as long as that constant: evaluating it then compiles nothing.</summary>
    /// <returns>Whether it compiles.</returns>
    public static bool TryKeep(string constant)
    {
        if (TryCompile(constant, out _) is not { } regex)
            return false;
        _kept.AddOrUpdate(constant, regex);
        return true;
    }

    /// <param name="problem">What is wrong with the pattern; null when it compiles.</param>
    public static Regex? TryCompile(string pattern, out string? problem)
    {
        problem = null;
        if (_kept.TryGetValue(pattern, out var known) || _cache.TryGetValue(pattern, out known))
            return known;
        try
        {
            var (text, size) = new Re2(pattern).Translate();
            var compiled = new Regex(text, RegexOptions.NonBacktracking | RegexOptions.CultureInvariant);
            if (Interlocked.Add(ref _cached, size) > MaxCached)
            {
                _cache.Clear();
                Interlocked.Exchange(ref _cached, size);
            }

            return size > MaxCached ? compiled : _cache[pattern] = compiled;
        }
        catch (Exception e) when (e is PatternException or ArgumentException or NotSupportedException)
        {
            problem = $"error parsing regexp: {(e is PatternException ? e.Message : "unsupported syntax")}";
            return null;
        }
    }

    private (string Text, long Size) Translate()
    {
        var size = Alternatives(new Flags(false, false), 0);
        return _at == _pattern.Length ? (_to.ToString(), size) : throw new PatternException("unexpected ): `" + _pattern + "`");
    }

    private readonly record struct Flags(bool DotAll, bool MultiLine);

    /// <summary>Everything up to the bracket that closes the group, or the end.</summary>
    /// <returns>The size of the automaton.</returns>
    private long Alternatives(Flags flags, int nesting)
    {
        if (nesting > MaxNesting)
            throw new PatternException("expression nests too deeply");
        var size = 0L;
        var last = 0L;
        var start = -1;
        while (_at < _pattern.Length && _pattern[_at] != ')')
        {
            var c = _pattern[_at];
            if (c == '|')
            {
                _to.Append('|');
                _at++;
                start = -1;
            }
            else if (c is '*' or '+' or '?' || (c == '{' && Repeat() is not null))
            {
                if (start < 0)
                    throw new PatternException($"missing argument to repetition operator: `{c}`");
                _to.Insert(start, "(?:").Append(')');
                size += last * (Quantifier() - 1);
                start = -1;
                if (_at < _pattern.Length && (_pattern[_at] is '*' or '+' or '?' || Repeat() is not null))
                    throw new PatternException($"invalid nested repetition operator: `{_pattern[(_at - 1)..(_at + 1)]}`");
            }
            else
            {
                // Flags alone are nothing to repeat.
                start = _to.Length;
                last = Atom(ref flags, nesting);
                size += last;
                if (last == 0)
                    start = -1;
            }

            if (size > MaxSize)
                throw new PatternException("expression too large");
        }

        return Math.Max(size, 1);
    }

    /// <returns>How often the atom before it counts.</returns>
    private long Quantifier()
    {
        var times = 1L;
        if (Repeat() is { } repeat)
        {
            if (repeat.Most > MaxRepeat || repeat.Least > MaxRepeat || (repeat.Most >= 0 && repeat.Most < repeat.Least))
                throw new PatternException($"invalid repeat count: `{_pattern.AsSpan(_at, repeat.Length)}`");
            _to.Append(_pattern.AsSpan(_at, repeat.Length));
            _at += repeat.Length;
            times = Math.Max(1, Math.Max(repeat.Least, repeat.Most));
        }
        else
        {
            _to.Append(_pattern[_at++]);
        }

        if (_at < _pattern.Length && _pattern[_at] == '?')
            _to.Append(_pattern[_at++]);
        return times;
    }

    /// <summary><c>{n}</c>, <c>{n,}</c> or <c>{n,m}</c> here; anything else in braces is text.</summary>
    private (int Least, int Most, int Length)? Repeat()
    {
        if (_pattern[_at] != '{' || _pattern.IndexOf('}', _at) is not (> 0 and var end))
            return null;
        var inside = _pattern.AsSpan(_at + 1, end - _at - 1);
        var comma = inside.IndexOf(',');
        var first = comma < 0 ? inside : inside[..comma];
        var second = comma < 0 ? inside : inside[(comma + 1)..];
        if (first.IsEmpty || first.ContainsAnyExceptInRange('0', '9') || second.ContainsAnyExceptInRange('0', '9'))
            return null;
        return (Count(first), second.IsEmpty ? -1 : Count(second), end - _at + 1);

        static int Count(ReadOnlySpan<char> digits) => int.TryParse(digits, NumberStyles.None, CultureInfo.InvariantCulture, out var count) ? count : int.MaxValue;
    }

    private long Atom(ref Flags flags, int nesting)
    {
        var c = _pattern[_at];
        switch (c)
        {
            case '(':
                return Group(ref flags, nesting);
            case '[':
                CharacterClass.Parse(_pattern, ref _at).WriteTo(_to);
                return 1;
            case '.':
                _at++;
                var any = new CharacterClass { IsNegated = true };
                if (!flags.DotAll)
                    any.Add('\n', '\n');
                any.WriteTo(_to);
                return 1;
            case '^':
                _at++;
                _to.Append(flags.MultiLine ? "(?m:^)" : "\\A");
                return 1;
            case '$':
                _at++;
                _to.Append(flags.MultiLine ? "(?m:$)" : "\\z");
                return 1;
            case '\\':
                return Escape();
            default:
                var single = new CharacterClass();
                single.AddEscape(_pattern, ref _at);
                single.WriteTo(_to);
                return 1;
        }
    }

    private long Group(ref Flags flags, int nesting)
    {
        var open = _at++;
        var inner = flags;
        if (_at >= _pattern.Length || _pattern[_at] != '?')
        {
            _to.Append('(');
        }
        else if (_pattern.AsSpan(_at).StartsWith("?P<") || (_pattern.AsSpan(_at).StartsWith("?<") && !_pattern.AsSpan(_at).StartsWith("?<=") && !_pattern.AsSpan(_at).StartsWith("?<!")))
        {
            var from = _pattern.IndexOf('<', _at) + 1;
            var to = _pattern.IndexOf('>', from);
            if (to <= from || _pattern.AsSpan(from, to - from).ContainsAnyExcept(_nameCharacters))
                throw new PatternException($"invalid named capture: `{_pattern[open..]}`");

            // The number of a group does not matter here, and .NET reads a name of digits as one.
            _to.Append('(');
            _at = to + 1;
        }
        else
        {
            _at++;
            var on = true;
            var ignoreCase = (bool?)null;
            while (_at < _pattern.Length && _pattern[_at] is not (':' or ')'))
            {
                switch (_pattern[_at++])
                {
                    case 'i':
                        ignoreCase = on;
                        break;
                    case 's':
                        inner = inner with { DotAll = on };
                        break;
                    case 'm':
                        inner = inner with { MultiLine = on };
                        break;
                    case '-' when on:
                        on = false;
                        break;
                    default:
                        throw new PatternException($"invalid or unsupported Perl syntax: `{_pattern[open.._at]}`");
                }
            }

            if (_at >= _pattern.Length)
                throw new PatternException($"missing closing ): `{_pattern}`");
            var caseFlag = ignoreCase is null ? "" : ignoreCase.Value ? "i" : "-i";
            if (_pattern[_at++] == ')')
            {
                // From here to the end of the group, also in its other alternatives.
                if (caseFlag.Length > 0)
                    _to.Append($"(?{caseFlag})");
                flags = inner;
                return 0;
            }

            _to.Append($"(?{caseFlag}:");
        }

        var size = Alternatives(inner, nesting + 1);
        if (_at >= _pattern.Length)
            throw new PatternException($"missing closing ): `{_pattern}`");
        _at++;
        _to.Append(')');
        return size + 1;
    }

    private long Escape()
    {
        if (_at + 1 >= _pattern.Length)
            throw new PatternException("trailing backslash at end of expression: ``");
        switch (_pattern[_at + 1])
        {
            case 'b' or 'B' or 'A' or 'z':
                _to.Append(_pattern, _at, 2);
                _at += 2;
                return 1;
            case 'Q':
                var end = _pattern.IndexOf("\\E", _at, StringComparison.Ordinal);
                var literal = end < 0 ? _pattern[(_at + 2)..] : _pattern[(_at + 2)..end];
                _to.Append(Regex.Escape(literal));
                _at = end < 0 ? _pattern.Length : end + 2;
                return Math.Max(1, literal.Length);
            default:
                var single = new CharacterClass();
                single.AddEscape(_pattern, ref _at);
                single.WriteTo(_to);
                return 1;
        }
    }
}

/// <summary>A pattern is not of RE2's syntax, or beyond what is supported of it.</summary>
internal sealed class PatternException(string message) : Exception(message);

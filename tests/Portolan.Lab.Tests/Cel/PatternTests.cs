using System.Text.RegularExpressions;
using CsCheck;
using Portolan.Lab.ApiServer.Cel.Patterns;

namespace Portolan.Lab.Tests.Cel;

/// <summary>RE2's patterns on .NET's engine: the same matches where the two languages are the same, RE2's where they are not.</summary>
public sealed class PatternTests
{
    [Theory]
    [InlineData(@"^\d+$", "12", true)]
    [InlineData(@"^\d+$", "١٢", false)]
    [InlineData(@"^\w+$", "é", false)]
    [InlineData(@"^[\w.-]+$", "a.b-c_1", true)]
    [InlineData(@"^[^\D5]$", "4", true)]
    [InlineData(@"^[^\D5]$", "5", false)]
    [InlineData(@"^[[:alpha:]]+[[:^digit:]]$", "abé", true)]
    [InlineData("a$", "a\n", false)]
    [InlineData("(?m)a$", "a\nb", true)]
    [InlineData("a.b", "a\nb", false)]
    [InlineData("(?s)a.b", "a\nb", true)]
    [InlineData("^(?i:aB)c$", "Abc", true)]
    [InlineData("^(?i:aB)c$", "AbC", false)]
    [InlineData("^a(?i)b$", "aB", true)]
    [InlineData("^.{2}$", "😀é", true)]
    [InlineData("^.$", "😀", true)]
    [InlineData("^[^a]$", "😀", true)]
    [InlineData("^[^😀]$", "😁", true)]
    [InlineData("^[^😀]$", "😀", false)]
    [InlineData(@"^[\x{1F600}-\x{1F64F}]+$", "😀😁🙏", true)]
    [InlineData(@"^\Qa.b*\E$", "a.b*", true)]
    [InlineData(@"^\pL\p{Lu}\PL$", "aB1", true)]
    [InlineData(@"^(?P<year>[0-9]{4})-(?<month>[0-9]{2})$", "2026-11", true)]
    [InlineData("^a{,2}$", "a{,2}", true)]
    [InlineData("^[]a]+$", "]a", true)]
    [InlineData(@"^\101\x41$", "AA", true)]
    [InlineData(@"\bab\b", "x ab y", true)]
    [InlineData("^a*?b+?$", "aab", true)]
    public void MatchesWhatRe2Matches(string pattern, string text, bool matches)
    {
        var regex = Re2.TryCompile(pattern, out var problem);
        Assert.Null(problem);
        Assert.Equal(matches, regex!.IsMatch(text));
    }

    [Fact]
    public void AgreesWithDotNet_WhereTheLanguagesAreOne()
    {
        string[] parts = ["a", "b", "[ab]", "[^a]", "(a|b)", "(?:ab)", "b?", "a*", "(ab)+", "a{1,2}"];
        var part = Gen.Int[0, parts.Length - 1].Select(i => parts[i]);
        Gen.Select(part.Array[1, 6].Select(string.Concat), Gen.Char["abc"].Array[0, 8].Select(characters => new string(characters)))
            .Sample((pattern, text) => Re2.TryCompile($"^{pattern}$", out _)!.IsMatch(text) == Regex.IsMatch(text, $"^{pattern}$", RegexOptions.NonBacktracking), iter: 2000);
    }

    [Fact]
    public void NeverThrowsOnAnyPattern()
    {
        string[] words = ["a", "(", ")", "[", "]", "^", "$", ".", "*", "+", "?", "{2}", "{", "}", "\\", "\\d", "\\Q", "\\E", "(?i)", "(?:", "(?P<n>", "|", "-", "[:alpha:]", "\\p{L}", "\\x{41}", "😀", "\ud800"];
        Gen.Int[0, words.Length - 1].Select(i => words[i]).Array[0, 12].Select(string.Concat).Sample(pattern => { Re2.TryCompile(pattern, out _)?.IsMatch("ab😀c"); }, iter: 5000);
    }
}

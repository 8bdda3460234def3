using System.Text;
using CsCheck;
using Portolan.Lab.ApiServer.Cel;
using Portolan.Lab.ApiServer.Cel.Syntax;
using Portolan.Lab.ApiServer.Cel.Values;

namespace Portolan.Lab.Tests.Cel;

/// <summary>The grammar: how expressions are read, and what is said of those that are none.</summary>
public sealed class ParserTests
{
    [Theory]
    [InlineData("1 + 2 * 3 - 4", "_-_<>(_+_<>(Int64:1, _*_<>(Int64:2, Int64:3)), Int64:4)")]
    [InlineData("a || b && c", "(a) _||_ ((b) _&&_ (c))")]
    [InlineData("!a == b", "_==_<>(!_<>(a), b)")]
    [InlineData("-1", "Int64:-1")]
    [InlineData("-a", "-_<>(a)")]
    [InlineData("a -1", "_-_<>(a, Int64:1)")]
    [InlineData("- 9223372036854775808", "Int64:-9223372036854775808")]
    [InlineData("0xFFu", "UInt64:255")]
    [InlineData("1e3", "Double:1000")]
    [InlineData(".5", "Double:0.5")]
    [InlineData("a ? b : c ? d : e", "_?_:_<>(a, b, _?_:_<>(c, d, e))")]
    [InlineData("a.b.c(d)[e]", "_[_]<>(c<select(a, b)>(d), e)")]
    [InlineData("a.?b[?c]", "_[?_]<>(_?._<>(a, String:b), c)")]
    [InlineData("[1, ?a, 2,]", "[Int64:1, ?a, Int64:2]")]
    [InlineData("{'a': 1, ?'b': c}", "{String:a: Int64:1, ?String:b: c}")]
    [InlineData("a.B{c: 1, ?d: e}", "a.B{c: Int64:1, ?d: e}")]
    [InlineData("a in [b] // says so", "@in<>(a, [b])")]
    [InlineData("'\\x41\\u00e9\\101\\n'", "String:AéA\n")]
    [InlineData("r'\\d+'", "String:\\d+")]
    [InlineData("\"\"\"a \"b\"\nc\"\"\"", "String:a \"b\"\nc")]
    [InlineData("b'\\xff\\377é'", "CelBytes:FFFFC3A9")]
    [InlineData("Rb'\\x'", "CelBytes:5C78")]
    public void ReadsExpressionsAsTheGrammarSays(string text, string expected) => Assert.Equal(expected, Expressions.Tree(Expressions.Parse(text)));

    [Theory]
    [InlineData("this does not compile", "ERROR: <input>:1:6: Syntax error: mismatched input 'does' expecting <EOF>\n | this does not compile\n | .....^")]
    [InlineData("a &&\n  b ==", "ERROR: <input>:2:7: Syntax error: mismatched input '<EOF>' expecting {'[', '{', '(', '.', '-', '!', 'true', 'false', 'null', NUM_FLOAT, NUM_INT, NUM_UINT, STRING, BYTES, IDENTIFIER}\n |   b ==\n | ......^")]
    [InlineData("(a", "ERROR: <input>:1:3: Syntax error: mismatched input '<EOF>' expecting ')'\n | (a\n | ..^")]
    [InlineData("a # b", "ERROR: <input>:1:3: Syntax error: token recognition error at: '#'\n | a # b\n | ..^")]
    [InlineData("'abc", "ERROR: <input>:1:1: Syntax error: token recognition error at: ''abc'\n | 'abc\n | ^")]
    [InlineData("9223372036854775808", "ERROR: <input>:1:1: invalid int literal\n | 9223372036854775808\n | ^")]
    [InlineData("for", "ERROR: <input>:1:1: reserved identifier: for\n | for\n | ^")]
    [InlineData("has(a)", "ERROR: <input>:1:4: invalid argument to has() macro\n | has(a)\n | ...^")]
    [InlineData("[1].all(x.y, true)", "ERROR: <input>:1:10: argument must be a simple name\n | [1].all(x.y, true)\n | .........^")]
    public void SaysWhereAnExpressionIsNone(string text, string expected)
    {
        var (program, problems) = CelProgram.Compile(text, Expressions.Environment);
        Assert.Null(program);
        Assert.Equal(expected, CelProblem.Display(problems, text));
    }

    [Fact]
    public void BoundsWhatItReads()
    {
        string[] hostile =
        [
            new string('(', 100_000), new string('[', 5000), new string('!', 50_000) + "true", string.Concat(Enumerable.Repeat("a.", 20_000)) + "a", new string('-', 9000) + "x",
            string.Concat(Enumerable.Repeat("a?", 3000)), string.Concat(Enumerable.Repeat("[1].map(x,", 400)) + "1" + new string(')', 400), string.Join('+', Enumerable.Repeat("1", 40_000)),
            new string('{', 3000), "'" + new string('x', 200_000) + "'", string.Concat(Enumerable.Repeat("x?true:", 10_000)) + "false",
        ];
        foreach (var text in hostile)
            Assert.NotEmpty(CelProgram.Compile(text, Expressions.Environment).Problems);
    }

    [Fact]
    public void ReadsLongChains()
    {
        Assert.Equal(true, Expressions.Evaluate(string.Join(" && ", Enumerable.Repeat("true", 10_000))).Value);
        Assert.Equal(900L, Expressions.Evaluate(string.Join("+", Enumerable.Repeat("1", 900))).Value);
    }

    [Fact]
    public void PrintsWhatParsesToTheSame() => Trees.Any.Sample(tree => Expressions.Tree(Expressions.Parse(Printer.Print(tree))) == Expressions.Tree(tree), print: Printer.Print, iter: 5000);

    [Fact]
    public void NeverThrowsOnAnyText()
    {
        string[] words = ["a", "self", "1", "2u", ".5", "'s'", "b'x'", "(", ")", "[", "]", "{", "}", "?", ":", ".", ",", "&&", "||", "!", "-", "+", "==", "in", "has", "map", "true", "null", "\\", "\"", "'''", "r'", "0x", "//", "\n", "😀"];
        Gen.OneOf(Trees.Pick(words).Array[0, 30].Select(parts => string.Join(' ', parts)), Trees.Pick(words).Array[0, 30].Select(string.Concat), Gen.String[0, 60])
            .Sample(text => { CelProblem.Display(CelProgram.Compile(text, Expressions.Environment).Problems, text); }, iter: 20_000);
    }

    /// <summary>Random trees as the parser makes them.</summary>
    internal static class Trees
    {
        private static readonly string[] _binary = [Operators.And, Operators.Or, Operators.Equal, Operators.Less, Operators.GreaterOrEqual, Operators.In, Operators.Add, Operators.Subtract, Operators.Multiply, Operators.Modulo];
        private static readonly Gen<string> _names = Trees.Pick("a", "b", "self", "x_1");

        private static readonly Gen<CelExpr> _leaf = Gen.OneOf(
            Gen.Long.Select(CelExpr (value) => new LiteralExpr(0, value)),
            Gen.ULong.Select(CelExpr (value) => new LiteralExpr(0, value)),
            Gen.Double.Where(double.IsFinite).Select(CelExpr (value) => new LiteralExpr(0, value)),
            Gen.Bool.Select(CelExpr (value) => new LiteralExpr(0, value)),
            Gen.String[0, 8].Select(text => Encoding.UTF8.GetString(Encoding.UTF8.GetBytes(text))).Select(CelExpr (value) => new LiteralExpr(0, value)),
            Gen.Byte.Array[0, 5].Select(CelExpr (value) => new LiteralExpr(0, new CelBytes(value))),
            Gen.Const<CelExpr>(new LiteralExpr(0, CelNull.Value)),
            _names.Select(CelExpr (name) => new IdentExpr(0, name)));

        public static Gen<CelExpr> Any { get; } = Gen.Int[0, 4].SelectMany(Of);

        public static Gen<T> Pick<T>(params T[] from) => Gen.Int[0, from.Length - 1].Select(i => from[i]);

        private static Gen<CelExpr> Of(int depth)
        {
            if (depth == 0)
                return _leaf;
            var inner = Of(depth - 1);
            return Gen.OneOf(
                _leaf,
                Gen.Select(Trees.Pick(_binary), inner, inner).Select(CelExpr (part) => new CallExpr(0, part.Item1, null, part.Item2, part.Item3)),
                Gen.Select(inner, inner, inner).Select(CelExpr (part) => new CallExpr(0, Operators.Conditional, null, part.Item1, part.Item2, part.Item3)),
                Gen.Select(Trees.Pick(Operators.Not, Operators.Negate), inner).Select(CelExpr (part) => new CallExpr(0, part.Item1, null, part.Item2)),
                Gen.Select(Trees.Pick(Operators.Index, Operators.OptionalIndex), inner, inner).Select(CelExpr (part) => new CallExpr(0, part.Item1, null, part.Item2, part.Item3)),
                Gen.Select(inner, _names).Select(CelExpr (part) => new SelectExpr(0, part.Item1, part.Item2)),
                Gen.Select(inner, _names).Select(CelExpr (part) => new CallExpr(0, Operators.OptionalSelect, null, part.Item1, new LiteralExpr(0, part.Item2))),
                Gen.Select(inner, _names, inner.Array[0, 3]).Select(CelExpr (part) => new CallExpr(0, part.Item2, part.Item1, part.Item3)),
                Gen.Select(_names, inner.Array[0, 3]).Select(CelExpr (part) => new CallExpr(0, part.Item1, null, part.Item2)),
                Gen.Select(inner, Gen.Bool).Select(part => new ListElement(part.Item1, part.Item2)).Array[0, 3].Select(CelExpr (elements) => new ListExpr(0, elements)),
                Gen.Select(inner, inner, Gen.Bool).Select(part => new MapEntry(part.Item1, part.Item2, part.Item3)).Array[0, 3].Select(CelExpr (entries) => new MapExpr(0, entries)),
                Gen.Select(_names, inner, Gen.Bool).Select(part => new MessageField(part.Item1, part.Item2, part.Item3)).Array[0, 3].Select(CelExpr (fields) => new MessageExpr(0, "a.B", fields)));
        }
    }
}

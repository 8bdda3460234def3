using System.Globalization;

namespace Portolan.Lab.ApiServer.Cel.Syntax;

/// <summary>
/// Reads an expression into its tree, macros still being calls. By precedence climbing: what nests in the tree only through brackets costs stack, a long
/// sum does not; both are bounded.
/// </summary>
internal sealed class Parser
{
    /// <summary>UTF-16 units; a real server stops at as many code points.</summary>
    public const int MaxLength = 100_000;

    /// <summary>Brackets in brackets.</summary>
    public const int MaxNesting = 250;

    /// <summary>Nodes on a path of the tree, so that no walk over it overflows the stack.</summary>
    public const int MaxDepth = 1000;

    private const string Starts = "{'[', '{', '(', '.', '-', '!', 'true', 'false', 'null', NUM_FLOAT, NUM_INT, NUM_UINT, STRING, BYTES, IDENTIFIER}";

    private static readonly HashSet<string> _reserved =
        ["as", "break", "const", "continue", "else", "for", "function", "if", "import", "let", "loop", "package", "namespace", "return", "var", "void", "while"];

    private static readonly Dictionary<string, int> _binary = new()
    {
        ["<"] = 1, ["<="] = 1, [">"] = 1, [">="] = 1, ["=="] = 1, ["!="] = 1, ["in"] = 1,
        ["+"] = 2, ["-"] = 2,
        ["*"] = 3, ["/"] = 3, ["%"] = 3,
    };

    private readonly List<Token> _tokens;
    private int _next;
    private int _nesting;

    private Parser(List<Token> tokens) => _tokens = tokens;

    private Token Current => _tokens[_next];

    /// <returns>The tree, or what is wrong with the text.</returns>
    public static (CelExpr? Expression, CelProblem? Problem) Parse(string source)
    {
        if (source.Length > MaxLength)
            return (null, new CelProblem(0, string.Create(CultureInfo.InvariantCulture, $"expression code point size exceeds limit: size: {source.Length}, limit {MaxLength}")));
        var (tokens, problem) = Lexer.Read(source);
        if (problem is not null)
            return (null, problem);
        try
        {
            var parser = new Parser(tokens);
            var expression = parser.Expression();
            return parser.Current.Kind == TokenKind.End
                ? (expression, null)
                : (null, new CelProblem(parser.Current.Offset, $"Syntax error: mismatched input '{parser.Current.Shown}' expecting <EOF>"));
        }
        catch (SyntaxException e)
        {
            return (null, e.Problem);
        }
    }

    private CelExpr Expression()
    {
        if (++_nesting > MaxNesting)
            throw new SyntaxException(Current.Offset, string.Create(CultureInfo.InvariantCulture, $"expression recursion limit exceeded: {MaxNesting}"));
        var condition = Logical("||");
        if (Current.Is("?"))
        {
            var at = Take().Offset;
            var whenTrue = Logical("||");
            Expect(":");
            condition = Bounded(new CallExpr(at, Operators.Conditional, null, condition, whenTrue, Expression()));
        }

        _nesting--;
        return condition;
    }

    // A long chain becomes a balanced tree: && and || are associative.
    private CelExpr Logical(string symbol)
    {
        var terms = new List<CelExpr> { Term() };
        var places = new List<int>();
        while (Current.Is(symbol))
        {
            places.Add(Take().Offset);
            terms.Add(Term());
        }

        return Balanced(0, terms.Count - 1);

        CelExpr Term() => symbol == "||" ? Logical("&&") : Binary(1);

        CelExpr Balanced(int first, int last)
        {
            if (first == last)
                return terms[first];
            var middle = (first + last) / 2;
            return Bounded(new CallExpr(places[middle], $"_{symbol}_", null, Balanced(first, middle), Balanced(middle + 1, last)));
        }
    }

    private CelExpr Binary(int minimum)
    {
        var left = Unary();
        while (Current.Kind is TokenKind.Symbol or TokenKind.Identifier && _binary.TryGetValue(Current.Text, out var precedence) && precedence >= minimum)
        {
            var symbol = Take();
            left = Bounded(new CallExpr(symbol.Offset, symbol.Text == "in" ? Operators.In : $"_{symbol.Text}_", null, left, Binary(precedence + 1)));
        }

        return left;
    }

    private CelExpr Unary()
    {
        var signs = new Stack<Token>();
        while (Current.Is("!") || (Current.Is("-") && _tokens[_next + 1].Kind is not (TokenKind.Int or TokenKind.Double)))
            signs.Push(Take());
        var operand = Member();
        foreach (var sign in signs)
            operand = Bounded(new CallExpr(sign.Offset, sign.Text == "!" ? Operators.Not : Operators.Negate, null, operand));
        return operand;
    }

    private CelExpr Member()
    {
        var left = Primary();
        while (true)
        {
            if (Current.Is("."))
            {
                var dot = Take();
                var isOptional = TakeIf("?");
                var name = Take(TokenKind.Identifier, "IDENTIFIER");
                if (name.Text is "in" or "true" or "false" or "null")
                    throw Unexpected(name, "IDENTIFIER");
                if (isOptional)
                    left = new CallExpr(dot.Offset, Operators.OptionalSelect, null, left, new LiteralExpr(name.Offset, name.Text));
                else if (Current.Is("("))
                    left = new CallExpr(Current.Offset, name.Text, left, Arguments());
                else
                    left = new SelectExpr(dot.Offset, left, name.Text);
            }
            else if (Current.Is("["))
            {
                var open = Take();
                var function = TakeIf("?") ? Operators.OptionalIndex : Operators.Index;
                left = new CallExpr(open.Offset, function, null, left, Expression());
                Expect("]");
            }
            else if (Current.Is("{") && QualifiedName.Of(left) is { } type)
            {
                left = Message(type);
            }
            else
            {
                return left;
            }

            Bounded(left);
        }
    }

    private CelExpr Primary()
    {
        var token = Current;
        switch (token.Kind)
        {
            case TokenKind.Identifier:
                Take();
                return Word(token, "");
            case TokenKind.Int or TokenKind.Uint or TokenKind.Double:
                Take();
                return new LiteralExpr(token.Offset, Number(token, negative: false));
            case TokenKind.String or TokenKind.Bytes:
                Take();
                return new LiteralExpr(token.Offset, token.Value!);
            case TokenKind.Symbol:
                switch (token.Text)
                {
                    case "-" when _tokens[_next + 1].Kind is TokenKind.Int or TokenKind.Double:
                        Take();
                        return new LiteralExpr(token.Offset, Number(Take(), negative: true));
                    case "(":
                        Take();
                        var inner = Expression();
                        Expect(")");
                        return inner;
                    case "[":
                        return List();
                    case "{":
                        return Map();
                    case ".":
                        Take();
                        return Word(Take(TokenKind.Identifier, "IDENTIFIER"), ".");
                }

                break;
        }

        throw Unexpected(token, Starts);
    }

    private CelExpr Word(Token word, string dot)
    {
        if (dot.Length == 0)
        {
            switch (word.Text)
            {
                case "true" or "false":
                    return new LiteralExpr(word.Offset, word.Text == "true");
                case "null":
                    return new LiteralExpr(word.Offset, Values.CelNull.Value);
                case "in":
                    throw Unexpected(word, Starts);
            }
        }

        if (_reserved.Contains(word.Text))
            throw new SyntaxException(word.Offset, $"reserved identifier: {word.Text}");
        return Current.Is("(")
            ? Bounded(new CallExpr(Current.Offset, dot + word.Text, null, Arguments()))
            : new IdentExpr(word.Offset, dot + word.Text);
    }

    private CelExpr[] Arguments()
    {
        Expect("(");
        var arguments = new List<CelExpr>();
        while (!Current.Is(")"))
        {
            arguments.Add(Expression());
            if (!TakeIf(","))
                break;
            if (Current.Is(")"))
                throw Unexpected(Current, Starts);
        }

        Expect(")");
        return [.. arguments];
    }

    private CelExpr List()
    {
        var open = Take();
        var elements = new List<ListElement>();
        while (!Current.Is("]"))
        {
            var isOptional = TakeIf("?");
            elements.Add(new ListElement(Expression(), isOptional));
            if (!TakeIf(","))
                break;
        }

        Expect("]");
        return Bounded(new ListExpr(open.Offset, [.. elements]));
    }

    private CelExpr Map()
    {
        var open = Take();
        var entries = new List<MapEntry>();
        while (!Current.Is("}"))
        {
            var isOptional = TakeIf("?");
            var key = Expression();
            Expect(":");
            entries.Add(new MapEntry(key, Expression(), isOptional));
            if (!TakeIf(","))
                break;
        }

        Expect("}");
        return Bounded(new MapExpr(open.Offset, [.. entries]));
    }

    private MessageExpr Message(string type)
    {
        var open = Take();
        var fields = new List<MessageField>();
        while (!Current.Is("}"))
        {
            var isOptional = TakeIf("?");
            var name = Take(TokenKind.Identifier, "IDENTIFIER");
            Expect(":");
            fields.Add(new MessageField(name.Text, Expression(), isOptional));
            if (!TakeIf(","))
                break;
        }

        Expect("}");
        return new MessageExpr(open.Offset, type, [.. fields]);
    }

    private static object Number(Token token, bool negative)
    {
        var text = token.Text;
        var sign = negative ? "-" : "";
        if (token.Kind == TokenKind.Double)
            return double.Parse(sign + text, CultureInfo.InvariantCulture);
        var unsigned = token.Kind == TokenKind.Uint;
        if (unsigned)
            text = text[..^1];
        var hex = text.StartsWith("0x", StringComparison.OrdinalIgnoreCase);
        var readable = ulong.TryParse(hex ? text[2..] : text, hex ? NumberStyles.AllowHexSpecifier : NumberStyles.None, CultureInfo.InvariantCulture, out var value);
        if (unsigned && readable)
            return value;
        if (!unsigned && readable && value <= (negative ? 1UL << 63 : long.MaxValue))
            return negative ? unchecked(-(long)value) : (long)value;
        throw new SyntaxException(token.Offset, unsigned ? "invalid uint literal" : "invalid int literal");
    }

    private Token Take() => _tokens[_next++];

    private bool TakeIf(string symbol)
    {
        if (!Current.Is(symbol))
            return false;
        _next++;
        return true;
    }

    private Token Take(TokenKind kind, string expected) => Current.Kind == kind ? Take() : throw Unexpected(Current, expected);

    private void Expect(string symbol)
    {
        if (!TakeIf(symbol))
            throw Unexpected(Current, $"'{symbol}'");
    }

    private static CelExpr Bounded(CelExpr expression) => expression.Depth <= MaxDepth
        ? expression
        : throw new SyntaxException(expression.Offset, string.Create(CultureInfo.InvariantCulture, $"expression depth limit exceeded: {MaxDepth}"));

    private static SyntaxException Unexpected(Token token, string expected) =>
        new(token.Offset, $"Syntax error: mismatched input '{token.Shown}' expecting {expected}");
}

/// <summary>Ends parsing or macro expansion at the first problem.</summary>
internal sealed class SyntaxException(int offset, string message) : Exception(message)
{
    public CelProblem Problem => new(offset, Message);
}

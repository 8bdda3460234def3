namespace Portolan.Lab.ApiServer.Cel.Syntax;

/// <summary>Cuts an expression into tokens.</summary>
internal ref struct Lexer(string source)
{
    private static readonly string[] _symbols = ["&&", "||", "==", "!=", "<=", ">=", "<", ">", "+", "-", "*", "/", "%", "!", "?", ":", ".", ",", "(", ")", "[", "]", "{", "}"];
    private readonly string _source = source;
    private int _at;

    /// <summary>The tokens, an end token last; reading stops at the first problem.</summary>
    public static (List<Token> Tokens, CelProblem? Problem) Read(string source)
    {
        var lexer = new Lexer(source);
        var tokens = new List<Token>();
        while (true)
        {
            var token = lexer.Next(out var problem);
            if (problem is not null)
                return (tokens, problem);
            tokens.Add(token);
            if (token.Kind == TokenKind.End)
                return (tokens, null);
        }
    }

    private Token Next(out CelProblem? problem)
    {
        problem = null;
        SkipSpace();
        var start = _at;
        if (_at == _source.Length)
            return new Token(TokenKind.End, start, "");
        var c = _source[_at];
        if (char.IsAsciiDigit(c) || (c == '.' && char.IsAsciiDigit(Peek(1))))
            return Number(start);
        if (StringLiteral.PrefixLength(_source.AsSpan(_at)) is >= 0 and var prefix)
        {
            var value = StringLiteral.Read(_source, ref _at, prefix, out var fault);
            if (fault is not null)
                problem = fault;
            return new Token(value is byte[] ? TokenKind.Bytes : TokenKind.String, start, _source[start.._at], value is byte[] bytes ? new Values.CelBytes(bytes) : value);
        }

        if (char.IsAsciiLetter(c) || c == '_')
        {
            while (char.IsAsciiLetterOrDigit(Peek(0)) || Peek(0) == '_')
                _at++;
            return new Token(TokenKind.Identifier, start, _source[start.._at]);
        }

        foreach (var symbol in _symbols)
        {
            if (!_source.AsSpan(_at).StartsWith(symbol, StringComparison.Ordinal))
                continue;
            _at += symbol.Length;
            return new Token(TokenKind.Symbol, start, symbol);
        }

        problem = new CelProblem(start, $"Syntax error: token recognition error at: '{c}'");
        return default;
    }

    private void SkipSpace()
    {
        while (_at < _source.Length)
        {
            if (_source[_at] is ' ' or '\t' or '\r' or '\n' or '\f')
                _at++;
            else if (_source[_at] == '/' && Peek(1) == '/')
                _at = _source.IndexOf('\n', _at) is >= 0 and var end ? end : _source.Length;
            else
                return;
        }
    }

    private Token Number(int start)
    {
        if (_source[_at] == '0' && Peek(1) is 'x' or 'X' && char.IsAsciiHexDigit(Peek(2)))
        {
            _at += 2;
            while (char.IsAsciiHexDigit(Peek(0)))
                _at++;
            return Whole(start);
        }

        var isDouble = false;
        Digits();
        if (Peek(0) == '.' && char.IsAsciiDigit(Peek(1)))
        {
            isDouble = true;
            _at++;
            Digits();
        }

        if (Peek(0) is 'e' or 'E' && (char.IsAsciiDigit(Peek(1)) || (Peek(1) is '+' or '-' && char.IsAsciiDigit(Peek(2)))))
        {
            isDouble = true;
            _at += 2;
            Digits();
        }

        return isDouble ? new Token(TokenKind.Double, start, _source[start.._at]) : Whole(start);
    }

    private Token Whole(int start)
    {
        if (Peek(0) is not ('u' or 'U'))
            return new Token(TokenKind.Int, start, _source[start.._at]);
        _at++;
        return new Token(TokenKind.Uint, start, _source[start.._at]);
    }

    private void Digits()
    {
        while (char.IsAsciiDigit(Peek(0)))
            _at++;
    }

    private readonly char Peek(int ahead) => _at + ahead < _source.Length ? _source[_at + ahead] : '\0';
}

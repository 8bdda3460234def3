namespace Portolan.Lab.ApiServer.Cel.Syntax;

internal enum TokenKind
{
    End,
    Identifier,
    Int,
    Uint,
    Double,
    String,
    Bytes,
    Symbol,
}

/// <summary>A word of an expression.</summary>
/// <param name="Kind">What it is.</param>
/// <param name="Offset">Where it begins.</param>
/// <param name="Text">As written; empty at the end.</param>
/// <param name="Value">The value of a literal; numbers keep their text, as the sign before them belongs to it.</param>
internal readonly record struct Token(TokenKind Kind, int Offset, string Text, object? Value = null)
{
    public bool Is(string symbol) => Kind == TokenKind.Symbol && Text == symbol;

    public bool IsWord(string word) => Kind == TokenKind.Identifier && Text == word;

    public string Shown => Kind == TokenKind.End ? "<EOF>" : Text;
}

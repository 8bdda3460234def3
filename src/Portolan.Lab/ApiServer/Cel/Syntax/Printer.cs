using System.Globalization;
using System.Text;
using Portolan.Lab.ApiServer.Cel.Values;

namespace Portolan.Lab.ApiServer.Cel.Syntax;

/// <summary>Writes a parsed expression as text that parses to the same tree.</summary>
internal static class Printer
{
    private const int Conditional = 0;
    private const int Or = 1;
    private const int And = 2;
    private const int Relation = 3;
    private const int Sum = 4;
    private const int Product = 5;
    private const int Prefix = 6;
    private const int Postfix = 7;
    private const int Atom = 8;

    public static string Print(CelExpr expression)
    {
        var text = new StringBuilder();
        Write(expression, Conditional, text);
        return text.ToString();
    }

    /// <param name="least">What binds more loosely is put in brackets.</param>
    private static void Write(CelExpr expression, int least, StringBuilder to)
    {
        var bracket = Precedence(expression) < least;
        if (bracket)
            to.Append('(');
        switch (expression)
        {
            case LiteralExpr literal:
                WriteLiteral(literal.Value, to);
                break;
            case IdentExpr ident:
                to.Append(ident.Name);
                break;
            case SelectExpr select:
                Write(select.Operand, Postfix, to);
                to.Append('.').Append(select.Field);
                break;
            case CallExpr call:
                WriteCall(call, to);
                break;
            case ListExpr list:
                Join('[', list.Elements, element => Write(element.IsOptional ? "?" : "", element.Value, to), ']', to);
                break;
            case MapExpr map:
                Join('{', map.Entries, entry =>
                {
                    Write(entry.IsOptional ? "?" : "", entry.Key, to);
                    Write(": ", entry.Value, to);
                }, '}', to);
                break;
            case MessageExpr message:
                to.Append(message.TypeName);
                Join('{', message.Fields, field => Write((field.IsOptional ? "?" : "") + field.Name + ": ", field.Value, to), '}', to);
                break;
            default:
                throw new ArgumentException("a loop has no text of its own: print before macros are expanded", nameof(expression));
        }

        if (bracket)
            to.Append(')');
    }

    private static void Write(string before, CelExpr expression, StringBuilder to)
    {
        to.Append(before);
        Write(expression, Conditional, to);
    }

    private static void WriteCall(CallExpr call, StringBuilder to)
    {
        var arguments = call.Arguments;
        switch (call.Function)
        {
            case Operators.Conditional:
                Write(arguments[0], Or, to);
                to.Append(" ? ");
                Write(arguments[1], Or, to);
                to.Append(" : ");
                Write(arguments[2], Conditional, to);
                break;
            case Operators.Not or Operators.Negate:
                // A minus directly before a number would become its sign.
                var operand = new StringBuilder();
                Write(arguments[0], Prefix, operand);
                var bracket = call.Function == Operators.Negate && char.IsAsciiDigit(operand[0]);
                to.Append(call.Function[0]).Append(bracket ? "(" : "").Append(operand).Append(bracket ? ")" : "");
                break;
            case Operators.Index or Operators.OptionalIndex:
                Write(arguments[0], Postfix, to);
                to.Append(call.Function == Operators.Index ? "[" : "[?");
                Write(arguments[1], Conditional, to);
                to.Append(']');
                break;
            case Operators.OptionalSelect:
                Write(arguments[0], Postfix, to);
                to.Append(".?").Append((string)((LiteralExpr)arguments[1]).Value);
                break;
            case Operators.In:
                WriteBinary(call, " in ", to);
                break;
            case ['_', .. var symbol, '_']:
                WriteBinary(call, $" {symbol} ", to);
                break;
            default:
                if (call.Target is not null)
                {
                    Write(call.Target, Postfix, to);
                    to.Append('.');
                }

                to.Append(call.Function);
                Join('(', arguments, argument => Write(argument, Conditional, to), ')', to);
                break;
        }
    }

    private static void WriteBinary(CallExpr call, string symbol, StringBuilder to)
    {
        var precedence = Precedence(call);
        Write(call.Arguments[0], precedence, to);
        to.Append(symbol);
        Write(call.Arguments[1], precedence + 1, to);
    }

    private static void Join<T>(char open, IReadOnlyList<T> items, Action<T> write, char close, StringBuilder to)
    {
        to.Append(open);
        for (var i = 0; i < items.Count; i++)
        {
            if (i > 0)
                to.Append(", ");
            write(items[i]);
        }

        to.Append(close);
    }

    private static void WriteLiteral(object value, StringBuilder to)
    {
        switch (value)
        {
            case bool flag:
                to.Append(flag ? "true" : "false");
                break;
            case long number:
                to.Append(CultureInfo.InvariantCulture, $"{number}");
                break;
            case ulong number:
                to.Append(CultureInfo.InvariantCulture, $"{number}u");
                break;
            case double number:
                var digits = number.ToString("R", CultureInfo.InvariantCulture);
                to.Append(digits.AsSpan().ContainsAny('.', 'E') ? digits : digits + ".0");
                break;
            case string text:
                to.Append(Quote(text));
                break;
            case CelBytes bytes:
                to.Append("b\"");
                foreach (var octet in bytes.Span)
                    to.Append(CultureInfo.InvariantCulture, $"\\x{octet:x2}");
                to.Append('"');
                break;
            default:
                to.Append("null");
                break;
        }
    }

    /// <summary>The text as a literal in double quotes.</summary>
    public static string Quote(string text)
    {
        var quoted = new StringBuilder("\"");
        foreach (var rune in text.EnumerateRunes())
        {
            quoted.Append(rune.Value switch
            {
                '\a' => "\\a",
                '\b' => "\\b",
                '\f' => "\\f",
                '\n' => "\\n",
                '\r' => "\\r",
                '\t' => "\\t",
                '\v' => "\\v",
                '\\' => "\\\\",
                '"' => "\\\"",
                _ => rune.ToString(),
            });
        }

        return quoted.Append('"').ToString();
    }

    private static int Precedence(CelExpr expression) => expression switch
    {
        CallExpr call => call.Function switch
        {
            Operators.Conditional => Conditional,
            Operators.Or => Or,
            Operators.And => And,
            Operators.Less or Operators.LessOrEqual or Operators.Greater or Operators.GreaterOrEqual or Operators.Equal or Operators.NotEqual or Operators.In => Relation,
            Operators.Add or Operators.Subtract => Sum,
            Operators.Multiply or Operators.Divide or Operators.Modulo => Product,
            Operators.Not or Operators.Negate => Prefix,
            _ => Postfix,
        },
        SelectExpr => Postfix,
        _ => Atom,
    };
}

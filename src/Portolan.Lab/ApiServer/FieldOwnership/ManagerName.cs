using System.Globalization;
using System.Text;
using Portolan.Lab.ApiServer.Schema;

namespace Portolan.Lab.ApiServer.FieldOwnership;

/// <summary>The names of field managers.</summary>
internal static class ManagerName
{
    /// <summary>In bytes of UTF-8.</summary>
    private const int MaxLength = 128;

    /// <summary>A program's name: its user agent up to the first slash, printable characters only.</summary>
    public static string OfProgram(string userAgent)
    {
        var end = userAgent.IndexOf('/');
        var name = new StringBuilder();
        var bytes = 0;
        foreach (var rune in (end < 0 ? userAgent : userAgent[..end]).EnumerateRunes())
        {
            if (!IsPrintable(rune)) continue;
            if ((bytes += rune.Utf8SequenceLength) > MaxLength) break;
            name.Append(rune);
        }

        return name.Length == 0 ? "unknown" : name.ToString();
    }

    /// <returns>What is wrong with a name that a client gives itself; null when nothing is.</returns>
    public static FieldError? Problem(string? manager)
    {
        if (manager is null) return null;
        if (Encoding.UTF8.GetByteCount(manager) > MaxLength)
            return new("fieldManager", FieldErrorReason.FieldValueTooLong, $"Too long: may not be more than {MaxLength} bytes");
        return manager.EnumerateRunes().All(IsPrintable) ? null
            : new FieldError("fieldManager", FieldErrorReason.FieldValueInvalid, $"Invalid value: \"{manager}\": should only contain printable characters");
    }

    private static bool IsPrintable(Rune rune) => rune.Value == ' ' || Rune.GetUnicodeCategory(rune) is not
        (UnicodeCategory.Control or UnicodeCategory.Format or UnicodeCategory.Surrogate or UnicodeCategory.PrivateUse or UnicodeCategory.OtherNotAssigned
        or UnicodeCategory.SpaceSeparator or UnicodeCategory.LineSeparator or UnicodeCategory.ParagraphSeparator);
}

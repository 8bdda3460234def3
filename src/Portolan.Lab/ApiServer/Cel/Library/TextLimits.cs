using Portolan.Lab.ApiServer.Cel.Values;

namespace Portolan.Lab.ApiServer.Cel.Library;

/// <summary>How large values made by an expression may grow, whatever its cost says: replacing in a text or joining could make gigabytes of a request.</summary>
internal static class TextLimits
{
    /// <summary>UTF-16 units: three times the largest request.</summary>
    public const int MaxLength = 10_000_000;

    public const int MaxItems = 10_000_000;

    public static CelError TooLong { get; } = new("string too long");

    public static object Concat(string a, string b) => a.Length + (long)b.Length > MaxLength ? TooLong : a + b;
}

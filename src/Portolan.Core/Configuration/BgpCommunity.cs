using System.Globalization;

namespace Portolan.Core.Configuration;

/// <summary>A BGP community: <c>u16:u16</c> (RFC 1997) or <c>large:u32:u32:u32</c> (RFC 8092).</summary>
/// <param name="IsLarge">Of three numbers of 32 bits; otherwise <paramref name="Administrator"/> and <paramref name="Data1"/> have 16 bits.</param>
/// <param name="Administrator">The first number, an AS number by convention.</param>
/// <param name="Data1">The second number.</param>
/// <param name="Data2">The third number; 0 where there is none.</param>
public readonly record struct BgpCommunity(bool IsLarge, uint Administrator, uint Data1, uint Data2) : IComparable<BgpCommunity>
{
    private const string LargeMarker = "large";

    /// <summary>Whether the text is written like a value, right or wrong, rather than like an alias.</summary>
    public static bool LooksLikeValue(string text) => text.AsSpan().Count(':') is 1 or 3;

    /// <summary>Parses the text of a value.</summary>
    /// <param name="text">As written.</param>
    /// <param name="community">The value.</param>
    /// <returns>Null, or the rule that the text breaks.</returns>
    public static string? Parse(string text, out BgpCommunity community)
    {
        community = default;
        var parts = text.Split(':');
        switch (parts.Length)
        {
            case 2:
                if (!TryNumber(parts[0], ushort.MaxValue, out var high) || !TryNumber(parts[1], ushort.MaxValue, out var low))
                    return "each of the two numbers of a community must be 0..65535";
                community = new BgpCommunity(false, high, low, 0);
                return null;
            case 4 when parts[0] == LargeMarker:
                if (!TryNumber(parts[1], uint.MaxValue, out var administrator) || !TryNumber(parts[2], uint.MaxValue, out var data1) || !TryNumber(parts[3], uint.MaxValue, out var data2))
                    return "each of the three numbers of a large community must be 0..4294967295";
                community = new BgpCommunity(true, administrator, data1, data2);
                return null;
            default:
                return "must be number:number, or large:number:number:number";
        }
    }

    /// <summary>The small ones first, then by their numbers.</summary>
    public int CompareTo(BgpCommunity other) =>
        (IsLarge, Administrator, Data1, Data2).CompareTo((other.IsLarge, other.Administrator, other.Data1, other.Data2));

    /// <summary>As it is written in an object.</summary>
    public override string ToString() => IsLarge ? $"{LargeMarker}:{Administrator}:{Data1}:{Data2}" : $"{Administrator}:{Data1}";

    private static bool TryNumber(string text, uint most, out uint number) =>
        uint.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out number) && number <= most;
}

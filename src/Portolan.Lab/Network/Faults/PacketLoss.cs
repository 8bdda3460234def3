using System.Globalization;

namespace Portolan.Lab.Network.Faults;

/// <summary>A bad cable: packets of a host are lost at random.</summary>
/// <param name="Host">Whose.</param>
/// <param name="Received">Of what is sent to it, in hundredths of a percent, 0 to 10,000.</param>
/// <param name="Sent">Of what it sends, likewise.</param>
internal sealed record PacketLoss(string Host, int Received, int Sent)
{
    public const int All = 10_000;

    /// <summary>Reads <c>10%</c> or <c>0.5</c>, in percent, with at most two decimals.</summary>
    public static bool TryParsePercent(string text, out int hundredths)
    {
        hundredths = 0;
        var digits = text.EndsWith('%') ? text[..^1] : text;
        if (!decimal.TryParse(digits, NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out var percent) || percent > 100 || percent * 100 != Math.Truncate(percent * 100))
            return false;
        hundredths = (int)(percent * 100);
        return true;
    }

    public override string ToString() =>
        Received == Sent ? $"{Host} {Percent(Sent)}"
        : Sent == 0 ? $"{Host} {Percent(Received)} of what it receives"
        : Received == 0 ? $"{Host} {Percent(Sent)} of what it sends"
        : $"{Host} {Percent(Received)} of what it receives, {Percent(Sent)} of what it sends";

    private static string Percent(int hundredths) => $"{(hundredths / 100m).ToString("0.##", CultureInfo.InvariantCulture)}%";
}

using System.Globalization;

namespace Portolan.Proxy.Nftables;

/// <summary>
/// How long affinity lasts is written into a rule, so each time in use has a chain of its own. Three significant digits bound their number
/// (2,664 for all of Kubernetes' 1..86400 s) and make a time at most 1 % longer than asked for; every usual one is exact.
/// </summary>
internal static class AffinityTime
{
    /// <summary>Kubernetes' longest.</summary>
    internal const int Longest = 86_400;

    /// <summary>How many different times there can be.</summary>
    internal const uint Count = 999 + 900 + 765;

    internal static int Round(int seconds)
    {
        var step = seconds < 1000 ? 1 : seconds < 10_000 ? 10 : 100;
        return (seconds + step - 1) / step * step;
    }

    /// <summary>Whether <see cref="Round"/> can give this.</summary>
    internal static bool IsRound(uint seconds) => seconds is > 0 and <= Longest && Round((int)seconds) == seconds;

    /// <summary>Remembers where a connection went.</summary>
    internal static string Chain(int seconds) => "remember-" + seconds.ToString(CultureInfo.InvariantCulture);
}

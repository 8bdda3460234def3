using System.Diagnostics;

namespace Portolan.Soak.Layer2;

/// <summary>How long an address was away: from the last success before a fault to the first of twenty in a row.</summary>
/// <param name="Longest">Of all interruptions that were seen; zero when there was none.</param>
/// <param name="Count">How many there were.</param>
/// <param name="IsOver">After the last of them there were twenty successes in a row.</param>
internal readonly record struct Gap(TimeSpan Longest, int Count, bool IsOver)
{
    private const int InARow = 20;

    /// <summary>Looks at attempts in the order of their starts.</summary>
    public static Gap Of(IReadOnlyList<Attempt> attempts)
    {
        var (longest, count, lastGood) = (TimeSpan.Zero, 0, -1);
        for (var i = 0; i < attempts.Count; i++)
        {
            if (attempts[i].Succeeded || lastGood < 0)
            {
                lastGood = attempts[i].Succeeded ? i : lastGood;
                continue;
            }

            count++;
            var first = FirstOfARow(attempts, i);
            if (first < 0)
                return new Gap(Stopwatch.GetElapsedTime(attempts[lastGood].Ended, attempts[^1].Ended), count, false);
            var gap = Stopwatch.GetElapsedTime(attempts[lastGood].Ended, attempts[first].Ended);
            longest = gap > longest ? gap : longest;
            (i, lastGood) = (first, first);
        }

        return new Gap(longest, count, true);
    }

    /// <summary>Whether the latest attempts succeeded, so many in a row as end an interruption.</summary>
    public static bool IsSteady(IReadOnlyList<Attempt> attempts) =>
        attempts.Count >= InARow && attempts.TakeLast(InARow).All(static attempt => attempt.Succeeded);

    private static int FirstOfARow(IReadOnlyList<Attempt> attempts, int from)
    {
        var row = 0;
        for (var i = from; i < attempts.Count; i++)
        {
            row = attempts[i].Succeeded ? row + 1 : 0;
            if (row == InARow)
                return i - InARow + 1;
        }

        return -1;
    }
}

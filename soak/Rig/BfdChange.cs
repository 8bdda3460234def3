using System.Diagnostics;

namespace Portolan.Rig;

/// <summary>A session that came up, or is up no more.</summary>
/// <param name="At">When whoever holds it knew, of the machine's clock (UTC).</param>
/// <param name="Peer">The other side's address.</param>
/// <param name="IsUp">Whether it came up.</param>
internal readonly record struct BfdChange(DateTime At, string Peer, bool IsUp);

/// <summary>Somebody's BFD, that is watched from outside.</summary>
internal interface IBfdSide : IDisposable
{
    /// <summary>Its process.</summary>
    int Id { get; }

    /// <summary>All that has happened so far, in its order.</summary>
    IReadOnlyList<BfdChange> Changes { get; }
}

/// <summary>Waiting for sessions.</summary>
internal static class BfdSides
{
    private static readonly TimeSpan LookEach = TimeSpan.FromMilliseconds(5);

    /// <summary>How many sessions are up.</summary>
    public static int CountUp(this IBfdSide side) => side.Changes.GroupBy(change => change.Peer).Count(changes => changes.Last().IsUp);

    /// <summary>How many left Up so far.</summary>
    public static int CountDowns(this IBfdSide side) => side.Changes.Count(change => !change.IsUp);

    /// <summary>Waits until so many sessions are up.</summary>
    /// <exception cref="InvalidOperationException">They are not.</exception>
    public static async Task UpAsync(this IBfdSide side, int count, int seconds = 60)
    {
        for (var clock = Stopwatch.StartNew(); side.CountUp() < count; await Task.Delay(LookEach))
            if (clock.Elapsed.TotalSeconds > seconds)
                throw new InvalidOperationException($"only {side.CountUp()} of {count} sessions came up within {seconds} s");
    }

    /// <summary>The first session that is lost after an instant, waited for.</summary>
    /// <returns>When; null when none is in time.</returns>
    public static async Task<DateTime?> LostAsync(this IBfdSide side, DateTime since, TimeSpan patience)
    {
        for (var clock = Stopwatch.StartNew(); ; await Task.Delay(LookEach))
        {
            foreach (var change in side.Changes)
                if (!change.IsUp && change.At >= since)
                    return change.At;
            if (clock.Elapsed > patience)
                return null;
        }
    }
}

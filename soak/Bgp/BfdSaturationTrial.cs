using System.Globalization;
using Portolan.Bfd;
using Portolan.Protocols.Bfd;
using Portolan.Rig;
using Portolan.Soak.Layer2;

namespace Portolan.Soak.Bgp;

/// <summary>
/// BFD sessions of 50 ms × 3 on a machine that has nothing left. Three stations on one switch, each with sessions to both others: a bfd process whose speaker, this program,
/// has its thread pool and its collector saturated; another one whose speaker leaves it no rest; and BIRD, scheduled in real time as they are, so that
/// what it misses is not its own. Nobody dies, so no session may be lost, on either side.
/// </summary>
internal static class BfdSaturationTrial
{
    private const int Sessions = 8; // of each pair
    private static readonly BfdSettings s_settings = BfdSettings.Every(50, 3);
    private static readonly TimeSpan Settling = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan Bearable = TimeSpan.FromMilliseconds(100);

    /// <summary>What is told by the saturated pool is told so late.</summary>
    private static readonly TimeSpan Lag = TimeSpan.FromSeconds(5);

    /// <param name="minutes">How long.</param>
    /// <returns>0 when no session was lost, 2 when one was.</returns>
    public static async Task<int> RunAsync(int minutes)
    {
        var wrong = new List<string>();
        using var lan = new NetworkNamespace("bfd-switch");
        using var busy = Station(lan, 1);
        using var restless = Station(lan, 2);
        using var birds = Station(lan, 3);
        restless.Link($"route add 10.78.0.0/16 via {Address(3, 1)}"); // where nobody answers, and nobody says so
        using var first = new BfdNode(busy);
        await first.ReadyAsync();
        first.Hold(Pairs(1), s_settings);
        using var second = new RestlessSpeaker(restless, Pairs(2), s_settings, "10.78");
        using var third = new BirdBfd(birds, Pairs(3), 50, 3, realTime: true);
        third.Start();
        var sides = new (string Name, IBfdSide Side)[] { ("saturated", first), ("restless", second), ("BIRD", third) };
        foreach (var (_, side) in sides)
            await side.UpAsync(2 * Sessions);
        await Task.Delay(Settling);
        using var witness = new Witness();
        var before = sides.Select(side => side.Side.CountDowns()).ToList();
        var asked = second.Asked;
        using (var burners = new Burners())
        using (var pool = new BusyPool())
        {
            // Not by the pool, which is the one that is saturated.
            await Task.Factory.StartNew(() => Thread.Sleep(TimeSpan.FromMinutes(minutes)), TaskCreationOptions.LongRunning);
            if (!burners.AreBurning)
                wrong.Add("a burner ended before its time: the machine was not saturated");
            Console.WriteLine($"saturated      {minutes} minutes: {pool.Count} pieces of work in the pool, {GC.CollectionCount(2)} full collections; {second.Asked - asked} wishes of the restless speaker");
        }

        if (second.Failure is { } failure)
            wrong.Add(failure);
        var standstills = witness.Seen;
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"witness        the machine stood still {standstills.Count} times, for {standstills.Select(seen => seen.Time.TotalMilliseconds).DefaultIfEmpty().Max():f0} ms at most"));
        foreach (var ((name, side), already) in sides.Zip(before))
        {
            var lost = side.Changes.Where(change => !change.IsUp).Skip(already).ToLookup(change => IsExplained(change, standstills));
            Console.WriteLine($"{name,-14} lost {lost[false].Count()} of {2 * Sessions} sessions{(lost[true].Any() ? $", and {lost[true].Count()} when the machine had stood still" : "")}");
            wrong.AddRange(lost[false].Select(change => string.Create(CultureInfo.InvariantCulture, $"{change.At:HH:mm:ss.fff} {name} lost its session with {change.Peer}")));
        }

        Console.WriteLine($"woken late     saturated {Lateness(first.Figures)}");
        Console.WriteLine($"               restless {Lateness(second.Figures)}");
        foreach (var line in wrong.Take(20))
            Console.WriteLine($"WRONG: {line}");
        Console.WriteLine(wrong.Count == 0 ? "bfd-saturation holds" : "bfd-saturation fails");
        return wrong.Count == 0 ? 0 : 2;
    }

    /// <summary>Whether there was no help for it: no program of this machine ran for what a session bears at least, its detection time less one interval.</summary>
    private static bool IsExplained(BfdChange lost, IReadOnlyList<Standstill> standstills) =>
        standstills.Any(seen => seen.Time >= Bearable && lost.At >= seen.Until - seen.Time && lost.At <= seen.Until + Lag);

    private static NetworkNamespace Station(NetworkNamespace lan, int number)
    {
        if (number == 1)
            lan.Link("link add br0 up type bridge");
        var station = new NetworkNamespace($"bfd-{number}");
        station.Wire("eth0", lan, $"port{number}");
        lan.Link($"link set port{number} master br0");
        for (var i = 1; i <= Sessions; i++)
            station.Link($"addr add {Address(number, i)}/16 dev eth0");
        return station;
    }

    private static string Address(int station, int number) => $"10.77.{station}.{number}";

    private static List<(string Local, string Peer)> Pairs(int station) =>
        [.. from other in (int[])[1, 2, 3] where other != station from number in Enumerable.Range(1, Sessions) select (Address(station, number), Address(other, number))];

    /// <summary>The bounds under which 99 of 100 wake-ups were, and all.</summary>
    private static string Lateness(LoopFigures figures)
    {
        var (counts, bounds) = (figures.Counts.ToArray(), LoopFigures.Bounds.ToArray());
        var all = counts.Sum();
        return all == 0 ? "never" : string.Create(CultureInfo.InvariantCulture, $"of {all} times 99 % by less than {Bound(0.99)}, all by less than {Bound(1)}");

        string Bound(double share)
        {
            var (sum, bucket) = (0L, 0);
            while (bucket < bounds.Length && (sum += counts[bucket]) < share * all)
                bucket++;
            return bucket < bounds.Length ? string.Create(CultureInfo.InvariantCulture, $"{bounds[bucket] / 1000.0} ms") : "no bound";
        }
    }
}

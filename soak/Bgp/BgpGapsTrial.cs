using System.Diagnostics;
using System.Globalization;
using System.Net;
using Portolan.Rig;
using Portolan.Soak.Layer2;

namespace Portolan.Soak.Bgp;

/// <summary>
/// One of three nodes that the router has routes from dies at a random instant, again and again, while a client behind the router opens a new connection each two
/// milliseconds. Those that the router sends to the dead node fail until it has withdrawn that way, the others do not: how long are there any that fail? What answers
/// is no pod of a node: how soon Kubernetes notices that pods are dead is not measured here.
/// </summary>
internal static class BgpGapsTrial
{
    private const string Lab = "bgpgaps";
    private const string Address = "192.168.150.240";
    private const int PerSecond = 500;

    /// <summary>Milliseconds. A SYN that is lost is sent again after a second: whatever is open before that has lost none.</summary>
    private const int ConnectPatience = 200;

    /// <summary>Two of three next hops are well meanwhile: no number of successes in a row that is smaller says that it is over.</summary>
    private const int InARow = 200;

    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    /// <summary>Of a BFDProfile, and how long new connections may fail, all in milliseconds.</summary>
    private sealed record Profile(int Interval, int Multiplier, int Goal)
    {
        public override string ToString() => $"{Interval} ms × {Multiplier}";

        public int DetectionTime => Interval * Multiplier;
    }

    /// <param name="count">So many kills with each profile.</param>
    /// <returns>0 when the goals are met, 1 when not, 2 when an address did not come back at all.</returns>
    public static async Task<int> RunAsync(int count)
    {
        var wrong = new List<string>();
        var gaps = new List<(Profile Profile, Percentiles Gaps)>();
        await using (var lab = await LabCluster.UpAsync(Lab, options: "--protocol bgp"))
        {
            using var endpoint = new EchoServer(lab.Namespace("control"), EndpointObjects.Port);
            await lab.ApplyAsync(EndpointObjects.Service("web", Address));
            foreach (var profile in new[] { new Profile(50, 3, 250), new Profile(300, 3, 1000) })
            {
                await lab.KubectlAsync(
                    $"-n metallb-system patch bfdprofile default --type merge -p '{{\"spec\":{{\"receiveInterval\":{profile.Interval},\"transmitInterval\":{profile.Interval},\"detectMultiplier\":{profile.Multiplier}}}}}'");
                var measured = new Percentiles();
                gaps.Add((profile, measured));
                for (var i = 0; i < count && wrong.Count == 0; i++)
                {
                    await SettleAsync(lab, profile);
                    await KillAsync(lab, profile, lab.Nodes[i % lab.Nodes.Count], measured, wrong);
                }
            }
        }

        return Report(gaps, wrong);
    }

    private static async Task KillAsync(LabCluster lab, Profile profile, string victim, Percentiles gaps, List<string> wrong)
    {
        using var connects = new Connects(lab.Namespace("client"), new IPEndPoint(IPAddress.Parse(Address), 80), ConnectPatience, PerSecond);
        await Task.Delay(TimeSpan.FromSeconds(0.5 + Random.Shared.NextDouble()));
        await lab.DoAsync("kill", victim);
        // Long enough that it has begun, and that one that comes late is seen.
        await Task.Delay(2 * profile.DetectionTime + 500);
        var clock = Stopwatch.StartNew();
        while (clock.Elapsed < Patience && !IsSteady(connects.Known))
            await Task.Delay(50);
        var known = connects.Known;
        var gap = Gap(known);
        if (!IsSteady(known))
            wrong.Add($"{victim} died: new connections still failed after {clock.Elapsed.TotalSeconds:f0} s");
        if (gap is null)
            wrong.Add($"{victim} died: no new connection failed: none was sent there");
        gaps.Add(gap ?? default);
        var began = known.Count;
        await lab.DoAsync("start", victim);
        await SettleAsync(lab, profile);
        connects.Dispose();
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture,
            $"{profile,-10} {victim}   {gap?.TotalMilliseconds ?? 0,6:f0} ms, {known.Count(attempt => !attempt.Succeeded)} of {known.Count} failed   while it came back {connects.Known.Skip(began).Count(attempt => !attempt.Succeeded)} of {connects.Known.Count - began}"));
    }

    /// <summary>From the last that was begun before any failed, to the first that was begun after all that failed; null when none did.</summary>
    private static TimeSpan? Gap(IReadOnlyList<Attempt> attempts)
    {
        var failed = Enumerable.Range(0, attempts.Count).Where(number => !attempts[number].Succeeded).ToList();
        return failed.Count == 0 ? null : Stopwatch.GetElapsedTime(attempts[Math.Max(failed[0] - 1, 0)].Started, attempts[Math.Min(failed[^1] + 1, attempts.Count - 1)].Started);
    }

    private static bool IsSteady(IReadOnlyList<Attempt> attempts) => attempts.Count >= InARow && attempts.TakeLast(InARow).All(static attempt => attempt.Succeeded);

    /// <summary>Everything runs, the router has a way by each node, and watches each as fast as the profile says.</summary>
    private static async Task SettleAsync(LabCluster lab, Profile profile)
    {
        await LabCluster.UntilAsync(lab.IsWellAsync, "the lab is well", 180);
        await LabCluster.UntilAsync(async () => await RoutesAsync(lab) == lab.Nodes.Count, "the router has a way by each node");
        await LabCluster.UntilAsync(async () => await WatchedAsync(lab, profile) == lab.Nodes.Count, $"the router watches each node with {profile}");
        await LabCluster.UntilAsync(() => AnswersAsync(lab), $"{Address} answers by each node");
    }

    private static async Task<int> RoutesAsync(LabCluster lab) =>
        (await Command.RunAsync($"ip -n {lab.Namespace("router")} route show {Address}")).Output.Split('\n').Count(line => line.Contains("nexthop via", StringComparison.Ordinal));

    // Its last columns are the interval and the time of silence after which a session is down, in seconds.
    private static async Task<int> WatchedAsync(LabCluster lab, Profile profile)
    {
        var end = (profile.DetectionTime / 1000.0).ToString("f3", CultureInfo.InvariantCulture);
        return (await Command.RunAsync($"birdc -s /run/portolan/lab/{Lab}/bird.ctl show bfd sessions")).Output.Split('\n')
            .Count(line => line.Contains(" Up ", StringComparison.Ordinal) && line.TrimEnd().EndsWith(end, StringComparison.Ordinal));
    }

    private static async Task<bool> AnswersAsync(LabCluster lab)
    {
        using var connects = new Connects(lab.Namespace("client"), new IPEndPoint(IPAddress.Parse(Address), 80), ConnectPatience, PerSecond);
        await Task.Delay(300);
        connects.Dispose();
        return connects.Known.Count > 0 && connects.Known.All(attempt => attempt.Succeeded);
    }

    private static int Report(List<(Profile Profile, Percentiles Gaps)> measured, List<string> wrong)
    {
        var holds = true;
        foreach (var (profile, gaps) in measured)
        {
            holds &= gaps.At(1) <= profile.Goal;
            Console.WriteLine($"{profile,-10} {gaps}   goal ≤ {profile.Goal} ms   {(gaps.At(1) <= profile.Goal ? "holds" : "short")}");
        }

        foreach (var line in wrong)
            Console.WriteLine($"WRONG: {line}");
        Console.WriteLine($"bgp-gaps {(wrong.Count > 0 ? "fails" : holds ? "holds" : "short")}");
        return wrong.Count > 0 ? 2 : holds ? 0 : 1;
    }
}

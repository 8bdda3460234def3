using System.Diagnostics;
using System.Globalization;
using System.Net;
using Portolan.Rig;

namespace Portolan.Soak.Layer2;

/// <summary>
/// The holder of an address dies or loses its cable at a random instant, again and again, while a client opens a new connection each five milliseconds. Beside it,
/// on the same nodes and hit by the same faults, hashicorp/memberlist announces another address with MetalLB's profile. What answers is no pod of a node: how soon
/// Kubernetes notices that pods are dead is not measured here.
/// </summary>
/// <param name="profile">Of the speakers' liveness.</param>
/// <param name="half">The goal for the median, in seconds.</param>
/// <param name="most">The goal for the 99th percentile.</param>
internal sealed class GapsTrial(string profile, double half, double most)
{
    private const string Lab = "gaps";
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);
    private readonly Dictionary<string, (Percentiles Ours, Percentiles Peers)> _gaps = new(StringComparer.Ordinal) { ["kill"] = (new(), new()), ["cut"] = (new(), new()) };
    private readonly List<string> _wrong = [];

    /// <param name="count">So many kills and so many cuts, in turn.</param>
    /// <returns>0 when the goals are met, 1 when not, 2 when an address did not come back at all.</returns>
    public async Task<int> RunAsync(int count)
    {
        await using (var lab = await LabCluster.UpAsync(Lab))
        {
            var pairs = ElectedPair.ForEachOf(lab.Nodes);
            using var endpoint = new EchoServer(lab.Namespace("control"), EndpointObjects.Port);
            await lab.ApplyAsync(string.Join("\n---\n", pairs.Select(Objects)));
            if (profile != "default")
                await lab.KubectlAsync($"-n metallb-system set env daemonset/speaker PORTOLAN_LIVENESS_PROFILE={profile}");
            await lab.KubectlAsync("-n metallb-system rollout status daemonset/speaker --timeout=90s");
            await using var peers = await MemberlistPeers.StartAsync(lab, pairs.Select(pair => pair.Peers));
            for (var i = 0; i < 2 * count && _wrong.Count == 0; i++)
            {
                var pair = pairs[Random.Shared.Next(pairs.Count)];
                await SettleAsync(lab, peers, pairs);
                await FaultAsync(lab, peers, pair, i % 2 == 0 ? "kill" : "cut");
            }
        }

        return Report();
    }

    private async Task FaultAsync(LabCluster lab, MemberlistPeers? peers, ElectedPair pair, string fault)
    {
        var victim = await lab.HolderAsync(pair.Ours);
        var isShared = peers is not null && await lab.HolderAsync(pair.Peers) == victim;
        using var ours = new Connects(lab.Namespace("client"), Front(pair.Ours));
        using var theirs = isShared ? new Connects(lab.Namespace("client"), Front(pair.Peers)) : null;
        await Task.Delay(TimeSpan.FromSeconds(0.5 + 1.5 * Random.Shared.NextDouble())); // the slowest period of all is a second
        await lab.DoAsync(fault, victim!);
        // Long enough that an interruption has begun, and that one that comes late is seen.
        await Task.Delay(1000);
        var clock = Stopwatch.StartNew();
        while (clock.Elapsed < Patience && !(Gap.IsSteady(ours.Known) && (theirs is null || Gap.IsSteady(theirs.Known))))
            await Task.Delay(50);
        ours.Dispose();
        theirs?.Dispose();
        var (own, other) = (Gap.Of(ours.Known), theirs is null ? default : Gap.Of(theirs.Known));
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture,
            $"{fault,-5} {victim}   {own.Longest.TotalMilliseconds,6:f0} ms{(own.Count > 1 ? $" in {own.Count} pieces" : "")}   memberlist {(theirs is null ? "-" : $"{other.Longest.TotalMilliseconds:f0} ms")}"));
        if (!own.IsOver)
            _wrong.Add($"{fault} {victim}: {pair.Ours} was not back after {clock.Elapsed.TotalSeconds:f0} s");
        if (own.Count == 0)
            _wrong.Add($"{fault} {victim}: no connection to {pair.Ours} failed: it was not there");
        _gaps[fault].Ours.Add(own.Longest);
        if (theirs is not null && other.IsOver)
            _gaps[fault].Peers.Add(other.Longest);
        await lab.DoAsync(fault == "kill" ? "start" : "heal", victim!);
        if (peers is not null)
            await peers.RestartAsync(victim!);
    }

    // Everything runs, and every address is where the hash puts it; or, whatever keeps it from there, where it stays.
    private static async Task SettleAsync(LabCluster lab, MemberlistPeers? peers, IReadOnlyList<ElectedPair> pairs)
    {
        await LabCluster.UntilAsync(lab.IsWellAsync, "the lab is well");
        await LabCluster.UntilAsync(() => Task.FromResult(peers?.AreWhole != false), "the memberlist announcers see each other");
        var addresses = pairs.Select(pair => pair.Ours).Concat(peers is null ? [] : pairs.Select(pair => pair.Peers)).ToList();
        var wanted = pairs.Select(pair => pair.First).Concat(peers is null ? [] : pairs.Select(pair => pair.First)).ToList();
        List<string>? before = null;
        var clock = Stopwatch.StartNew();
        await LabCluster.UntilAsync(
            async () =>
            {
                var (last, now) = (before, before = await HoldersAsync(lab, addresses));
                await Task.Delay(500);
                return last is not null && now is not null && now.SequenceEqual(last) && (now.SequenceEqual(wanted) || clock.Elapsed > Patience);
            },
            "every address answers from one place", 120);
    }

    private static async Task<List<string>?> HoldersAsync(LabCluster lab, List<string> addresses)
    {
        var holders = new List<string>();
        foreach (var address in addresses)
        {
            using (var connects = new Connects(lab.Namespace("client"), Front(address)))
                await Task.Delay(130);
            if (await lab.HolderAsync(address) is not { } holder)
                return null;
            holders.Add(holder);
        }

        return holders;
    }

    private int Report()
    {
        var holds = true;
        foreach (var (fault, (ours, peers)) in _gaps)
            foreach (var (name, share, goal) in new[] { ("p50", 0.5, half), ("p99", 0.99, most) })
            {
                var (own, other) = (ours.At(share) / 1000, peers.At(share) / 1000);
                holds &= own <= goal;
                Console.WriteLine(string.Create(CultureInfo.InvariantCulture,
                    $"{fault,-5} {name}   {own:f3} s   memberlist {(other > 0 ? $"{other:f2} s   ratio {own / other:f3}" : "-")}   goal ≤ {goal:f2} s   {(own <= goal ? "holds" : "short")}"));
            }

        foreach (var wrong in _wrong)
            Console.WriteLine($"WRONG: {wrong}");
        Console.WriteLine($"layer2-gaps {profile} {(_wrong.Count > 0 ? "fails" : holds ? "holds" : "short")}");
        return _wrong.Count > 0 ? 2 : holds ? 0 : 1;
    }

    private static IPEndPoint Front(string address) => new(IPAddress.Parse(address), 80);

    private static string Objects(ElectedPair pair, int number) =>
        EndpointObjects.Service($"ours-{number}", pair.Ours) + "\n---\n" + EndpointObjects.Unannounced($"peers-{number}", pair.Peers);
}

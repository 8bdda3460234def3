using System.Diagnostics;
using System.Globalization;
using System.Net;
using Portolan.Rig;

namespace Portolan.Soak.Layer2;

/// <summary>
/// The node that has an address is drained, and comes back, again and again, and each fifth time its speaker is replaced instead, as an upgrade does. Meanwhile
/// a client opens 200 connections a second and keeps 100 open that ask each 100 ms. None of either fails. What answers is no pod of a node: pods that end are
/// measured by <c>proxy-rolling</c>.
/// </summary>
internal static class DrainsTrial
{
    private const string Lab = "drains";
    private const int Patience = 900; // milliseconds: a SYN that has to be sent again, after a second, is a failure

    /// <returns>0 when nothing failed.</returns>
    public static async Task<int> RunAsync(int count)
    {
        var wrong = new List<string>();
        var (drained, returned) = (new Percentiles(), new Percentiles());
        var report = "";
        await using (var lab = await LabCluster.UpAsync(Lab))
        {
            var address = ElectedPair.ForEachOf(lab.Nodes)[0].Ours;
            using var endpoint = new EchoServer(lab.Namespace("control"), EndpointObjects.Port);
            await lab.ApplyAsync(EndpointObjects.Service("web", address));
            var front = new IPEndPoint(IPAddress.Parse(address), 80);
            await LabCluster.UntilAsync(() => AnswersAsync(lab, front), $"{address} answers");
            var home = (await lab.HolderAsync(address))!;
            using var keepAlive = new KeepAlive(lab.Namespace("client"), front);
            using var connects = new Connects(lab.Namespace("client"), front, Patience);
            for (var i = 0; i < count && wrong.Count == 0; i++)
            {
                var isUpgrade = i % 5 == 4;
                await Task.Delay(TimeSpan.FromSeconds(0.5 + Random.Shared.NextDouble()));
                var clock = Stopwatch.StartNew();
                await lab.KubectlAsync(isUpgrade
                    ? $"-n metallb-system delete pod --wait=false -l component=speaker --field-selector spec.nodeName={home}"
                    : $"drain {home} --ignore-daemonsets --delete-emptydir-data --force --timeout=60s");
                if (!isUpgrade || await IsElsewhereAsync(lab, address, home, seconds: 5))
                    await LabCluster.UntilAsync(async () => await lab.HolderAsync(address) is { } holder && holder != home, $"{address} leaves {home}");
                var away = clock.Elapsed;
                drained.Add(away);
                await Task.Delay(TimeSpan.FromSeconds(0.5 + Random.Shared.NextDouble()));
                clock.Restart();
                if (!isUpgrade)
                    await lab.KubectlAsync($"uncordon {home}");
                await LabCluster.UntilAsync(async () => await lab.HolderAsync(address) == home, $"{address} comes back to {home}");
                returned.Add(clock.Elapsed);
                await Task.Delay(500);
                var failures = keepAlive.Failed.Concat(connects.Known.Where(attempt => !attempt.Succeeded).Select(attempt => $"a new connection was not open after {Stopwatch.GetElapsedTime(attempt.Started, attempt.Ended).TotalMilliseconds:f0} ms")).ToList();
                Console.WriteLine(string.Create(CultureInfo.InvariantCulture,
                    $"{(isUpgrade ? "upgrade" : "drain"),-8} {i + 1,-4} {home}   away after {away.TotalSeconds:f1} s   {connects.Known.Count} new connections, {keepAlive.Count} requests, {failures.Count} failed"));
                wrong.AddRange(failures);
            }

            report = $"{keepAlive.Count} requests: {keepAlive.Times}";
        }

        foreach (var failure in wrong.Take(20))
            Console.WriteLine($"WRONG: {failure}");
        Console.WriteLine($"away: {drained}");
        Console.WriteLine($"back: {returned}");
        Console.WriteLine(report);
        Console.WriteLine(wrong.Count == 0 ? "layer2-drains holds" : "layer2-drains fails");
        return wrong.Count == 0 ? 0 : 1;
    }

    private static async Task<bool> IsElsewhereAsync(LabCluster lab, string address, string home, int seconds)
    {
        for (var clock = Stopwatch.StartNew(); clock.Elapsed.TotalSeconds < seconds; await Task.Delay(20))
            if (await lab.HolderAsync(address) is { } holder && holder != home)
                return true;
        return false;
    }

    private static async Task<bool> AnswersAsync(LabCluster lab, IPEndPoint front)
    {
        using (var connects = new Connects(lab.Namespace("client"), front))
        {
            await Task.Delay(200);
            connects.Dispose();
            return connects.Known.Count > 0 && connects.Known.All(attempt => attempt.Succeeded);
        }
    }
}

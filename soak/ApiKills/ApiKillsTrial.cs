using System.Diagnostics;
using Portolan.Rig;

namespace Portolan.Soak.ApiKills;

/// <summary>
/// The API server is killed without warning again and again, under 500 writes a second and watched by clients that resume. No acknowledged
/// write may be lost, an unacknowledged one is there as a whole or not at all, no watcher misses an event or sees it twice, a prompt resume is never
/// refused, and revisions never go back.
/// </summary>
internal static class ApiKillsTrial
{
    public const string Fence = "fence";
    private const int Writers = 20;
    private const double WritesPerSecond = 500;

    public static async Task<int> RunAsync(int kills)
    {
        using var state = new ServerState();
        using var server = new ServerProcess(state);
        using var api = new ApiConnection(state, server.Address);
        var findings = new Findings();
        var (restarts, latency) = (new Percentiles(), new Percentiles());
        await server.StartAsync(api);
        (await api.DoAsync(HttpMethod.Post, "/api/v1/namespaces", $"{{\"metadata\":{{\"name\":\"{Kind.Namespace}\"}}}}")).Dispose();

        using var writing = new CancellationTokenSource();
        using var watching = new CancellationTokenSource();
        var connections = Enumerable.Range(0, Writers / 5).Select(_ => new ApiConnection(state, server.Address)).ToList();
        var writers = Enumerable.Range(0, Writers).Select(n => new Writer(connections[n % connections.Count], n, WritesPerSecond / Writers, findings, latency)).ToList();
        var start = await RevisionAsync(api);
        var watchers = new List<Watcher>();
        foreach (var kind in Kind.All)
        {
            watchers.Add(new(connections[0], kind, selecting: false, bookmarks: false, start, findings));
            watchers.Add(new(connections[1], kind, selecting: false, bookmarks: true, start, findings));
            watchers.Add(new(connections[2], kind, selecting: true, bookmarks: true, start, findings));
        }

        var watched = watchers.Select(w => w.RunAsync(watching.Token)).ToList();
        var written = writers.Select(w => w.RunAsync(writing.Token)).ToList();
        var clock = Stopwatch.StartNew();
        var up = Stopwatch.StartNew();
        for (var i = 0; i < kills; i++)
        {
            await Task.Delay(Random.Shared.Next(100, 1500));
            await server.KillAsync();
            up.Stop();
            var highest = findings.Highest;
            restarts.Add(await server.StartAsync(api));
            up.Start();
            if (await RevisionAsync(api) is var now && now < highest) findings.Blame($"the revision is {now} after a restart, somebody was told {highest} before it");
            if ((i + 1) % 10 == 0) Console.WriteLine($"{i + 1} kills, {findings.Acknowledged} writes, {clock.Elapsed.TotalSeconds:f0} s");
        }

        await Task.Delay(500);
        await writing.CancelAsync();
        up.Stop();
        await Task.WhenAll(written);
        foreach (var kind in Kind.All)
            (await api.DoAsync(HttpMethod.Post, kind.Path, kind.Body(Fence, 1))).Dispose();
        var fences = Task.WhenAll(watchers.Select(w => w.FenceSeen));
        if (await Task.WhenAny(fences, Task.Delay(TimeSpan.FromSeconds(30))) != fences) findings.Blame("not all watchers saw the last event within 30 s");
        await watching.CancelAsync();
        await Task.WhenAll(watched);

        foreach (var watcher in watchers) Verdict.OnWatcher(watcher, writers, findings);
        foreach (var kind in Kind.All)
        {
            using var list = await api.DoAsync(HttpMethod.Get, kind.Path);
            Verdict.OnObjects(kind, list.RootElement.GetProperty("items").EnumerateArray().Select(Change.Read).Where(o => o.Name != Fence), writers, findings);
        }

        foreach (var connection in connections) connection.Dispose();
        Console.WriteLine($"kills           {kills}");
        Console.WriteLine($"writes          {findings.Acknowledged} acknowledged, {findings.Acknowledged / up.Elapsed.TotalSeconds:f0}/s while the server ran; {findings.Unanswered} without an answer, of which {findings.Happened} had happened");
        Console.WriteLine($"watchers        {watchers.Count}, {findings.Resumes} resumes, {watchers.Sum(w => w.Seen.Count)} events");
        Console.WriteLine($"restart         {restarts}");
        Console.WriteLine($"write           {latency}");
        foreach (var wrong in findings.Wrong) Console.WriteLine($"WRONG: {wrong}");
        Console.WriteLine(findings.Wrong.Count == 0 ? "api-kills holds" : "api-kills fails");
        return findings.Wrong.Count == 0 ? 0 : 1;
    }

    private static async Task<long> RevisionAsync(ApiConnection api)
    {
        using var list = await api.DoAsync(HttpMethod.Get, "/api/v1/namespaces?limit=1");
        return long.Parse(list.RootElement.GetProperty("metadata").GetProperty("resourceVersion").GetString()!, System.Globalization.CultureInfo.InvariantCulture);
    }
}

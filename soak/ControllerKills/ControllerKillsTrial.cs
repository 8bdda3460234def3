using System.Diagnostics;
using System.Net;
using System.Text.Json;
using Portolan.Rig;

namespace Portolan.Soak.ControllerKills;

/// <summary>
/// The controller is killed without warning again and again while Services, pools and wrong objects change. First a controller alone, started again at
/// once; for the last quarter of the kills two of them, of which the one that leads is killed. Nobody's address may be doubled, lost or moved.
/// </summary>
internal static class ControllerKillsTrial
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);
    private static readonly TimeSpan Rest = TimeSpan.FromMilliseconds(700);

    // Five seconds after the last change of the pools, those that are gone are given up.
    private static readonly TimeSpan PoolsGivenUp = TimeSpan.FromSeconds(8);

    public static async Task<int> RunAsync(int kills)
    {
        using var state = new ServerState();
        using var server = new ServerProcess(state);
        using var api = new ApiConnection(state, server.Address);
        using var watching = new ApiConnection(state, server.Address);
        await server.StartAsync(api);
        await Installation.ApplyAsync(api);
        var checker = new Checker();
        var churn = new Churn(api, checker);
        using var stop = new CancellationTokenSource();
        await churn.PrepareAsync();
        var watch = WatchAsync(watching, checker, stop.Token);

        var (alone, pair) = (new Percentiles(), new Percentiles());
        var ofPair = Math.Max(1, kills / 4);
        var clock = Stopwatch.StartNew();
        using (var controller = new ControllerProcess(state, server.Address, "alone", "--leader-elect=false"))
        {
            await controller.StartAsync();
            await SettleAsync(checker, final: false);
            for (var i = 0; i < kills - ofPair; i++)
                await RoundAsync(i, async () =>
                {
                    await controller.KillAsync();
                    controller.Start();
                }, alone);
            await controller.KillAsync();
        }

        var replicas = Enumerable.Range(0, 2).Select(n => (Name: $"replica-{n}", Process: new ControllerProcess(state, server.Address, $"replica-{n}", $"--pod-name=replica-{n}"))).ToList();
        foreach (var replica in replicas) await replica.Process.StartAsync();
        for (var i = kills - ofPair; i < kills; i++)
            await RoundAsync(i, async () =>
            {
                var leader = await LeaderAsync(api);
                var killed = replicas.Find(replica => leader.StartsWith(replica.Name, StringComparison.Ordinal)).Process ?? replicas[0].Process;
                await killed.KillAsync();
                killed.Start();
            }, pair);

        await churn.RestoreAsync();
        await Task.Delay(PoolsGivenUp);
        await SettleAsync(checker, final: true);
        foreach (var replica in replicas) await replica.Process.KillAsync();
        var wrong = checker.Wrong;
        var sees = await SeesDoubledAsync(api, checker);
        await stop.CancelAsync();
        await watch;

        Console.WriteLine($"kills           {kills - ofPair} of a controller alone, {ofPair} of the leader of two");
        Console.WriteLine($"changes         {churn.Changes}, {checker.Events} events; wrong objects: {churn.Wrong.Taken} taken, {churn.Wrong.Refused} refused");
        Console.WriteLine($"served again    alone: {alone}");
        Console.WriteLine($"                two:   {pair}");
        Console.WriteLine($"checker         {(sees ? "sees a doubled address" : "is blind")}");
        foreach (var problem in wrong) Console.WriteLine($"WRONG: {problem}");
        Console.WriteLine(wrong.Count == 0 && sees ? "controller-kills holds" : "controller-kills fails");
        return wrong.Count == 0 && sees ? 0 : 1;

        async Task RoundAsync(int number, Func<Task> killAsync, Percentiles served)
        {
            using var changing = new CancellationTokenSource();
            var changes = churn.RunAsync(changing.Token);
            await Task.Delay(Random.Shared.Next(50, 600));
            await killAsync();
            var killed = Stopwatch.GetTimestamp();
            await ServedAsync($"probe-{number}", $"after kill {number + 1}");
            served.Add(Stopwatch.GetElapsedTime(killed));
            await Task.Delay(Random.Shared.Next(100));
            await changing.CancelAsync();
            await changes;

            // Silence alone may be a watch that is late: who is served last tells that all changes before have been heard, here and by the controller.
            await ServedAsync($"last-{number}", $"after the changes of round {number + 1}");
            await SettleAsync(checker, final: false);
            await churn.RemoveProbeAsync($"probe-{number}");
            await churn.RemoveProbeAsync($"last-{number}");
            if ((number + 1) % 10 == 0) Console.WriteLine($"{number + 1} kills, {churn.Changes} changes, {clock.Elapsed.TotalSeconds:f0} s");
        }

        async Task ServedAsync(string name, string when)
        {
            var asked = Stopwatch.GetTimestamp();
            var probe = await churn.ProbeAsync(name);
            while (!checker.HasAddress(probe) && Stopwatch.GetElapsedTime(asked) < Patience) await Task.Delay(2);
            if (!checker.HasAddress(probe)) checker.Blame($"{when} nobody is served within {Patience.TotalSeconds} s");
        }
    }

    /// <summary>Waits until all is as it must be and nothing has been seen for a while.</summary>
    private static async Task SettleAsync(Checker checker, bool final)
    {
        var (started, since, events) = (Stopwatch.GetTimestamp(), Stopwatch.GetTimestamp(), -1L);
        while (true)
        {
            if (checker.Events != events || checker.Unsettled(final).Count > 0)
                (since, events) = (Stopwatch.GetTimestamp(), checker.Events);
            else if (Stopwatch.GetElapsedTime(since) > Rest)
                break;
            if (Stopwatch.GetElapsedTime(started) > Patience)
            {
                foreach (var problem in checker.Unsettled(final)) checker.Blame(problem);
                break;
            }

            await Task.Delay(20);
        }

        checker.Settled();
    }

    private static async Task WatchAsync(ApiConnection api, Checker checker, CancellationToken stop)
    {
        try
        {
            var (code, body) = await api.WatchAsync($"/api/v1/namespaces/{Churn.Namespace}/services?watch=true", stop);
            if (code != HttpStatusCode.OK) throw new InvalidOperationException("the watch was refused");
            using var reader = new StreamReader(body);
            while (await reader.ReadLineAsync(stop) is { } line)
            {
                using var document = JsonDocument.Parse(line);
                checker.See(document.RootElement.GetProperty("type").GetString() == "DELETED", SeenService.Read(document.RootElement.GetProperty("object")));
            }

            checker.Blame("the checker's watch ended");
        }
        catch (OperationCanceledException) when (stop.IsCancellationRequested)
        {
            // It was asked to.
        }
    }

    private static async Task<string> LeaderAsync(ApiConnection api)
    {
        using var lease = await api.DoAsync(HttpMethod.Get, $"/apis/coordination.k8s.io/v1/namespaces/{Installation.Namespace}/leases/portolan-controller");
        return lease.RootElement.GetProperty("spec").TryGetProperty("holderIdentity", out var holder) ? holder.GetString() ?? "" : "";
    }

    /// <summary>With no controller running, gives one Service the address of another: a checker that does not mind would not have minded before.</summary>
    private static async Task<bool> SeesDoubledAsync(ApiConnection api, Checker checker)
    {
        if (checker.Pair() is not var (holder, other)) return false;
        var before = checker.Wrong.Count;
        var (code, _) = await api.SendAsync(HttpMethod.Patch, $"/api/v1/namespaces/{Churn.Namespace}/services/{other.Key.Split('/')[1]}/status",
            $"{{\"status\":{{\"loadBalancer\":{{\"ingress\":[{{\"ip\":\"{holder.Addresses[0]}\"}}]}}}}}}", "application/merge-patch+json");
        if (code != HttpStatusCode.OK) return false;
        for (var clock = Stopwatch.StartNew(); clock.Elapsed < TimeSpan.FromSeconds(5); await Task.Delay(10))
            if (checker.Wrong.Skip(before).Any(problem => problem.Contains("was given", StringComparison.Ordinal)) && checker.Wrong.Skip(before).Any(problem => problem.Contains("nobody changed it", StringComparison.Ordinal)))
                return checker.Unsettled(final: true).Any(problem => problem.Contains("is doubled", StringComparison.Ordinal));
        return false;
    }
}

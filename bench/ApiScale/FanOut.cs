using System.Diagnostics;
using System.Globalization;
using System.Net;
using Portolan.Rig;

namespace Portolan.Bench.ApiScale;

/// <summary>Changes Services at a steady rate under many watchers, each a connection of its own, and measures from sending a change to each watcher having it.</summary>
internal static class FanOut
{
    private const string Mark = "\"bench\":\"";

    public static async Task<(Percentiles Latency, int Missed)> RunAsync(ServerState state, ServerProcess server, int watchers, double perSecond, TimeSpan time)
    {
        using var api = new ApiConnection(state, server.Address);
        using var list = await api.DoAsync(HttpMethod.Get, "/api/v1/services?limit=1");
        var revision = list.RootElement.GetProperty("metadata").GetProperty("resourceVersion").GetString();
        var connections = Enumerable.Range(0, watchers).Select(_ => new ApiConnection(state, server.Address)).ToList();
        var latency = new Percentiles();
        var changes = (int)(perSecond * time.TotalSeconds);
        var sent = new long[changes];
        using var stop = new CancellationTokenSource();
        var bodies = await Task.WhenAll(connections.Select(c => c.WatchAsync($"/api/v1/services?watch=true&resourceVersion={revision}", stop.Token)));
        if (bodies.Any(b => b.Code != HttpStatusCode.OK)) throw new InvalidOperationException("a watch was refused");
        var received = bodies.Select(b => WatchAsync(b.Body, sent, latency, stop.Token)).ToList();

        var acknowledged = new List<Task>();
        var started = Stopwatch.GetTimestamp();
        for (var i = 0; i < changes; i++)
        {
            var due = TimeSpan.FromSeconds(i / perSecond) - Stopwatch.GetElapsedTime(started);
            if (due > TimeSpan.Zero) await Task.Delay(due);
            acknowledged.Add(ChangeAsync(api, i, sent));
        }

        await Task.WhenAll(acknowledged);
        stop.CancelAfter(TimeSpan.FromSeconds(10));
        var missed = (await Task.WhenAll(received)).Sum(count => changes - count);
        foreach (var connection in connections) connection.Dispose();
        return (latency, missed);
    }

    private static async Task ChangeAsync(ApiConnection api, int number, long[] sent)
    {
        sent[number] = Stopwatch.GetTimestamp();
        var service = number * 7 % ServiceLoad.Services;
        var (code, _) = await api.SendAsync(HttpMethod.Patch, $"/api/v1/namespaces/{ServiceLoad.Namespace(service)}/services/{ServiceLoad.Name(service)}?fieldManager=bench",
            $"{{\"metadata\":{{\"annotations\":{{\"bench\":\"{number}\"}}}}}}", "application/merge-patch+json");
        if (code != HttpStatusCode.OK) throw new InvalidOperationException($"a change was refused: {(int)code}");
    }

    /// <returns>How many changes came.</returns>
    private static async Task<int> WatchAsync(Stream body, long[] sent, Percentiles latency, CancellationToken stop)
    {
        var count = 0;
        using var reader = new StreamReader(body);
        try
        {
            while (count < sent.Length && await reader.ReadLineAsync(stop) is { } line)
            {
                var at = line.IndexOf(Mark, StringComparison.Ordinal);
                if (at < 0) continue;
                var digits = line.AsSpan(at + Mark.Length);
                var number = int.Parse(digits[..digits.IndexOf('"')], CultureInfo.InvariantCulture);
                latency.Add(Stopwatch.GetElapsedTime(sent[number]));
                count++;
            }
        }
        catch (OperationCanceledException) when (stop.IsCancellationRequested)
        {
            // What did not come by now is missed.
        }

        return count;
    }
}

using System.Diagnostics;
using System.Net;
using System.Text;
using Portolan.Rig;

namespace Portolan.Bench.Controller;

/// <summary>
/// One Service after another: from sending its creation to seeing its address in a watch. In turn with each, a Service of another type is created:
/// what that takes is the API's own round trip. The peer is MetalLB 0.13.9.
/// </summary>
internal static class OneBenchmark
{
    private const int Services = 300;
    private const int WarmUp = 20;
    private const double Peers = 14;
    private const double MoreThanRoundTrip = 3;
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(10);

    public static async Task<IReadOnlyList<Figure>> RunAsync()
    {
        using var cluster = await ControllerCluster.CreateAsync();
        await cluster.Controller.StartAsync();
        await Task.Delay(1000);
        using var watching = cluster.Connect();
        using var stop = new CancellationTokenSource();
        var (code, body) = await watching.WatchAsync("/api/v1/services?watch=true", stop.Token);
        if (code != HttpStatusCode.OK)
            throw new InvalidOperationException("the watch was refused");
        using var reader = new StreamReader(body, Encoding.UTF8, false, 65536);
        var (addresses, roundTrips) = (new Percentiles(), new Percentiles());
        for (var i = 0; i < WarmUp + Services; i++)
        {
            var started = Stopwatch.GetTimestamp();
            await CreateAsync(cluster.Api, 2 * i, "ClusterIP");
            if (i >= WarmUp)
                roundTrips.Add(Stopwatch.GetElapsedTime(started));

            started = Stopwatch.GetTimestamp();
            var creation = CreateAsync(cluster.Api, (2 * i) + 1, "LoadBalancer");
            await AddressAsync(reader, ControllerCluster.Name((2 * i) + 1));
            if (i >= WarmUp)
                addresses.Add(Stopwatch.GetElapsedTime(started));
            await creation;

            // The events and counters of one are not the next one's wait.
            await Task.Delay(20);
        }

        await stop.CancelAsync();
        return
        [
            new("controller-one API round trip, p50", roundTrips.At(0.5), "ms"),
            new("controller-one API round trip, p99", roundTrips.At(0.99), "ms"),
            new("controller-one creation to address, p50", addresses.At(0.5), "ms", roundTrips.At(0.5) + MoreThanRoundTrip, Peers),
            new("controller-one creation to address, p99", addresses.At(0.99), "ms"),
        ];
    }

    private static async Task CreateAsync(ApiConnection api, int number, string type)
    {
        var (code, reply) = await api.SendAsync(HttpMethod.Post, ControllerCluster.Path(number) + "?fieldManager=bench", ControllerCluster.Service(number, type));
        if (code != HttpStatusCode.Created)
            throw new InvalidOperationException($"{(int)code} {Encoding.UTF8.GetString(reply)}");
    }

    private static async Task AddressAsync(StreamReader watch, string name)
    {
        using var limit = new CancellationTokenSource(Patience);
        while (await watch.ReadLineAsync(limit.Token) is { } line)
            if (line.Contains("\"ip\":\"", StringComparison.Ordinal) && line.Contains($"\"name\":\"{name}\"", StringComparison.Ordinal))
                return;
        throw new InvalidOperationException("the watch ended");
    }
}

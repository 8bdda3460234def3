using System.Diagnostics;
using Portolan.Rig;

namespace Portolan.Bench.ApiScale;

/// <summary>
/// A big cluster's Services and endpoints in one API server: how long they take to load, to list and to reach watchers, and what memory they take.
/// The peer is a real API server where a figure for it is published: none can run beside this one.
/// </summary>
internal static class ApiScaleBenchmark
{
    private const int Watchers = 50;
    private const double ChangesPerSecond = 200;
    private const double IdleRealServer = 320;

    // kubectl asks 5 times a second after the first 10 requests, of whatever server: 20 pages take it two seconds of waiting.
    private const double KubectlWaits = (ServiceLoad.Services / 500.0 - 10) / 5;
    private static readonly TimeSpan Watching = TimeSpan.FromSeconds(20);

    public static async Task<IReadOnlyList<Figure>> RunAsync()
    {
        var figures = new List<Figure>();
        using var state = new ServerState();
        using var server = new ServerProcess(state);
        using var api = new ApiConnection(state, server.Address);
        await server.StartAsync(api);
        figures.Add(new("api-scale memory, empty", server.ProportionalMemory(), "MiB", null, IdleRealServer));

        var (load, writes) = await ServiceLoad.RunAsync(state, server, api);
        figures.Add(new($"api-scale load of {ServiceLoad.Services} Services and slices", load.TotalSeconds, "s", 60));
        figures.Add(new("api-scale write while loading, p99", writes.At(0.99), "ms"));
        figures.Add(new("api-scale processor time while loading", server.ProcessorSeconds(), "s"));
        figures.Add(new("api-scale memory, loaded", server.ProportionalMemory(), "MiB", 250, IdleRealServer));

        var (tables, bytes) = await TablesAsync(api);
        figures.Add(new("api-scale whole Service table, plain client", tables.At(0.5) / 1000, "s", 1));
        figures.Add(new("api-scale its size", bytes / (1024.0 * 1024), "MiB"));
        if (await KubectlAsync(state, server, "--chunk-size=0") is { } whole) figures.Add(new("api-scale whole Service table, kubectl", whole.At(0.5) / 1000, "s", 1));
        if (await KubectlAsync(state, server) is { } paged) figures.Add(new("api-scale the same in kubectl's pages of 500", paged.At(0.5) / 1000, "s", null, KubectlWaits));
        figures.Add(new("api-scale memory, after tables", server.ProportionalMemory(), "MiB", 250, IdleRealServer));

        var before = server.ProcessorSeconds();
        var fanOut = await FanOut.RunAsync(state, server, Watchers, ChangesPerSecond, Watching);
        figures.Add(new($"api-scale change to {Watchers} watchers, p50", fanOut.Latency.At(0.5), "ms"));
        figures.Add(new($"api-scale change to {Watchers} watchers, p99", fanOut.Latency.At(0.99), "ms", 100));
        figures.Add(new("api-scale changes a watcher missed", fanOut.Missed, "events", 0));
        figures.Add(new("api-scale processor share while watching", (server.ProcessorSeconds() - before) / Watching.TotalSeconds, "cores"));
        figures.Add(new("api-scale memory, at the end", server.ProportionalMemory(), "MiB", 250, IdleRealServer));
        await server.KillAsync();
        figures.Add(new("api-scale start with all that, after a kill", (await server.StartAsync(api)).TotalSeconds, "s"));
        figures.Add(new("api-scale memory, started again", server.ProportionalMemory(), "MiB", 250, IdleRealServer));
        return figures;
    }

    private static async Task<(Percentiles Times, int Bytes)> TablesAsync(ApiConnection api)
    {
        var times = new Percentiles();
        var bytes = 0;
        for (var i = 0; i < 5; i++)
        {
            var clock = Stopwatch.StartNew();
            bytes = (await api.SendAsync(HttpMethod.Get, "/api/v1/services", accept: "application/json;as=Table;v=v1;g=meta.k8s.io")).Body.Length;
            times.Add(clock.Elapsed);
        }

        return (times, bytes);
    }

    /// <returns>Null when there is no kubectl on this machine.</returns>
    private static async Task<Percentiles?> KubectlAsync(ServerState state, ServerProcess server, params string[] options)
    {
        if (!(Environment.GetEnvironmentVariable("PATH") ?? "").Split(':').Any(d => File.Exists(Path.Combine(d, "kubectl")))) return null;
        await File.WriteAllTextAsync(state.File("client.crt"), state.Admin.CertificatePem);
        await File.WriteAllTextAsync(state.File("client.key"), state.Admin.KeyPem);
        var times = new Percentiles();
        for (var i = 0; i < 5; i++)
        {
            var clock = Stopwatch.StartNew();
            using var kubectl = Process.Start(new ProcessStartInfo("kubectl",
            [
                $"--server={server.Address}", $"--certificate-authority={state.File("pki/ca.crt")}", $"--client-certificate={state.File("client.crt")}",
                $"--client-key={state.File("client.key")}", $"--cache-dir={state.File("cache")}", "get", "svc", "-A", .. options,
            ]) { RedirectStandardOutput = true })!;
            var lines = 0;
            while (await kubectl.StandardOutput.ReadLineAsync() is not null) lines++;
            await kubectl.WaitForExitAsync();
            if (lines < ServiceLoad.Services) throw new InvalidOperationException($"kubectl shows {lines} lines");
            times.Add(clock.Elapsed);
        }

        return times;
    }
}

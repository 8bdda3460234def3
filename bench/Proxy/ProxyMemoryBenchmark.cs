using System.Globalization;
using Portolan.Rig;

namespace Portolan.Bench.Proxy;

/// <summary>
/// What memory the published proxy takes a minute after its start with a hundred Services; and with 10,000 of three endpoints, a minute after the last of
/// 20,000 changes of an EndpointSlice. Nothing tells it to collect. The peer is kube-proxy 1.36.2, without the <c>nft</c> that it starts beside itself.
/// </summary>
internal static class ProxyMemoryBenchmark
{
    private const int Few = 100;
    private const int Many = 10_000;
    private const int Events = 20_000;
    private const int Endpoints = 3;
    private const int Clients = 4;
    private const int RequestsPerClient = 4;
    private static readonly TimeSpan Quiet = TimeSpan.FromSeconds(60);

    public static async IAsyncEnumerable<Figure> RunAsync()
    {
        using var few = await ProxyNode.CreateAsync();
        using var many = await ProxyNode.CreateAsync();
        using var fewProxy = few.Proxy();
        using var manyProxy = many.Proxy();
        await LoadAsync(many, Many);
        await StartAsync(many, manyProxy, Many);
        await EachAsync(many, Events, (api, number) => ProxyNode.SetSliceAsync(api, Name(number % Many), Addresses(number % Many, number / Many % 2 == 0 ? 1 : 0)));
        await LoadAsync(few, Few);
        await StartAsync(few, fewProxy, Few);
        await Task.Delay(Quiet);
        yield return Of(fewProxy, "Anonymous", $"{Few} Services, anonymous", 20);
        yield return Of(fewProxy, "Rss", $"{Few} Services, resident", 45, 64);
        yield return Of(manyProxy, "Anonymous", $"{Many:n0} × {Endpoints} after {Events:n0} events, anonymous", 60);
        yield return Of(manyProxy, "Rss", $"{Many:n0} × {Endpoints} after {Events:n0} events, resident", 90, 466);
    }

    private static Figure Of(ProxyProcess proxy, string line, string name, double goal, double? peers = null) =>
        new($"proxy-memory {name}", ProcessFigures.Memory(proxy.Id, line), "MiB", goal, peers);

    private static async Task StartAsync(ProxyNode node, ProxyProcess proxy, int services)
    {
        proxy.Start();
        await node.ForwardsAsync(Vip(services - 1));
    }

    private static Task LoadAsync(ProxyNode node, int services) => EachAsync(node, services, async (api, number) =>
    {
        await ProxyNode.AddServiceAsync(api, Name(number), Vip(number));
        await ProxyNode.AddSliceAsync(api, Name(number), Addresses(number, 0));
    });

    private static async Task EachAsync(ProxyNode node, int count, Func<ApiConnection, int, Task> work)
    {
        var next = -1;
        var clients = Enumerable.Range(0, Clients).Select(_ => node.Connect()).ToList();
        await Task.WhenAll(clients.SelectMany(client => Enumerable.Range(0, RequestsPerClient).Select(_ => DoAsync(client))));
        foreach (var client in clients)
            client.Dispose();

        async Task DoAsync(ApiConnection client)
        {
            for (var i = Interlocked.Increment(ref next); i < count; i = Interlocked.Increment(ref next))
                await work(client, i);
        }
    }

    private static string Name(int number) => string.Create(CultureInfo.InvariantCulture, $"service-{number}");

    private static string Vip(int number) => Fleet.Vip(number).ToString();

    private static IEnumerable<string> Addresses(int service, int changed) =>
        Enumerable.Range(0, Endpoints).Select(slot => new Fleet(Many, Endpoints + 1).Endpoint(service, slot + changed).ToString());
}

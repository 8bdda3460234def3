using System.Diagnostics;
using System.Net;
using System.Text;
using Portolan.Rig;

namespace Portolan.Bench.Controller;

/// <summary>An API server with the controller's kinds and a pool that is big enough, and a controller that is started when it is wanted.</summary>
internal sealed class ControllerCluster : IDisposable
{
    private const int Namespaces = 20;
    private const int Clients = 4;
    private const int RequestsPerClient = 8;
    private const string NameMark = "\"name\":\"service-";
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(3);
    private readonly ServerState _state = new();

    private ControllerCluster()
    {
        Server = new ServerProcess(_state);
        Api = Connect();
        Controller = new ControllerProcess(_state, Server.Address);
    }

    public ServerProcess Server { get; }

    public ApiConnection Api { get; }

    public ControllerProcess Controller { get; }

    /// <summary>Starts the API server and prepares it. The controller is not started.</summary>
    public static async Task<ControllerCluster> CreateAsync()
    {
        var cluster = new ControllerCluster();
        await cluster.Server.StartAsync(cluster.Api);
        await Installation.ApplyAsync(cluster.Api);
        await Installation.AddPoolAsync(cluster.Api, "pool", "172.16.0.0/16");
        for (var i = 0; i < Namespaces; i++)
            (await cluster.Api.DoAsync(HttpMethod.Post, "/api/v1/namespaces", $"{{\"metadata\":{{\"name\":\"{Namespace(i)}\"}}}}")).Dispose();
        return cluster;
    }

    public ApiConnection Connect() => new(_state, Server.Address);

    public static string Namespace(int number) => $"team-{number % Namespaces}";

    public static string Name(int number) => $"service-{number}";

    public static string Path(int number) => $"/api/v1/namespaces/{Namespace(number)}/services";

    // Without node ports: a cluster has fewer of them than these are Services.
    public static string Service(int number, string type = "LoadBalancer") => $$"""
        {"apiVersion":"v1","kind":"Service","metadata":{"name":"{{Name(number)}}","labels":{"app.kubernetes.io/name":"{{Name(number)}}","app.kubernetes.io/part-of":"shop","team":"{{Namespace(number)}}"} },
         "spec":{"type":"{{type}}",{{(type == "LoadBalancer" ? "\"allocateLoadBalancerNodePorts\":false," : "")}}"selector":{"app.kubernetes.io/name":"{{Name(number)}}"},
                 "ports":[{"name":"http","port":80,"targetPort":"http","protocol":"TCP"},{"name":"metrics","port":9090,"targetPort":9090,"protocol":"TCP"}]} }
        """;

    /// <summary>Creates Services by several clients at once.</summary>
    public async Task LoadAsync(int services)
    {
        var next = -1;
        var clients = Enumerable.Range(0, Clients).Select(_ => Connect()).ToList();
        await Task.WhenAll(clients.SelectMany(client => Enumerable.Range(0, RequestsPerClient).Select(_ => CreateAsync(client))));
        foreach (var client in clients)
            client.Dispose();

        async Task CreateAsync(ApiConnection client)
        {
            for (var i = Interlocked.Increment(ref next); i < services; i = Interlocked.Increment(ref next))
            {
                var (code, reply) = await client.SendAsync(HttpMethod.Post, Path(i) + "?fieldManager=bench", Service(i));
                if (code != HttpStatusCode.Created)
                    throw new InvalidOperationException($"{Path(i)}: {(int)code} {Encoding.UTF8.GetString(reply)}");
            }
        }
    }

    /// <summary>Watches until so many Services have shown an address. Begins before it returns.</summary>
    /// <returns>When the last of them did, by <see cref="Stopwatch.GetTimestamp"/>.</returns>
    public async Task<Task<long>> WatchAddressesAsync(int services)
    {
        using var list = await Api.DoAsync(HttpMethod.Get, "/api/v1/services?limit=1");
        var revision = list.RootElement.GetProperty("metadata").GetProperty("resourceVersion").GetString();
        var (code, body) = await Api.WatchAsync($"/api/v1/services?watch=true&resourceVersion={revision}", CancellationToken.None);
        return code == HttpStatusCode.OK ? CountAsync() : throw new InvalidOperationException("the watch was refused");

        async Task<long> CountAsync()
        {
            using var limit = new CancellationTokenSource(Patience);
            using var reader = new StreamReader(body, Encoding.UTF8, false, 65536);
            var seen = new HashSet<string>(StringComparer.Ordinal);
            while (seen.Count < services && await reader.ReadLineAsync(limit.Token) is { } line)
                if (line.Contains("\"ip\":\"", StringComparison.Ordinal) && line.IndexOf(NameMark, StringComparison.Ordinal) is > 0 and var at)
                    seen.Add(line[at..line.IndexOf('"', at + NameMark.Length)]);
            return seen.Count == services ? Stopwatch.GetTimestamp() : throw new InvalidOperationException($"the watch ended after {seen.Count} addresses");
        }
    }

    /// <returns>How many Services have no address, and how many have one that another has too.</returns>
    public async Task<(int Missing, int Doubled)> CountAsync(int services)
    {
        using var list = await Api.DoAsync(HttpMethod.Get, "/api/v1/services");
        var addresses = new List<string>();
        foreach (var item in list.RootElement.GetProperty("items").EnumerateArray())
            if (item.GetProperty("status").GetProperty("loadBalancer").TryGetProperty("ingress", out var ingress))
                addresses.AddRange(ingress.EnumerateArray().Select(entry => entry.GetProperty("ip").GetString()!));
        return (services - addresses.Count, addresses.Count - addresses.Distinct(StringComparer.Ordinal).Count());
    }

    public void Dispose()
    {
        Controller.Dispose();
        Api.Dispose();
        Server.Dispose();
        _state.Dispose();
    }
}

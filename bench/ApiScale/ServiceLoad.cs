using System.Diagnostics;
using System.Net;
using System.Text;
using Portolan.Rig;

namespace Portolan.Bench.ApiScale;

/// <summary>Creates the Services and, for each, a slice with three endpoints, through the API and by several clients at once.</summary>
internal static class ServiceLoad
{
    public const int Services = 10_000;
    public const int Namespaces = 20;
    private const int Clients = 4;
    private const int RequestsPerClient = 8;

    public static async Task<(TimeSpan Time, Percentiles Writes)> RunAsync(ServerState state, ServerProcess server, ApiConnection api)
    {
        for (var i = 0; i < Namespaces; i++) (await api.DoAsync(HttpMethod.Post, "/api/v1/namespaces", $"{{\"metadata\":{{\"name\":\"team-{i}\"}}}}")).Dispose();
        var next = -1;
        var writes = new Percentiles();
        var clients = Enumerable.Range(0, Clients).Select(_ => new ApiConnection(state, server.Address)).ToList();
        var clock = Stopwatch.StartNew();
        await Task.WhenAll(clients.SelectMany(client => Enumerable.Range(0, RequestsPerClient).Select(_ => CreateAsync(client))));
        clock.Stop();
        foreach (var client in clients) client.Dispose();
        return (clock.Elapsed, writes);

        async Task CreateAsync(ApiConnection client)
        {
            for (var i = Interlocked.Increment(ref next); i < Services; i = Interlocked.Increment(ref next))
            {
                var ns = Namespace(i);
                await PostAsync(client, $"/api/v1/namespaces/{ns}/services?fieldManager=bench", Service(i));
                await PostAsync(client, $"/apis/discovery.k8s.io/v1/namespaces/{ns}/endpointslices?fieldManager=bench", Slice(i));
            }
        }

        async Task PostAsync(ApiConnection client, string path, string body)
        {
            var started = Stopwatch.GetTimestamp();
            var (code, reply) = await client.SendAsync(HttpMethod.Post, path, body);
            if (code != HttpStatusCode.Created) throw new InvalidOperationException($"{path}: {(int)code} {Encoding.UTF8.GetString(reply)}");
            writes.Add(Stopwatch.GetElapsedTime(started));
        }
    }

    public static string Namespace(int number) => $"team-{number % Namespaces}";

    public static string Name(int number) => $"service-{number}";

    private static string Service(int number) => $$"""
        {"apiVersion":"v1","kind":"Service","metadata":{"name":"{{Name(number)}}","labels":{"app.kubernetes.io/name":"{{Name(number)}}","app.kubernetes.io/part-of":"shop","team":"{{Namespace(number)}}"} },
         "spec":{"selector":{"app.kubernetes.io/name":"{{Name(number)}}"},"ports":[{"name":"http","port":80,"targetPort":"http","protocol":"TCP"},{"name":"metrics","port":9090,"targetPort":9090,"protocol":"TCP"}]} }
        """;

    private static string Slice(int number)
    {
        var endpoints = Enumerable.Range(0, 3).Select(e => $$"""
            {"addresses":["10.233.{{64 + number % 64}}.{{1 + (number + e) % 250}}"],"conditions":{"ready":true,"serving":true,"terminating":false},"nodeName":"node-{{(number + e) % 500}}","zone":"zone-{{e}}",
             "targetRef":{"kind":"Pod","namespace":"{{Namespace(number)}}","name":"{{Name(number)}}-6d4cf56db6-{{e}}","uid":"5f1c9b0e-7d0f-4c57-9a55-{{number:x12}}"} }
            """);
        return $$"""
            {"apiVersion":"discovery.k8s.io/v1","kind":"EndpointSlice","metadata":{"name":"{{Name(number)}}-x7k2p","labels":{"kubernetes.io/service-name":"{{Name(number)}}","endpointslice.kubernetes.io/managed-by":"bench"} },
             "addressType":"IPv4","endpoints":[{{string.Join(',', endpoints)}}],"ports":[{"name":"http","port":8080,"protocol":"TCP"},{"name":"metrics","port":9090,"protocol":"TCP"}]}
            """;
    }
}

using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Text;
using Portolan.Protocols.Arp;
using Portolan.Rig;

namespace Portolan.Bench.Layer2;

/// <summary>
/// In a lab, one Service after another: from sending its creation to the first answer that a client gets who asks for its address each half millisecond. In turn with
/// each a Service of another type is created: what that takes is the API's own round trip. The peer is MetalLB 0.13.9, with its API server's round trip in it.
/// </summary>
internal static class CreateBenchmark
{
    private const int Services = 100;
    private const int WarmUp = 10;
    private const int Addresses = 10;
    private const double Peers = 18;
    private const double MoreThanRoundTrip = 5;
    private const string Path = "/api/v1/namespaces/default/services";
    private const string Slices = "/apis/discovery.k8s.io/v1/namespaces/default/endpointslices";
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(10);
    private static readonly TimeSpan Silence = TimeSpan.FromMilliseconds(20);
    private static readonly TimeSpan AskEach = TimeSpan.FromMicroseconds(500);

    public static async IAsyncEnumerable<Figure> RunAsync()
    {
        await using var lab = await LabCluster.UpAsync("benchcreate");
        using var api = ApiConnection.Of(lab.Kubeconfig);
        using var tap = new ArpTap(lab.Namespace("client"), "192.168.100.20");
        await Task.Delay(5000); // what starting has left to do
        var (answers, roundTrips) = (new Percentiles(), new Percentiles());
        for (var i = 0; i < WarmUp + Services; i++)
        {
            (await api.DoAsync(HttpMethod.Post, Slices, Slice(i))).Dispose(); // whose making is no part of this
            var started = Stopwatch.GetTimestamp();
            await CreateAsync(api, $"other-{i}", "ClusterIP", "");
            var roundTrip = Stopwatch.GetElapsedTime(started);
            var answer = await AnswerAsync(api, tap, i);
            if (i >= WarmUp)
            {
                roundTrips.Add(roundTrip);
                answers.Add(answer);
            }

            (await api.DoAsync(HttpMethod.Delete, $"{Path}/other-{i}")).Dispose();
            (await api.DoAsync(HttpMethod.Delete, $"{Path}/service-{i}")).Dispose();
            (await api.DoAsync(HttpMethod.Delete, $"{Slices}/service-{i}")).Dispose();
            await Task.Delay(100); // the events of one are not the next one's wait
        }

        yield return new("layer2-create API round trip, p50", roundTrips.At(0.5), "ms");
        yield return new("layer2-create API round trip, p99", roundTrips.At(0.99), "ms");
        yield return new("layer2-create creation to ARP answer, p50", answers.At(0.5), "ms", roundTrips.At(0.5) + MoreThanRoundTrip, Peers);
        yield return new("layer2-create creation to ARP answer, p99", answers.At(0.99), "ms");
    }

    // The client asks before there is anything to answer, on a thread of its own.
    private static async Task<TimeSpan> AnswerAsync(ApiConnection api, ArpTap tap, int number)
    {
        var text = string.Create(CultureInfo.InvariantCulture, $"192.168.100.{240 + number % Addresses}");
        var address = ArpTap.Parse(text);
        using var begun = new SemaphoreSlim(0);
        var asking = Task.Factory.StartNew(() => Ask(tap, address, begun), TaskCreationOptions.LongRunning);
        await Task.WhenAny(begun.WaitAsync(), asking);
        var started = Stopwatch.GetTimestamp();
        await CreateAsync(api, $"service-{number}", "LoadBalancer", $"\"metallb.io/loadBalancerIPs\":\"{text}\"");
        return Stopwatch.GetElapsedTime(started, await asking);
    }

    private static long Ask(ArpTap tap, IPv4 address, SemaphoreSlim begun)
    {
        var (clock, hasBegun) = (Stopwatch.StartNew(), false);
        while (clock.Elapsed < Patience)
        {
            tap.Ask(address);
            if (tap.TryReceive(AskEach, out var frame) && tap.IsAnswer(frame, address))
                return hasBegun ? Stopwatch.GetTimestamp() : throw new InvalidOperationException($"{address} is answered for although it is nobody's");
            if (hasBegun || clock.Elapsed < Silence)
                continue;
            hasBegun = true;
            begun.Release();
        }

        throw new InvalidOperationException($"nobody answers for {address}");
    }

    private static async Task CreateAsync(ApiConnection api, string name, string type, string annotations)
    {
        var (code, reply) = await api.SendAsync(HttpMethod.Post, Path, $$"""
            {"apiVersion":"v1","kind":"Service","metadata":{"name":"{{name}}","annotations":{ {{annotations}} } },
             "spec":{"type":"{{type}}","ports":[{"port":80,"targetPort":8080}]} }
            """);
        if (code != HttpStatusCode.Created)
            throw new InvalidOperationException($"{name}: {(int)code} {Encoding.UTF8.GetString(reply)}");
    }

    private static string Slice(int number) => $$"""
        {"apiVersion":"discovery.k8s.io/v1","kind":"EndpointSlice","metadata":{"name":"service-{{number}}","labels":{"kubernetes.io/service-name":"service-{{number}}"} },"addressType":"IPv4",
         "endpoints":[{"addresses":["{{LabCluster.ControlAddress}}"],"conditions":{"ready":true} }],"ports":[{"port":8080,"protocol":"TCP"}]}
        """;
}

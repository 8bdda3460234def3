using System.Net;
using System.Text;
using Portolan.Bench.Layer2;
using Portolan.Rig;

namespace Portolan.Bench.Bgp;

/// <summary>
/// One route more while 10,000 are announced, until its UPDATE is at the peer: our loop, told so, beside others whose configuration is changed (<c>run.py</c>); then the
/// speaker as it ships, from sending the API the address of a Service, and its end, API and all.
/// </summary>
internal static class ChurnBenchmark
{
    private const int Services = 10_000;
    private const int Changed = 100;
    private const double Most = 5; // ms
    private const string Path = "/api/v1/namespaces/default/services";
    private const string Statuses = $"/apis/metallb.io/v1beta1/namespaces/{Installation.Namespace}/servicebgpstatuses";
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(3);

    public static async IAsyncEnumerable<Figure> RunAsync()
    {
        var trial = await AnnouncerTrial.CreateAsync();
        var rows = await trial.RunAsync(isIPv6: false, "--churn", "custom,bird+reconf,frr+reload", "-n", "10000", "-r", "20");
        var ours = rows.Median("custom", "ms");
        yield return new("bgp-churn one of 10k more, the loop beside BIRD", ours, "ms", Most, rows.Median("bird+reconf", "ms"));
        yield return new("bgp-churn … beside frr-reload", ours, "ms", Most, rows.Median("frr+reload", "ms"));

        await BgpSink.BuildAsync();
        using var node = await AnnouncingNode.CreateAsync(Services, AnnouncingNode.Bgp);
        using var sink = new BgpSink(node.Client, AnnouncingNode.ClientAddress, AnnouncingNode.Vip(0), Services);
        using var speaker = node.Speaker();
        speaker.Start();
        await sink.WaitAsync("DONE");
        for (var waited = TimeSpan.Zero; await node.ObjectsAsync(Statuses) < Services; waited += TimeSpan.FromSeconds(1))
            if (waited > Patience)
                throw new InvalidOperationException($"not every Service has its status: {speaker.Log}");
            else
                await Task.Delay(1000);

        await Task.Delay(5000); // what starting has left to do
        var (replies, announced, withdrawn) = (new Percentiles(), new Percentiles(), new Percentiles());
        for (var i = 0; i < Changed; i++)
        {
            var (name, vip) = ($"changed-{i}", AnnouncingNode.Vip(Services + i));
            (await node.Api.DoAsync(HttpMethod.Post, Path, $$"""{"apiVersion":"v1","kind":"Service","metadata":{"name":"{{name}}"},"spec":{"type":"LoadBalancer","ports":[{"name":"main","port":80,"targetPort":8080}]} }""")).Dispose();
            await ProxyNode.AddSliceAsync(node.Api, name, ["10.131.255.1"]);
            announced.Add(await ChangeAsync(node, sink, i, $"[{{\"ip\":\"{vip}\"}}]", false, replies));
            withdrawn.Add(await ChangeAsync(node, sink, i, "null", true, replies));
        }

        yield return new("bgp-churn API round trip, p50", replies.At(0.5), "ms");
        yield return new("bgp-churn Service given its address to UPDATE, p50", announced.At(0.5), "ms", Most);
        yield return new("bgp-churn Service given its address to UPDATE, p99", announced.At(0.99), "ms");
        yield return new("bgp-churn address taken to withdrawal, p50", withdrawn.At(0.5), "ms", Most);
        yield return new("bgp-churn address taken to withdrawal, p99", withdrawn.At(0.99), "ms");
    }

    private static async Task<TimeSpan> ChangeAsync(AnnouncingNode node, BgpSink sink, int number, string ingress, bool isWithdrawn, Percentiles replies)
    {
        await Task.Delay(100); // the events of one are not the next one's wait
        await sink.AwaitAsync(Services + number, isWithdrawn);
        var body = $$"""{"status":{"loadBalancer":{"ingress":{{ingress}} } } }""";
        var started = DateTime.UtcNow;
        var (code, reply) = await node.Api.SendAsync(HttpMethod.Patch, $"{Path}/changed-{number}/status", body, "application/merge-patch+json");
        replies.Add(DateTime.UtcNow - started);
        if (code != HttpStatusCode.OK)
            throw new InvalidOperationException($"changed-{number}: {(int)code} {Encoding.UTF8.GetString(reply)}");
        return await sink.WaitAsync("DONE") - started;
    }
}

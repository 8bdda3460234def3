using System.Text.Json.Nodes;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Time.Testing;
using Portolan.Controller;
using Portolan.Hosting;

namespace Portolan.Tests.Controller;

/// <summary>The whole controller beside an API server that does not serve every kind.</summary>
public sealed class ConfigurationWatchesTests
{
    private const string Metallb = "/apis/metallb.io/v1beta1/namespaces/metallb-system/";
    private readonly FakeTimeProvider _time = new(new DateTimeOffset(2026, 1, 2, 3, 4, 5, TimeSpan.Zero));
    private readonly Dictionary<string, int> _asked = [];
    private readonly List<string> _written = [];
    private volatile bool _installed;

    [Fact]
    [Contract("§1 references")]
    public async Task AnOlderMetalLBsDefinitionsStopNoAddress_AndWhatIsMissingIsNamed()
    {
        await using var api = await FakeApi.StartAsync(Answer);
        using var host = new RoleHost("controller", LogLevel.None, [], _time);
        using var stop = new CancellationTokenSource();
        new AddressController(host, api.Client, "metallb-system", null, Leadership.Alone(_time), "controller-1").Supervise("memberlist");
        var run = host.RunAsync(stop.Token);

        await EventuallyAsync(() => Written("/services/web").Exists(body => body.Contains("10.0.0.0", StringComparison.Ordinal)), "an address");
        await EventuallyAsync(() => Outcome() is ("Unknown", "the API does not serve bgppeers of metallb.io/v1beta2"), "the name of the missing kind");

        // Somebody installs the definition, and a peer that is wrong.
        _installed = true;
        await EventuallyAsync(() => Outcome() is ("Invalid", "BGPPeer tor: spec.passwordSecret.name: tor: there is no such Secret in metallb-system"), "what is wrong with the peer");
        await stop.CancelAsync();
        Assert.Equal(ExitCode.Done, await run);
    }

    private (string? Result, string? Summary) Outcome() =>
        Written("/configurationstates/controller/status") is [.., var last] && JsonNode.Parse(last)!["status"] is { } status ? ((string?)status["result"], (string?)status["errorSummary"]) : default;

    private List<string> Written(string path)
    {
        lock (_written)
            return [.. _written.Where(request => request.Contains(path, StringComparison.Ordinal)).Select(request => request[request.IndexOf('{', StringComparison.Ordinal)..])];
    }

    private async Task EventuallyAsync(Func<bool> condition, string what)
    {
        for (var waited = 0; !condition(); waited++)
        {
            Assert.True(waited < 500, $"waited in vain for {what}");
            await Task.Delay(20, TestContext.Current.CancellationToken);
            _time.Advance(TimeSpan.FromSeconds(1));
        }
    }

    private (int Status, string Body) Answer(string request)
    {
        const string notFound = """{"kind":"Status","reason":"NotFound","message":"the server could not find the requested resource"}""";
        var (method, path) = (request.Split(' ')[0], request.Split(' ')[1]);
        if (method != "GET")
        {
            lock (_written)
                _written.Add(request);
            return (200, """{"metadata":{"name":"x","resourceVersion":"2"}}""");
        }

        if (path.EndsWith("/secrets/tor", StringComparison.Ordinal) || path.EndsWith("/pods/controller-1", StringComparison.Ordinal))
            return (404, notFound);
        if (path.EndsWith("/secrets/memberlist", StringComparison.Ordinal))
            return (200, """{"metadata":{"name":"memberlist"}}""");
        if (path.EndsWith("/bgppeers", StringComparison.Ordinal) && !_installed)
            return (404, notFound);

        // First the question whether the kind is served, where it is asked, then the list; the watch is put off.
        var asked = _asked[path] = _asked.GetValueOrDefault(path) + 1;
        if (asked > 2)
            return (503, """{"kind":"Status","message":"later"}""");
        var items = path switch
        {
            "/api/v1/services" => """{"metadata":{"name":"web","namespace":"default","uid":"1","resourceVersion":"1"},"spec":{"type":"LoadBalancer","clusterIPs":["10.233.0.9"],"ports":[{"port":80}]}}""",
            Metallb + "ipaddresspools" => """{"metadata":{"name":"lab","namespace":"metallb-system","uid":"2","resourceVersion":"1"},"spec":{"addresses":["10.0.0.0/30"]}}""",
            "/apis/metallb.io/v1beta2/namespaces/metallb-system/bgppeers" =>
                """{"metadata":{"name":"tor","namespace":"metallb-system","uid":"3","resourceVersion":"1"},"spec":{"myASN":1,"peerASN":2,"peerAddress":"10.0.0.1","passwordSecret":{"name":"tor"}}}""",
            _ => "",
        };
        return (200, $$"""{"metadata":{"resourceVersion":"1"},"items":[{{items}}]}""");
    }
}

using System.Globalization;
using System.Net;
using System.Net.Sockets;
using Microsoft.Extensions.Logging.Abstractions;
using Portolan.Core.Addresses;
using Portolan.Core.Cluster;
using Portolan.Core.Forwarding;
using Portolan.Proxy.Health;

namespace Portolan.Tests.Proxy.Health;

public sealed class HealthCheckServersTests : IDisposable
{
    private readonly List<HealthCheckFailure> _failures = [];
    private readonly HealthCheckServers _servers;
    private readonly HttpClient _http = new();
    private IReadOnlyList<IPAddress> _addresses = [IPAddress.Loopback];
    private bool _isHealthy = true;

    public HealthCheckServersTests() => _servers = new HealthCheckServers(() => _isHealthy, () => _addresses, _failures.Add, TimeProvider.System, NullLogger.Instance);

    private static ushort FreePort()
    {
        using var probe = new TcpListener(IPAddress.Loopback, 0);
        probe.Start();
        return (ushort)((IPEndPoint)probe.LocalEndpoint).Port;
    }

    private static ServiceForwarding Checked(ushort port, int endpoints, string name = "web", string uid = "u") =>
        new(new ObjectKey("default", name), new ServiceFacts { Key = new ObjectKey("default", name), Uid = uid }, new HealthCheckPlan(port, endpoints, endpoints), []);

    private static ServiceForwarding Gone(string name = "web") => new(new ObjectKey("default", name), null, null, []);

    private async Task<(HttpStatusCode Code, string Weight, string Body)> Ask(int port, string address = "127.0.0.1", string path = "/")
    {
        using var answer = await _http.GetAsync(new Uri($"http://{address}:{port.ToString(CultureInfo.InvariantCulture)}{path}"), TestContext.Current.CancellationToken);
        return (answer.StatusCode, answer.Headers.GetValues("X-Load-Balancing-Endpoint-Weight").Single(), await answer.Content.ReadAsStringAsync(TestContext.Current.CancellationToken));
    }

    private async Task Refuses(int port, string address = "127.0.0.1") => await Assert.ThrowsAsync<HttpRequestException>(() => Ask(port, address));

    [Fact]
    [Contract("proxy §1.7-1")]
    public async Task SaysWhatKubeProxySays_AtAnyPath()
    {
        var port = FreePort();
        _servers.Apply([Checked(port, 3)]);
        var answer = await Ask(port, path: "/any/path");
        Assert.Equal((HttpStatusCode.OK, "3"), (answer.Code, answer.Weight));
        Assert.Equal("{\n\t\"service\": {\n\t\t\"namespace\": \"default\",\n\t\t\"name\": \"web\"\n\t},\n\t\"localEndpoints\": 3,\n\t\"serviceProxyHealthy\": true\n}", answer.Body);
        _servers.Apply([Checked(port, 0)]);
        Assert.Equal((HttpStatusCode.ServiceUnavailable, "0"), ((await Ask(port)).Code, (await Ask(port)).Weight));
    }

    [Fact]
    [Contract("proxy §1.7-1")]
    public async Task FailsWhileTheProxyIsNotWell()
    {
        var port = FreePort();
        _servers.Apply([Checked(port, 3)]);
        _isHealthy = false;
        var answer = await Ask(port);
        Assert.Equal((HttpStatusCode.ServiceUnavailable, "3"), (answer.Code, answer.Weight));
        Assert.Contains("\"serviceProxyHealthy\": false", answer.Body, StringComparison.Ordinal);
    }

    [Fact]
    [Contract("proxy §1.7-4")]
    public async Task FollowsThePortAndTheService()
    {
        var (first, second) = (FreePort(), FreePort());
        _servers.Apply([Checked(first, 1)]);
        _servers.Apply([Checked(second, 1)]);
        Assert.Equal(HttpStatusCode.OK, (await Ask(second)).Code);
        await Refuses(first);

        // In one step the port goes to another Service.
        _servers.Apply([Checked(second, 2, "other"), Gone()]);
        Assert.Contains("\"name\": \"other\"", (await Ask(second)).Body, StringComparison.Ordinal);
        _servers.Apply([new ServiceForwarding(new ObjectKey("default", "other"), new ServiceFacts { Key = new ObjectKey("default", "other") }, null, [])]);
        await Refuses(second);
        Assert.Equal(0, _servers.Open);
        Assert.Empty(_failures);
    }

    [Fact]
    [Contract("proxy §1.7-3")]
    public async Task APortThatIsTakenIsSaidOnce_TriedAgain_AndNobodyElsesConcern()
    {
        var (taken, free) = (FreePort(), FreePort());
        using (var other = new TcpListener(IPAddress.Loopback, taken))
        {
            other.Start();
            _servers.Apply([Checked(taken, 1), Checked(free, 1, "other")]);
            Assert.Equal(HttpStatusCode.OK, (await Ask(free)).Code);
            _servers.Retry();
            _servers.Apply([Checked(taken, 2)]);
            var failure = Assert.Single(_failures);
            Assert.Equal((new ObjectKey("default", "web"), "u", taken), (failure.Service, failure.Uid, failure.Port));
            Assert.Contains("in use", failure.Reason, StringComparison.Ordinal);
        }

        _servers.Retry();
        Assert.Equal("2", (await Ask(taken)).Weight);
    }

    [Fact]
    public async Task TwoServicesThatWantOnePortGetItOneAfterTheOther()
    {
        var port = FreePort();
        _servers.Apply([Checked(port, 1, "first")]);
        _servers.Apply([Checked(port, 1, "second")]);
        Assert.Equal("second", Assert.Single(_failures).Service.Name);
        _servers.Apply([Gone("first")]);
        Assert.Contains("\"name\": \"second\"", (await Ask(port)).Body, StringComparison.Ordinal);
    }

    [Fact]
    [Contract("proxy §1.7-5")]
    public async Task ListensAtTheAddressesOfNodePortsOnly_AndFollowsThem()
    {
        var port = FreePort();
        _addresses = [IPAddress.Parse("127.0.0.2"), IPAddress.Parse("127.0.0.3")];
        _servers.Apply([Checked(port, 1)]);
        await Ask(port, "127.0.0.2");
        await Ask(port, "127.0.0.3");
        await Refuses(port);
        _addresses = [IPAddress.Parse("127.0.0.3"), IPAddress.Parse("127.0.0.4")];
        _servers.Retry();
        await Ask(port, "127.0.0.4");
        await Ask(port, "127.0.0.3");
        await Refuses(port, "127.0.0.2");
    }

    [Fact]
    public void AnswersAtAllAddressesOrNone()
    {
        var port = FreePort();
        _addresses = [IPAddress.Loopback, IPAddress.Parse("192.0.2.99")];
        _servers.Apply([Checked(port, 1)]);
        Assert.StartsWith("listen 192.0.2.99:", Assert.Single(_failures).Reason, StringComparison.Ordinal);
        Assert.Equal(0, _servers.Open);
        using var free = new TcpListener(IPAddress.Loopback, port);
        free.Start();
    }

    [Fact]
    public async Task AThousandPortsAreServed()
    {
        // Some of a thousand may be somebody else's just now.
        _servers.Apply([.. Enumerable.Range(0, 1000).Select(i => Checked((ushort)(20000 + i), i, $"svc{i}"))]);
        var taken = _failures.Select(failure => failure.Port).ToHashSet();
        Assert.True(taken.Count < 50, $"{taken.Count} of the ports were taken");
        Assert.Equal(1000 - taken.Count, _servers.Open);
        foreach (var i in Enumerable.Range(1, 999).Where(i => i % 100 == 99 && !taken.Contains((ushort)(20000 + i))))
            Assert.Equal(i.ToString(CultureInfo.InvariantCulture), (await Ask(20000 + i)).Weight);
    }

    [Fact]
    public void ChoosesTheNodesAddressesByPrefix()
    {
        var own = new[] { "127.0.0.1", "192.168.1.5", "10.0.0.5", "::1", "fe80::1", "fd00::5" }.Select(IPAddress.Parse).ToList();
        Assert.Equal(["192.168.1.5", "fd00::5"], Of("192.168.0.0/16", "fd00::/8"));
        Assert.Equal(["127.0.0.1", "192.168.1.5", "10.0.0.5"], Of("0.0.0.0/0"));
        Assert.Equal(["::"], Of("0.0.0.0/0", "::/0"));
        Assert.Equal(["::"], Of("0.0.0.0/0", "::/0", "10.0.0.0/8"));
        Assert.Equal(["::"], HealthCheckAddresses.Of(new Portolan.Proxy.Configuration.NodePortSelection().On([]).Prefixes, own).Select(address => address.ToString()));
        Assert.Empty(Of("172.16.0.0/12"));

        IEnumerable<string> Of(params string[] prefixes) =>
            HealthCheckAddresses.Of([.. prefixes.Select(text => IpPrefix.TryParse(text, out var prefix) ? prefix : throw new FormatException(text))], own).Select(address => address.ToString());
    }

    public void Dispose()
    {
        _servers.Dispose();
        _http.Dispose();
    }
}

using System.Net;
using System.Text.Json.Nodes;

namespace Portolan.Lab.Tests.ApiServer;

public sealed class ServiceTests(RunningServer server) : IClassFixture<RunningServer>
{
    private readonly ApiClient _client = server.Client;

    private static string Service(string name, string spec) => $$"""{"apiVersion":"v1","kind":"Service","metadata": {"name":"{{name}}" },"spec": {{spec}} }""";

    [Fact]
    public async Task TheApiServerHasTheFirstAddress()
    {
        var service = await _client.DoAsync("GET", "/api/v1/namespaces/default/services/kubernetes");
        Assert.Equal("10.233.0.1", (string?)service["spec"]!["clusterIP"]);
        var slice = await _client.DoAsync("GET", "/apis/discovery.k8s.io/v1/namespaces/default/endpointslices/kubernetes");
        Assert.Equal("192.168.100.10", (string?)slice["endpoints"]![0]!["addresses"]![0]);
        Assert.Equal(6443, (int?)slice["ports"]![0]!["port"]);
    }

    [Fact]
    public async Task TheRangesOfClusterIPsAreAnObject()
    {
        const string ranges = "/apis/networking.k8s.io/v1/servicecidrs", merge = "application/merge-patch+json";
        static string Range(string cidrs) => $$"""{"apiVersion":"networking.k8s.io/v1","kind":"ServiceCIDR","metadata":{"name":"more"},"spec":{"cidrs":[{{cidrs}}]} }""";
        Assert.Equal("""["10.233.0.0/18"]""", (await _client.DoAsync("GET", ranges + "/kubernetes"))["spec"]!["cidrs"]!.ToJsonString());
        Assert.Equal("ServiceCIDR.networking.k8s.io \"more\" is invalid: spec.cidrs[0]: Invalid value: \"10.0.0.0/33\": must be a valid CIDR value, (e.g. 10.9.8.0/24 or 2001:db8::/64)",
            await _client.RefusedAsync(422, "POST", ranges, Range("\"10.0.0.0/33\"")));
        Assert.Contains("at least one CIDR required", await _client.RefusedAsync(422, "POST", ranges, Range("")), StringComparison.Ordinal);
        await _client.DoAsync("POST", ranges, Range("\"10.8.0.0/16\""));
        await _client.DoAsync("PATCH", ranges + "/more", """{"spec":{"cidrs":["10.8.0.0/16","fd00:8::/112"]}}""", merge);
        Assert.Contains("field is immutable", await _client.RefusedAsync(422, "PATCH", ranges + "/more", """{"spec":{"cidrs":["10.9.0.0/16"]}}""", merge), StringComparison.Ordinal);
        await _client.DoAsync("DELETE", ranges + "/more");
    }

    [Fact]
    public async Task GetsAddressesAndDefaultsOfItsType()
    {
        var services = await server.NamespaceAsync() + "/services";
        var spec = (await _client.DoAsync("POST", services, Service("s", """{"type":"LoadBalancer","selector":{"a":"b"},"ports":[{"port":80}]}""")))["spec"]!;
        Assert.True(IPNetwork.Parse("10.233.0.0/18").Contains(IPAddress.Parse((string)spec["clusterIP"]!)));
        Assert.Equal((string?)spec["clusterIP"], (string?)((JsonArray)spec["clusterIPs"]!).Single());
        Assert.InRange((int)spec["ports"]![0]!["nodePort"]!, 30000, 32767);
        Assert.Equal(("Cluster", "Cluster", "SingleStack", "None", true), ((string?)spec["externalTrafficPolicy"], (string?)spec["internalTrafficPolicy"],
            (string?)spec["ipFamilyPolicy"], (string?)spec["sessionAffinity"], (bool?)spec["allocateLoadBalancerNodePorts"]));
        Assert.Equal("IPv4", (string?)((JsonArray)spec["ipFamilies"]!).Single());
        var headless = (await _client.DoAsync("POST", services, Service("h", """{"clusterIP":"None","selector":{"a":"b"},"ports":[{"port":80}]}""")))["spec"]!;
        Assert.Equal(("None", "None"), ((string?)headless["clusterIP"], (string?)headless["clusterIPs"]![0]));
    }

    [Fact]
    public async Task HonoursAskedNumbers_AndSaysWhyNot()
    {
        var services = await server.NamespaceAsync() + "/services";
        string Port(int port) => $$"""{"type":"NodePort","ports":[{"port":80,"nodePort":{{port}} }]}""";
        var made = await _client.DoAsync("POST", services, Service("s", Port(30010)));
        Assert.Equal(30010, (int?)made["spec"]!["ports"]![0]!["nodePort"]);
        Assert.Equal("""Service "t" is invalid: spec.ports[0].nodePort: Invalid value: 30010: provided port is already allocated""",
            await _client.RefusedAsync(422, "POST", services, Service("t", Port(30010))));
        Assert.Equal("""Service "t" is invalid: spec.ports[0].nodePort: Invalid value: 80: provided port is not in the valid range. The range of valid ports is 30000-32767""",
            await _client.RefusedAsync(422, "POST", services, Service("t", Port(80))));
        Assert.Contains("provided IP is already allocated", await _client.RefusedAsync(422, "POST", services, Service("t", """{"clusterIP":"10.233.0.1","ports":[{"port":80}]}""")));
        Assert.Contains("The range of valid IPs is 10.233.0.0/18", await _client.RefusedAsync(422, "POST", services, Service("t", """{"clusterIP":"10.1.0.1","ports":[{"port":80}]}""")));
        var chosen = await _client.DoAsync("POST", services, Service("t", """{"clusterIP":"10.233.0.77","ports":[{"port":80}]}"""));
        Assert.Equal("10.233.0.77", (string?)chosen["spec"]!["clusterIPs"]![0]);
        await _client.DoAsync("DELETE", $"{services}/s");
        await _client.DoAsync("POST", services, Service("again", Port(30010)));
    }

    [Fact]
    public async Task ARefusedOrDryCreationTakesNothing()
    {
        var services = await server.NamespaceAsync() + "/services";
        const string Spec = """{"type":"NodePort","ports":[{"port":80,"nodePort":30011}]}""";
        await _client.DoAsync("POST", $"{services}?dryRun=All", Service("s", Spec));
        await _client.DoAsync("POST", services, Service("s", Spec));
        await _client.DoAsync("POST", services, Service("u", """{"type":"NodePort","ports":[{"port":80,"nodePort":30012}]}"""));
        await _client.RefusedAsync(409, "POST", services, Service("s", """{"type":"NodePort","ports":[{"port":80,"nodePort":30013}]}"""));
        await _client.DoAsync("POST", services, Service("t", """{"type":"NodePort","ports":[{"port":80,"nodePort":30013}]}"""));
    }

    [Fact]
    public async Task OneNumberServesAPortOfTwoProtocols()
    {
        var services = await server.NamespaceAsync() + "/services";
        var made = await _client.DoAsync("POST", services, Service("dns",
            """{"type":"NodePort","ports":[{"name":"u","port":53,"protocol":"UDP"},{"name":"t","port":53,"protocol":"TCP"}]}"""));
        Assert.Equal((int?)made["spec"]!["ports"]![0]!["nodePort"], (int?)made["spec"]!["ports"]![1]!["nodePort"]);
    }

    [Fact]
    public async Task KeepsItsNumbersOverUpdatesThatLeaveThemOut()
    {
        var services = await server.NamespaceAsync() + "/services";
        var made = await _client.DoAsync("POST", services, Service("s", """{"type":"NodePort","ports":[{"port":80,"protocol":"TCP"}]}"""));
        var updated = await _client.DoAsync("PUT", $"{services}/s", Service("s", """{"type":"NodePort","selector":{"x":"y"},"ports":[{"port":80,"protocol":"TCP"}]}"""));
        Assert.Equal((string?)made["spec"]!["clusterIP"], (string?)updated["spec"]!["clusterIP"]);
        Assert.Equal((int?)made["spec"]!["ports"]![0]!["nodePort"], (int?)updated["spec"]!["ports"]![0]!["nodePort"]);
    }

    [Fact]
    public async Task GivesBackWhatItsNewTypeDoesNotHave()
    {
        var services = await server.NamespaceAsync() + "/services";
        var made = await _client.DoAsync("POST", services, Service("s", """{"type":"LoadBalancer","externalTrafficPolicy":"Local","ports":[{"port":80,"nodePort":30020}]}"""));
        var check = (int)made["spec"]!["healthCheckNodePort"]!;
        Assert.InRange(check, 30000, 32767);
        await _client.DoAsync("PATCH", $"{services}/s/status", """{"status":{"loadBalancer":{"ingress":[{"ip":"192.168.100.240"}]}}}""", "application/merge-patch+json");
        var plain = await _client.DoAsync("PATCH", $"{services}/s", """{"spec":{"type":"ClusterIP"}}""", "application/merge-patch+json");
        Assert.Null(plain["spec"]!["ports"]![0]!["nodePort"]);
        foreach (var field in (string[])["healthCheckNodePort", "externalTrafficPolicy", "allocateLoadBalancerNodePorts"]) Assert.Null(plain["spec"]![field]);
        Assert.Equal((string?)made["spec"]!["clusterIP"], (string?)plain["spec"]!["clusterIP"]);
        await _client.DoAsync("POST", services, Service("t", $$"""{"type":"NodePort","ports":[{"port":80,"nodePort":30020},{"name":"b","port":81,"nodePort":{{check}} }]}""".Replace("{\"port\":80", "{\"name\":\"a\",\"port\":80", StringComparison.Ordinal)));
        var external = await _client.DoAsync("PATCH", $"{services}/s", """{"spec":{"type":"ExternalName","externalName":"example.com"}}""", "application/merge-patch+json");
        Assert.Null(external["spec"]!["clusterIP"]);
        await _client.DoAsync("POST", services, Service("u", $$"""{"clusterIP":"{{(string?)made["spec"]!["clusterIP"]}}","ports":[{"port":80}]}"""));
    }

    [Fact]
    public async Task NeverGivesOneNumberTwice_WhateverTheOrder()
    {
        var services = await server.NamespaceAsync() + "/services";
        var made = await Task.WhenAll(Enumerable.Range(0, 60).Select(i => _client.DoAsync("POST", services, Service($"s{i}", """{"type":"NodePort","ports":[{"port":80}]}"""))));
        Assert.Equal(60, made.Select(s => (string?)s["spec"]!["clusterIP"]).Distinct().Count());
        Assert.Equal(60, made.Select(s => (int?)s["spec"]!["ports"]![0]!["nodePort"]).Distinct().Count());
        Assert.All(made, s => Assert.True((int?)s["spec"]!["ports"]![0]!["nodePort"] >= 30086));
    }
}

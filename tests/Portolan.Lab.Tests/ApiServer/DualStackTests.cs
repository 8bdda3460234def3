using System.Net;
using System.Text.Json.Nodes;

using Portolan.Lab.ApiServer;

namespace Portolan.Lab.Tests.ApiServer;

/// <summary>An API server whose cluster has both IP families, IPv4 preferred.</summary>
public sealed class DualStackServer : RunningServer
{
    private protected override ApiServerOptions Options(string state) => base.Options(state) with { SecondServiceNetwork = IPNetwork.Parse("fd00:233::/112") };
}

/// <summary>Services with one IP family or two: what is given, defaulted, refused, gained and lost.</summary>
public sealed class DualStackTests(DualStackServer server) : IClassFixture<DualStackServer>
{
    private const string Merge = "application/merge-patch+json";
    private readonly ApiClient _client = server.Client;

    [Theory]
    [InlineData("", "SingleStack", "IPv4")]
    [InlineData("\"ipFamilyPolicy\":\"PreferDualStack\",", "PreferDualStack", "IPv4 IPv6")]
    [InlineData("\"ipFamilyPolicy\":\"RequireDualStack\",\"ipFamilies\":[\"IPv6\"],", "RequireDualStack", "IPv6 IPv4")]
    [InlineData("\"ipFamilies\":[\"IPv6\"],", "SingleStack", "IPv6")]
    [InlineData("\"clusterIP\":\"fd00:233::1234\",", "SingleStack", "IPv6")]
    [InlineData("\"ipFamilyPolicy\":\"PreferDualStack\",\"clusterIP\":\"fd00:233::1235\",", "PreferDualStack", "IPv6 IPv4")]
    public async Task GivesAnAddressOfEachFamily(string asked, string policy, string families)
    {
        var spec = (await CreateAsync(asked))["spec"]!;
        Assert.Equal((policy, families), ((string?)spec["ipFamilyPolicy"], Joined(spec["ipFamilies"])));
        Assert.Equal(families, string.Join(' ', Texts(spec["clusterIPs"]).Select(a => a.Contains(':', StringComparison.Ordinal) ? "IPv6" : "IPv4")));
        Assert.Equal((string?)spec["clusterIPs"]![0], (string?)spec["clusterIP"]);
        Assert.All(Texts(spec["clusterIPs"]).Where(a => a.Contains(':', StringComparison.Ordinal)), a => Assert.True(IPNetwork.Parse("fd00:233::/112").Contains(IPAddress.Parse(a))));
    }

    [Theory]
    [InlineData("\"clusterIP\":\"None\",\"selector\":{\"a\":\"b\"},", "SingleStack", "IPv4")]
    [InlineData("\"clusterIP\":\"None\",\"selector\":{\"a\":\"b\"},\"ipFamilyPolicy\":\"PreferDualStack\",", "PreferDualStack", "IPv4 IPv6")]
    [InlineData("\"clusterIP\":\"None\",", "RequireDualStack", "IPv4 IPv6")]
    public async Task HeadlessServicesHaveFamiliesWithoutAddresses(string asked, string policy, string families)
    {
        var spec = (await CreateAsync(asked))["spec"]!;
        Assert.Equal((policy, families, "None"), ((string?)spec["ipFamilyPolicy"], Joined(spec["ipFamilies"]), Joined(spec["clusterIPs"])));
    }

    [Theory]
    [InlineData("\"ipFamilies\":[\"IPv4\",\"IPv6\"],", "spec.ipFamilyPolicy: Invalid value: \"SingleStack\": must be RequireDualStack or PreferDualStack when multiple IP families are specified")]
    [InlineData("\"ipFamilyPolicy\":\"PreferDualStack\",\"clusterIPs\":[\"10.233.0.50\",\"10.233.0.51\"],", "may specify no more than one IP for each IP family")]
    [InlineData("\"ipFamilyPolicy\":\"PreferDualStack\",\"ipFamilies\":[\"IPv4\"],\"clusterIP\":\"fd00:233::77\",", "expected an IPv4 value as indicated by `ipFamilies[0]`")]
    [InlineData("\"ipFamilyPolicy\":\"PreferDualStack\",\"clusterIPs\":[\"None\",\"fd00:233::77\"],", "'None' must be the first and only value")]
    [InlineData("\"clusterIP\":\"fd00:999::1\",", "The range of valid IPs is fd00:233::/112")]
    [InlineData("\"ipFamilyPolicy\":\"Both\",", "supported values: \"PreferDualStack\", \"RequireDualStack\", \"SingleStack\"")]
    public async Task RefusesWhatDoesNotFitTogether(string asked, string why) => Assert.Contains(why, await _client.RefusedAsync(422, "POST", await server.NamespaceAsync() + "/services", Service(asked)), StringComparison.Ordinal);

    [Fact]
    public async Task GainsTheSecondFamilyWhenAsked_AndGivesItsAddressBack()
    {
        var services = await server.NamespaceAsync() + "/services";
        var made = (await _client.DoAsync("POST", services, Service("")))["spec"]!;
        var both = (await _client.DoAsync("PATCH", $"{services}/s", """{"spec":{"ipFamilyPolicy":"PreferDualStack"}}""", Merge))["spec"]!;
        Assert.Equal("IPv4 IPv6", Joined(both["ipFamilies"]));
        Assert.Equal((string?)made["clusterIP"], (string?)both["clusterIPs"]![0]);
        var second = (string)both["clusterIPs"]![1]!;

        // A PUT that says nothing of families keeps both.
        var kept = (await _client.DoAsync("PUT", $"{services}/s", Service("")))["spec"]!;
        Assert.Equal(("PreferDualStack", "IPv4 IPv6", second), ((string?)kept["ipFamilyPolicy"], Joined(kept["ipFamilies"]), (string?)kept["clusterIPs"]![1]));

        var single = (await _client.DoAsync("PATCH", $"{services}/s", """{"spec":{"ipFamilyPolicy":"SingleStack"}}""", Merge))["spec"]!;
        Assert.Equal(("IPv4", (string?)made["clusterIP"]), (Joined(single["ipFamilies"]), Joined(single["clusterIPs"])));
        var heir = (await _client.DoAsync("POST", await server.NamespaceAsync() + "/services", Service($"\"clusterIP\":\"{second}\",")))["spec"]!;
        Assert.Equal(second, (string?)heir["clusterIP"]);
    }

    [Fact]
    public async Task NeitherFamilyNorAddressIsSwappedOrDroppedUnasked()
    {
        var services = await server.NamespaceAsync() + "/services";
        var made = (await _client.DoAsync("POST", services, Service("\"ipFamilyPolicy\":\"RequireDualStack\",")))["spec"]!;
        var (first, second) = ((string)made["clusterIPs"]![0]!, (string)made["clusterIPs"]![1]!);
        async Task<string> Refused(string spec) => await _client.RefusedAsync(422, "PATCH", $"{services}/s", $$"""{"spec":{{spec}} }""", Merge);
        Assert.Contains("may not change once set", await Refused("""{"ipFamilies":["IPv6","IPv4"]}"""), StringComparison.Ordinal);
        Assert.Contains("must be 'SingleStack' to release the secondary cluster IP", await Refused($$"""{"clusterIPs":["{{first}}"]}"""), StringComparison.Ordinal);
        Assert.Contains("must be 'SingleStack' to release the secondary IP family", await Refused("""{"ipFamilies":["IPv4"]}"""), StringComparison.Ordinal);
        Assert.Contains("may not change once set", await Refused($$"""{"clusterIPs":["{{first}}","fd00:233::abcd"]}"""), StringComparison.Ordinal);
        Assert.Equal(second, (string?)(await _client.DoAsync("GET", $"{services}/s"))["spec"]!["clusterIPs"]![1]);
    }

    private static string Service(string asked) => $$"""{"apiVersion":"v1","kind":"Service","metadata":{"name":"s"},"spec":{ {{asked}} "ports":[{"port":80}]} }""";

    private async Task<JsonObject> CreateAsync(string asked) => await _client.DoAsync("POST", await server.NamespaceAsync() + "/services", Service(asked));

    private static IEnumerable<string> Texts(JsonNode? array) => ((JsonArray)array!).Select(v => (string)v!);

    private static string Joined(JsonNode? array) => string.Join(' ', Texts(array));
}

/// <summary>What only a cluster of one family says.</summary>
public sealed class SingleStackTests(RunningServer server) : IClassFixture<RunningServer>
{
    [Theory]
    [InlineData("\"ipFamilyPolicy\":\"RequireDualStack\",", "spec.ipFamilyPolicy: Invalid value: \"RequireDualStack\": this cluster is not configured for dual-stack services")]
    [InlineData("\"ipFamilies\":[\"IPv6\"],", "spec.ipFamilies[0]: Invalid value: \"IPv6\": not configured on this cluster")]
    [InlineData("\"clusterIP\":\"fd00::1\",", "IPv6 is not configured on this cluster")]
    public async Task RefusesTheOtherFamily(string asked, string why)
    {
        var services = await server.NamespaceAsync() + "/services";
        Assert.Contains(why, await server.Client.RefusedAsync(422, "POST", services, $$"""{"metadata":{"name":"s"},"spec":{ {{asked}} "ports":[{"port":80}]} }"""), StringComparison.Ordinal);
    }

    [Fact]
    public async Task PreferDualStackIsContentWithOneFamily()
    {
        var services = await server.NamespaceAsync() + "/services";
        var spec = (await server.Client.DoAsync("POST", services, """{"metadata":{"name":"s"},"spec":{"ipFamilyPolicy":"PreferDualStack","ports":[{"port":80}]}}"""))["spec"]!;
        Assert.Equal(("PreferDualStack", "IPv4"), ((string?)spec["ipFamilyPolicy"], (string?)((JsonArray)spec["ipFamilies"]!).Single()));
    }
}

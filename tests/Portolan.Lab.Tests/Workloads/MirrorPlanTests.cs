using System.Text.Json.Nodes;

using Portolan.Kubernetes.Resources;
using Portolan.Lab.Workloads.Planning;

namespace Portolan.Lab.Tests.Workloads;

public sealed class MirrorPlanTests
{
    private static readonly UntypedObject s_endpoints = Object("""
        {"metadata":{"name":"db","namespace":"default"},"subsets":[
          {"addresses":[{"ip":"192.0.2.1","nodeName":"node1"},{"ip":"2001:db8::1"}],"notReadyAddresses":[{"ip":"192.0.2.2"}],"ports":[{"port":5432}]},
          {"addresses":[{"ip":"192.0.2.1"}],"ports":[{"port":5432}]}]}
        """);

    [Fact]
    public void ShowsAddressesOfEachFamilyOnce_WithTheirReadiness()
    {
        var four = MirrorPlan.Groups(s_endpoints, AddressFamily.IPv4).Single();
        Assert.Equal(["192.0.2.1 true", "192.0.2.2 false"], four.Endpoints.Select(e => $"{e["addresses"]![0]} {e["conditions"]!["ready"]}"));
        Assert.Equal("""[{"name":"","port":5432,"protocol":"TCP"}]""", four.Ports.ToJsonString());
        Assert.Equal("2001:db8::1", (string?)MirrorPlan.Groups(s_endpoints, AddressFamily.IPv6).Single().Endpoints.Single()["addresses"]![0]);
    }

    [Theory]
    [InlineData("{}", """{"spec":{}}""", true)]
    [InlineData("{}", """{"spec":{"selector":{"app":"x"}}}""", false)]
    [InlineData("""{"labels":{"endpointslice.kubernetes.io/skip-mirror":"true"}}""", """{"spec":{}}""", false)]
    [InlineData("""{"annotations":{"control-plane.alpha.kubernetes.io/leader":"{}"}}""", """{"spec":{}}""", false)]
    public void MirrorsOnlyWhatNobodyElseWrites(string metadata, string service, bool mirrored) =>
        Assert.Equal(mirrored, MirrorPlan.IsMirrored(Object($$"""{"metadata":{{metadata}}}"""), Object(service)));

    [Fact]
    public void WaitsForTheService() => Assert.False(MirrorPlan.IsMirrored(s_endpoints, null));

    private static UntypedObject Object(string json) => new((JsonObject)JsonNode.Parse(json)!);
}

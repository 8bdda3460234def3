using System.Text.Json;
using Portolan.Controller;
using Portolan.Core.Addresses;
using Portolan.Core.Cluster;
using Portolan.Kubernetes.Resources;

namespace Portolan.Tests.Controller;

public sealed class ServiceStatusPatchTests
{
    private const string Annotation = "metallb.io/ip-allocated-from-pool";

    [Contract("§2 status")]
    [Contract("§2 ip-allocated-from-pool")]
    [Fact]
    public void WritesAddressAndPool_GuardedByTheVersionItSaw() => Assert.Equal(
        """{"metadata":{"resourceVersion":"7","annotations":{"metallb.io/ip-allocated-from-pool":"lab"}},"status":{"loadBalancer":{"ingress":[{"ip":"10.0.0.1"}]}}}""",
        ServiceStatusPatch.Of(ControllerStateTests.Service("web"), Assigned("lab", "10.0.0.1"))?.ToJsonString());

    [Fact]
    public void WritesNothing_WhenTheServerAddedItsDefaults() => Assert.Null(ServiceStatusPatch.Of(Annotated("lab", "10.0.0.1"), Assigned("lab", "10.0.0.1")));

    [Contract("§2 status")]
    [Theory]
    [InlineData("""{"ip":"10.0.0.1","ipMode":"VIP","ports":[{"port":80,"protocol":"TCP"}]}""")]
    [InlineData("""{"ip":"10.0.0.1","ipMode":"Proxy"}""")]
    [InlineData("""{"ip":"10.0.0.1","hostname":"web.example"}""")]
    public void WhatAnotherWriterAddsToOurEntryIsNoReasonToWrite(string entry)
    {
        var service = Annotated("lab");
        service.Status = new ServiceStatus { LoadBalancer = new LoadBalancerStatus { Ingress = [JsonSerializer.Deserialize<LoadBalancerIngress>(entry, JsonSerializerOptions.Web)!] } };
        Assert.Null(ServiceStatusPatch.Of(service, Assigned("lab", "10.0.0.1")));
    }

    [Fact]
    public void AnotherSpellingOfTheAddressIsNoReasonToWrite() => Assert.Null(ServiceStatusPatch.Of(Annotated("lab", "FD00:0::1"), Assigned("lab", "fd00::1")));

    [Contract("§2 status")]
    [Theory]
    [InlineData("""[{"hostname":"web.example"}]""")]
    [InlineData("""[{"ip":"198.51.100.1"}]""")]
    [InlineData("""[{"ip":"10.0.0.1"},{"ip":"198.51.100.1"}]""")]
    [InlineData("""[{"ip":"10.0.0.1"},{"hostname":"web.example"}]""")]
    [InlineData("[]")]
    public void EntriesThatAreNotOursGo(string ingress)
    {
        var service = Annotated("lab");
        service.Status = new ServiceStatus { LoadBalancer = new LoadBalancerStatus { Ingress = JsonSerializer.Deserialize<List<LoadBalancerIngress>>(ingress, JsonSerializerOptions.Web) } };
        Assert.Equal("""{"loadBalancer":{"ingress":[{"ip":"10.0.0.1"}]}}""", ServiceStatusPatch.Of(service, Assigned("lab", "10.0.0.1"))?["status"]?.ToJsonString());
    }

    [Contract("§2 ip-allocated-from-pool")]
    [Fact]
    public void FormerAnnotationGivesWayToTheCurrentOne()
    {
        var service = ControllerStateTests.Service("web", "10.0.0.1");
        service.Metadata.Annotations = new Dictionary<string, string> { ["metallb.universe.tf/ip-allocated-from-pool"] = "lab" };
        Assert.Equal(
            """{"metallb.io/ip-allocated-from-pool":"lab","metallb.universe.tf/ip-allocated-from-pool":null}""",
            ServiceStatusPatch.Of(service, Assigned("lab", "10.0.0.1"))?["metadata"]?["annotations"]?.ToJsonString());
    }

    [Contract("§2 released: class")]
    [Fact]
    public void LeavesTheEntriesOfOthers_WhenReleased()
    {
        var service = Annotated("lab", "10.0.0.1", "198.51.100.1");
        Assert.Equal(
            """{"metadata":{"resourceVersion":"7","annotations":{"metallb.io/ip-allocated-from-pool":null}},"status":{"loadBalancer":{"ingress":[{"ip":"198.51.100.1","ipMode":"VIP"}]}}}""",
            ServiceStatusPatch.Of(service, Released("10.0.0.1"))?.ToJsonString());
        Assert.Null(ServiceStatusPatch.Of(ControllerStateTests.Service("web", "198.51.100.1"), Released("10.0.0.1")));
    }

    [Contract("§2 released: type")]
    [Fact]
    public void ClearsBoth_WhenReleased() => Assert.Equal(
        """{"metadata":{"resourceVersion":"7","annotations":{"metallb.io/ip-allocated-from-pool":null}},"status":{"loadBalancer":{"ingress":null}}}""",
        ServiceStatusPatch.Of(Annotated("lab", "10.0.0.1"), Released("10.0.0.1"))?.ToJsonString());

    [Fact]
    public void LeavesTheStatusOfOthersAlone() =>
        Assert.Null(ServiceStatusPatch.Of(ControllerStateTests.Service("web", "203.0.113.1"), new Decision { Service = new ObjectKey("default", "web"), Outcome = Outcome.NotOurs, Reason = "" }));

    [Fact]
    public void KeepsThePoolsName_WhileThePoolIsWrong() => Assert.Null(ServiceStatusPatch.Of(Annotated("lab", "10.0.0.1"), Assigned("", "10.0.0.1")));

    private static Decision Released(string address) =>
        new() { Service = new ObjectKey("default", "web"), Outcome = Outcome.Released, Leaving = [IpAddress.Parse(address)], Reason = "" };

    private static Service Annotated(string pool, params string[] addresses)
    {
        var service = ControllerStateTests.Service("web", addresses);
        service.Metadata.Annotations = new Dictionary<string, string> { [Annotation] = pool };
        return service;
    }

    private static Decision Assigned(string pool, string address) =>
        new() { Service = new ObjectKey("default", "web"), Outcome = Outcome.Assigned, Addresses = [IpAddress.Parse(address)], Pool = pool, Reason = "" };
}

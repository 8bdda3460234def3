using Portolan.Controller;
using Portolan.Core.Addresses;
using Portolan.Core.Cluster;
using Portolan.Kubernetes.Resources;

namespace Portolan.Tests.Controller;

public sealed class ServiceStatusPatchTests
{
    private const string Annotation = "metallb.io/ip-allocated-from-pool";

    [Fact]
    public void WritesAddressAndPool_GuardedByTheVersionItSaw() => Assert.Equal(
        """{"metadata":{"resourceVersion":"7","annotations":{"metallb.io/ip-allocated-from-pool":"lab"}},"status":{"loadBalancer":{"ingress":[{"ip":"10.0.0.1"}]}}}""",
        ServiceStatusWriter.Patch(ControllerStateTests.Service("web"), Assigned("lab", "10.0.0.1"))?.ToJsonString());

    [Fact]
    public void WritesNothing_WhenTheServerAddedItsDefaults() => Assert.Null(ServiceStatusWriter.Patch(Annotated("lab", "10.0.0.1"), Assigned("lab", "10.0.0.1")));

    [Fact]
    public void ClearsBoth_WhenReleased() => Assert.Equal(
        """{"metadata":{"resourceVersion":"7","annotations":{"metallb.io/ip-allocated-from-pool":null}},"status":{"loadBalancer":{"ingress":null}}}""",
        ServiceStatusWriter.Patch(Annotated("lab", "10.0.0.1"), new Decision { Service = new ObjectKey("default", "web"), Outcome = Outcome.Released, Reason = "" })?.ToJsonString());

    [Fact]
    public void LeavesTheStatusOfOthersAlone() =>
        Assert.Null(ServiceStatusWriter.Patch(ControllerStateTests.Service("web", "203.0.113.1"), new Decision { Service = new ObjectKey("default", "web"), Outcome = Outcome.NotOurs, Reason = "" }));

    [Fact]
    public void KeepsThePoolsName_WhileThePoolIsWrong() => Assert.Null(ServiceStatusWriter.Patch(Annotated("lab", "10.0.0.1"), Assigned("", "10.0.0.1")));

    private static Service Annotated(string pool, string address)
    {
        var service = ControllerStateTests.Service("web", address);
        service.Metadata.Annotations = new Dictionary<string, string> { [Annotation] = pool };
        return service;
    }

    private static Decision Assigned(string pool, string address) =>
        new() { Service = new ObjectKey("default", "web"), Outcome = Outcome.Assigned, Addresses = [IpAddress.Parse(address)], Pool = pool, Reason = "" };
}

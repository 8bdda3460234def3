using Portolan.Core.Addresses;
using Portolan.Core.Cluster;
using Portolan.Core.Forwarding;

namespace Portolan.Core.Tests.Forwarding;

public sealed class ForwardingPlanTests
{
    private static readonly ObjectKey Web = new("default", "web");

    private static readonly ServiceFacts LoadBalancer = new()
    {
        Key = Web,
        Type = ServiceType.LoadBalancer,
        ClusterIPs = [IpAddress.Parse("10.96.0.1")],
        Ports = [new ServicePort("http", Protocol.Tcp, 80, 31313)],
        Ingress = [new IngressAddress(IpAddress.Parse("192.0.2.240"), false)],
        ExternalIPs = [IpAddress.Parse("198.51.100.7")],
    };

    private static readonly ForwardingContext Here = new() { NodeName = "here", Zone = "a" };

    private static EndpointFacts At(string address, string node = "here", bool ready = true, bool serving = true, bool terminating = false, string[]? zones = null, string[]? nodes = null) => new()
    {
        Address = IpAddress.Parse(address), NodeName = node, Ready = ready, Serving = serving, Terminating = terminating, ZoneHints = zones ?? [], NodeHints = nodes ?? [],
    };

    private static EndpointSliceFacts Slice(params EndpointFacts[] endpoints) => new()
    {
        Key = new ObjectKey("default", "web-1"), Service = Web, Endpoints = endpoints, Ports = [new EndpointPort("http", Protocol.Tcp, 8080)],
    };

    private static ServicePortPlan Plan(ServiceFacts service, ForwardingContext context, params EndpointFacts[] endpoints) =>
        Assert.Single(ForwardingPlan.Of(service, [Slice(endpoints)], context).Ports);

    private static string Text(RealServerChoice choice) => $"{choice.Reason}: {string.Join(' ', choice.Servers)}";

    private static string Text(VirtualServer server) => $"{server.Front} {server.Kind} {server.Policy} {server.Masquerade}{(server.ShortCircuit ? " short-circuit" : "")}";

    [Fact]
    public void HasAFrontForEachAddressAndTheNodePort() => Assert.Equal(
        [
            "10.96.0.1:80/tcp ClusterIP Cluster Never",
            "192.0.2.240:80/tcp LoadBalancer Cluster Always",
            "198.51.100.7:80/tcp ExternalIP Cluster Always",
            "*:31313/tcp NodePort Cluster Always",
        ],
        Plan(LoadBalancer, Here).VirtualServers.Select(Text));

    [Fact]
    public void KeepsTheSourceAndShortCircuitsInsiders_WhenExternalTrafficPolicyIsLocal() => Assert.Equal(
        [
            "10.96.0.1:80/tcp ClusterIP Cluster OffCluster",
            "192.0.2.240:80/tcp LoadBalancer Local FromNode short-circuit",
            "198.51.100.7:80/tcp ExternalIP Local FromNode short-circuit",
            "*:31313/tcp NodePort Local FromNode short-circuit",
        ],
        Plan(LoadBalancer with { ExternalTrafficPolicy = TrafficPolicy.Local }, Here with { DetectsPodsIPv4 = true }).VirtualServers.Select(Text));

    [Fact]
    public void InternalTrafficPolicyGovernsTheClusterIPOnly()
    {
        var servers = Plan(LoadBalancer with { InternalTrafficPolicy = TrafficPolicy.Local }, Here with { MasqueradeAll = true }).VirtualServers;
        Assert.Equal("10.96.0.1:80/tcp ClusterIP Local Always", Text(servers[0]));
        Assert.All(servers.Skip(1), server => Assert.Equal(TrafficPolicy.Cluster, server.Policy));
    }

    [Fact]
    [Contract("proxy §1.2-3")]
    public void LeavesAnAddressToItsLoadBalancer_WhenIpModeIsProxy() =>
        Assert.DoesNotContain(
            Plan(LoadBalancer with { Ingress = [new IngressAddress(IpAddress.Parse("192.0.2.240"), true)] }, Here).VirtualServers,
            server => server.Kind is FrontKind.LoadBalancer);

    [Fact]
    [Contract("proxy §1.1-1")]
    [Contract("proxy §1.1-2")]
    public void ForwardsNothing_ForHeadlessForeignAndNamedServices()
    {
        Assert.Equal(ServiceVerdict.Headless, ForwardingPlan.Of(LoadBalancer with { ClusterIPs = [] }, [], Here).Verdict);
        Assert.Equal(ServiceVerdict.ExternalName, ForwardingPlan.Of(LoadBalancer with { Type = ServiceType.ExternalName }, [], Here).Verdict);
        var foreign = LoadBalancer with { Labels = new Dictionary<string, string> { ["service.kubernetes.io/service-proxy-name"] = "other" } };
        Assert.Equal(ServiceVerdict.OtherProxy, ForwardingPlan.Of(foreign, [], Here).Verdict);
    }

    [Fact]
    [Contract("proxy §1.1-5")]
    public void PlansEachFamilyOfADualStackService()
    {
        var service = LoadBalancer with { ClusterIPs = [IpAddress.Parse("10.96.0.1"), IpAddress.Parse("fd00::1")] };
        var six = new EndpointSliceFacts
        {
            Key = new ObjectKey("default", "web-6"), Service = Web, Family = IpFamily.IPv6, Endpoints = [At("fd01::2")], Ports = [new EndpointPort("http", Protocol.Tcp, 8080)],
        };
        var plans = ForwardingPlan.Of(service, [Slice(At("10.1.0.2")), six], Here).Ports;
        Assert.Equal(["Ready: 10.1.0.2:8080", "Ready: [fd01::2]:8080"], plans.Select(plan => Text(plan.Cluster)));
        Assert.Equal(["[fd00::1]:80/tcp", "*:31313/tcp"], plans[1].VirtualServers.Select(server => server.Front.ToString()));
    }

    [Fact]
    public void RemembersOfLabelsAndAnnotationsOnlyWhatItReads()
    {
        var facts = ForwardedFacts.Of(LoadBalancer with
        {
            Labels = new Dictionary<string, string> { ["app"] = "web", ["service.kubernetes.io/service-proxy-name"] = "other" },
            Annotations = new Dictionary<string, string> { ["kubectl.kubernetes.io/last-applied-configuration"] = "{}", [Scheduling.SchedulerAnnotation] = "maglev" },
            Selector = new Dictionary<string, string> { ["app"] = "web" },
        });
        Assert.Equal(["service.kubernetes.io/service-proxy-name"], facts.Labels.Keys);
        Assert.Equal([Scheduling.SchedulerAnnotation], facts.Annotations.Keys);
        Assert.Equal((LoadBalancer.Key, LoadBalancer.Ports, LoadBalancer.Ingress), (facts.Key, facts.Ports, facts.Ingress));
        Assert.Empty(facts.Selector);
        var same = ForwardedFacts.Of(LoadBalancer with { Annotations = new Dictionary<string, string> { ["a"] = "b" } });
        Assert.Equal(ForwardingPlan.Of(LoadBalancer, [Slice(At("10.1.0.2"))], Here).Ports, ForwardingPlan.Of(same, [Slice(At("10.1.0.2"))], Here).Ports);
    }

    [Fact]
    public void TakesAPortThatIsNamedTwiceOnce() =>
        Assert.Equal(31313, Plan(LoadBalancer with { Ports = [LoadBalancer.Ports[0], LoadBalancer.Ports[0] with { NodePort = 31314 }] }, Here).VirtualServers[^1].Front.Port);

    [Fact]
    public void AnEventThatLeavesThisNodesServersAlone_KeepsThem()
    {
        var index = new ForwardingIndex(Here);
        index.Set(LoadBalancer);
        index.Set(Slice(At("10.1.0.2"), At("10.1.0.3", "there")));
        var before = Assert.Single(index.TakeChanges()).New!;
        index.Set(Slice(At("10.1.0.2"), At("10.1.0.4", "there")));
        var now = Assert.Single(index.TakeChanges()).New!;
        Assert.Equal("Ready: 10.1.0.2:8080 10.1.0.4:8080", Text(now.Cluster));
        Assert.Same(before.Local, now.Local);
        Assert.Equal(before.VirtualServers, now.VirtualServers);
    }

    [Theory]
    [InlineData("the ready ones", "Ready: 10.1.0.2:8080 10.1.0.3:8080", "Ready: 10.1.0.2:8080")]
    [InlineData("nobody ready, some still serve", "ServingTerminating: 10.1.0.2:8080 10.1.0.3:8080", "ServingTerminating: 10.1.0.2:8080")]
    [InlineData("ready elsewhere, serving here", "Ready: 10.1.0.3:8080", "ServingTerminating: 10.1.0.2:8080")]
    [InlineData("nobody", "None: ", "None: ")]
    [InlineData("all hinted at zones", "SameZone: 10.1.0.3:8080", "Ready: 10.1.0.2:8080")]
    [InlineData("one without a hint", "Ready: 10.1.0.2:8080 10.1.0.3:8080", "Ready: 10.1.0.2:8080")]
    [InlineData("hinted at nodes too", "SameNode: 10.1.0.2:8080", "Ready: 10.1.0.2:8080")]
    [InlineData("the same twice", "Ready: 10.1.0.2:8080", "Ready: 10.1.0.2:8080")]
    [Contract("proxy §1.2-12")]
    [Contract("proxy §1.2-13")]
    [Contract("proxy §1.2-18")]
    [Contract("proxy §1.2-19")]
    public void ChoosesRealServers(string which, string cluster, string local)
    {
        EndpointFacts[] endpoints = which switch
        {
            "the ready ones" => [At("10.1.0.3", "there"), At("10.1.0.2"), At("10.1.0.4", ready: false, serving: false)],
            "nobody ready, some still serve" => [At("10.1.0.2", ready: false, terminating: true), At("10.1.0.3", "there", ready: false, terminating: true), At("10.1.0.4", ready: false)],
            "ready elsewhere, serving here" => [At("10.1.0.2", ready: false, terminating: true), At("10.1.0.3", "there")],
            "nobody" => [At("10.1.0.2", ready: false, serving: false)],
            "all hinted at zones" => [At("10.1.0.2", zones: ["b"]), At("10.1.0.3", "there", zones: ["a"])],
            "one without a hint" => [At("10.1.0.2", zones: ["b"]), At("10.1.0.3", "there")],
            "hinted at nodes too" => [At("10.1.0.2", zones: ["b"], nodes: ["here"]), At("10.1.0.3", "there", zones: ["a"], nodes: ["there"])],
            "the same twice" => [At("10.1.0.2", "there", ready: false, serving: false, terminating: true), At("10.1.0.2")],
            _ => throw new ArgumentException(which),
        };
        var plan = Plan(LoadBalancer, Here, endpoints);
        Assert.Equal((cluster, local), (Text(plan.Cluster), Text(plan.Local)));
    }
}

using CsCheck;
using Portolan.Core.Addresses;
using Portolan.Core.Cluster;
using Portolan.Core.Forwarding;

using Step = System.Action<
    Portolan.Core.Forwarding.ForwardingIndex,
    System.Collections.Generic.Dictionary<Portolan.Core.Cluster.ObjectKey, Portolan.Core.Cluster.ServiceFacts>,
    System.Collections.Generic.Dictionary<Portolan.Core.Cluster.ObjectKey, Portolan.Core.Cluster.EndpointSliceFacts>>;

namespace Portolan.Core.Tests.Forwarding;

public sealed class HealthCheckPlanTests
{
    private static readonly ForwardingContext Here = new() { NodeName = "here" };

    private static readonly ServiceFacts Local = new()
    {
        Key = new ObjectKey("ns", "web"),
        Type = ServiceType.LoadBalancer,
        ClusterIPs = [IpAddress.Parse("10.96.0.1")],
        Ports = [new ServicePort("http", Protocol.Tcp, 80, 30080), new ServicePort("https", Protocol.Tcp, 443, 30443)],
        ExternalTrafficPolicy = TrafficPolicy.Local,
        HealthCheckNodePort = 32000,
    };

    private static EndpointFacts At(string address, string node = "here", bool ready = true, bool terminating = false) =>
        new() { Address = IpAddress.Parse(address), NodeName = node, Ready = ready, Terminating = terminating };

    private static EndpointSliceFacts Slice(params EndpointFacts[] endpoints) => new()
    {
        Key = new ObjectKey("ns", "web-1"),
        Service = Local.Key,
        Ports = [new EndpointPort("http", Protocol.Tcp, 8080), new EndpointPort("https", Protocol.Tcp, 8443)],
        Endpoints = endpoints,
    };

    [Fact]
    [Contract("proxy §1.7-2")]
    public void CountsTheAddressesOfThisNodesReadyEndpoints_NotTheirPorts()
    {
        var second = Slice(At("10.1.0.2")) with { Key = new ObjectKey("ns", "web-2"), Ports = [new EndpointPort("other", Protocol.Tcp, 9090)] };
        var plan = HealthCheckPlan.Of(Local, [Slice(At("10.1.0.1"), At("10.1.0.2"), At("10.1.0.3", "there"), At("10.1.0.4", "")), second], Here);
        Assert.Equal(new HealthCheckPlan(32000, 2, 2), plan);
    }

    [Fact]
    [Contract("proxy §1.7-2")]
    public void NeverCountsEndpointsOnTheirWayOut()
    {
        // publishNotReadyAddresses makes endpoints ready while they terminate.
        var plan = HealthCheckPlan.Of(Local, [Slice(At("10.1.0.1", ready: false, terminating: true), At("10.1.0.2", terminating: true), At("10.1.0.3", ready: false))], Here);
        Assert.Equal(0, plan!.LocalEndpoints(IpFamily.IPv4));
    }

    [Fact]
    public void CountsNoEndpointThatNoPortLeadsTo() =>
        Assert.Equal(0, HealthCheckPlan.Of(Local, [Slice(At("10.1.0.1")) with { Ports = [] }], Here)!.LocalEndpointsIPv4);

    [Fact]
    public void CountsEachFamilyOfTheServiceByItself()
    {
        EndpointSliceFacts[] slices = [Slice(At("10.1.0.1"), At("10.1.0.2")), Slice(At("fd00::1")) with { Family = IpFamily.IPv6 }];
        Assert.Equal(new HealthCheckPlan(32000, 2, 1), HealthCheckPlan.Of(Local with { ClusterIPs = [IpAddress.Parse("10.96.0.1"), IpAddress.Parse("fd00:96::1")] }, slices, Here));
        Assert.Equal(new HealthCheckPlan(32000, 1, 1), HealthCheckPlan.Of(Local with { ClusterIPs = [IpAddress.Parse("fd00:96::1")] }, slices, Here));
    }

    [Fact]
    public void IsOnlyForLoadBalancersThatKeepTrafficOnTheNode()
    {
        Assert.Null(HealthCheckPlan.Of(Local with { ExternalTrafficPolicy = TrafficPolicy.Cluster }, [], Here));
        Assert.Null(HealthCheckPlan.Of(Local with { Type = ServiceType.NodePort }, [], Here));
        Assert.Null(HealthCheckPlan.Of(Local with { HealthCheckNodePort = 0 }, [], Here));
        Assert.Null(HealthCheckPlan.Of(Local with { ClusterIPs = [] }, [], Here));
        Assert.Null(HealthCheckPlan.Of(Local with { Labels = new Dictionary<string, string> { ["service.kubernetes.io/service-proxy-name"] = "x" } }, [], Here));
        Assert.NotNull(HealthCheckPlan.Of(Local, [], Here));
    }

    [Fact]
    public void TheIndexTellsEachServiceThatWasPlannedAnew_AndForgetsTheOnesThatWent()
    {
        var index = new ForwardingIndex(Here);
        index.Set(Local);
        index.Set(Slice(At("10.1.0.1")));
        index.TakeChanges();
        Assert.Equal(new HealthCheckPlan(32000, 1, 1), Assert.Single(index.TakeServices()).HealthCheck);
        Assert.Empty(index.TakeServices());

        // No Service port is different, but the version is.
        index.Set(Local with { ResourceVersion = "2" });
        Assert.Empty(index.TakeChanges());
        Assert.Equal("2", Assert.Single(index.TakeServices()).Service!.ResourceVersion);

        index.RemoveService(Local.Key);
        index.TakeChanges();
        var gone = Assert.Single(index.TakeServices());
        Assert.Equal((Local.Key, null, null, 0), (gone.Key, gone.Service, gone.HealthCheck, gone.Ports.Count));
        Assert.Empty(index.Services);
    }

    [Fact]
    public void TheIndexTellsOfTheServiceThatLosesAFrontToAnother()
    {
        var index = new ForwardingIndex(Here);
        var shared = IpAddress.Parse("198.51.100.1");
        index.Set(Local with { ExternalIPs = [shared], CreatedAt = 2 });
        index.TakeChanges();
        index.TakeServices();
        index.Set(Local with { Key = new ObjectKey("ns", "older"), ClusterIPs = [IpAddress.Parse("10.96.0.2")], ExternalIPs = [shared], CreatedAt = 1 });
        index.TakeChanges();
        Assert.Equal(["ns/older", "ns/web"], index.TakeServices().Select(service => service.Key.ToString()).Order());
    }

    private static readonly Gen<Step> Steps = Gen.OneOf(
        Gen.Select(Gen.Int[0, 2], Gen.Int[0, 1], Gen.Bool, (name, port, isLocal) => (Step)((index, services, _) =>
        {
            var service = Local with
            {
                Key = new ObjectKey("ns", $"svc{name}"),
                HealthCheckNodePort = (ushort)(32000 + port),
                ExternalTrafficPolicy = isLocal ? TrafficPolicy.Local : TrafficPolicy.Cluster,
            };
            index.Set(services[service.Key] = service);
        })),
        Gen.Select(Gen.Int[0, 3], Gen.Int[0, 2], Gen.Select(Gen.Int[1, 4], Gen.Bool, Gen.Bool).List[0, 4], (name, service, endpoints) => (Step)((index, _, slices) =>
        {
            var slice = Slice([.. endpoints.Select(endpoint => At($"10.1.0.{endpoint.Item1}", endpoint.Item2 ? "here" : "there", endpoint.Item3))]) with
            {
                Key = new ObjectKey("ns", $"slice{name}"),
                Service = new ObjectKey("ns", $"svc{service}"),
            };
            index.Set(slices[slice.Key] = slice);
        })),
        Gen.Int[0, 3].Select(name => (Step)((index, services, slices) =>
        {
            services.Remove(new ObjectKey("ns", $"svc{name}"));
            index.RemoveService(new ObjectKey("ns", $"svc{name}"));
            slices.Remove(new ObjectKey("ns", $"slice{name}"));
            index.RemoveSlice(new ObjectKey("ns", $"slice{name}"));
        })),
        Gen.Const((Step)((index, _, _) => index.TakeChanges())));

    [Fact]
    public void WhatTheIndexTellsAddsUpToThePlansFromScratch_WhateverTheHistory() =>
        Steps.List[1, 40].Sample(steps =>
        {
            var index = new ForwardingIndex(Here);
            var (services, slices, followed) = (new Dictionary<ObjectKey, ServiceFacts>(), new Dictionary<ObjectKey, EndpointSliceFacts>(), new Dictionary<ObjectKey, HealthCheckPlan>());
            foreach (var step in steps)
            {
                step(index, services, slices);
                Follow();
            }

            index.TakeChanges();
            Follow();
            var scratch = services.Values
                .Select(service => (service.Key, Plan: HealthCheckPlan.Of(service, [.. slices.Values.Where(slice => slice.Service == service.Key)], Here)))
                .Where(entry => entry.Plan is not null);
            return followed.OrderBy(entry => entry.Key).Select(entry => (entry.Key, entry.Value)).SequenceEqual(scratch.OrderBy(entry => entry.Key)!);

            void Follow()
            {
                foreach (var service in index.TakeServices())
                {
                    if (service.HealthCheck is null)
                        followed.Remove(service.Key);
                    else
                        followed[service.Key] = service.HealthCheck;
                }
            }
        });
}

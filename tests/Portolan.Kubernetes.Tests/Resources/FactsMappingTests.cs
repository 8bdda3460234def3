using System.Text.Json;
using Portolan.Core.Addresses;
using Portolan.Core.Cluster;
using Portolan.Kubernetes.Resources;

namespace Portolan.Kubernetes.Tests.Resources;

public sealed class FactsMappingTests
{
    [Fact]
    public void ReadsTheArticlesService()
    {
        var facts = JsonSerializer.Deserialize("""
            {"apiVersion":"v1","kind":"Service","metadata":{"name":"myweb-svc-lb","namespace":"default","uid":"u","creationTimestamp":"2022-05-22T05:09:55Z"},
             "spec":{"type":"LoadBalancer","clusterIP":"10.233.19.105","clusterIPs":["10.233.19.105"],"ipFamilies":["IPv4"],"ipFamilyPolicy":"SingleStack",
                     "selector":{"app":"web"},"ports":[{"protocol":"TCP","port":80,"targetPort":8080,"nodePort":31313}],"externalTrafficPolicy":"Local"},
             "status":{"loadBalancer":{"ingress":[{"ip":"192.168.100.240","ipMode":"Proxy"},{"hostname":"x"}]}}}
            """, Kinds.Services.Json)!.ToFacts();
        Assert.Equal(new ObjectKey("default", "myweb-svc-lb"), facts.Key);
        Assert.Equal(ServiceType.LoadBalancer, facts.Type);
        Assert.Equal(1653196195, facts.CreatedAt);
        Assert.Equal([new ServicePort("", Protocol.Tcp, 80, 31313)], facts.Ports);
        Assert.Equal([IpAddress.Parse("10.233.19.105")], facts.ClusterIPs);
        Assert.Equal([new IngressAddress(IpAddress.Parse("192.168.100.240"), true)], facts.Ingress);
        Assert.Equal(TrafficPolicy.Local, facts.ExternalTrafficPolicy);
        Assert.Equal(TrafficPolicy.Cluster, facts.InternalTrafficPolicy);
        Assert.Equal("web", facts.Selector["app"]);
    }

    [Fact]
    public void AHeadlessServiceHasNoClusterAddress() =>
        Assert.Empty(JsonSerializer.Deserialize("""{"metadata":{"name":"a"},"spec":{"clusterIP":"None","clusterIPs":["None"]}}""", Kinds.Services.Json)!.ToFacts().ClusterIPs);

    [Fact]
    public void LeavesOutWhatIsNoRangeOfClusterIPs()
    {
        var errors = new List<FieldError>();
        var range = JsonSerializer.Deserialize("""
            {"apiVersion":"networking.k8s.io/v1","kind":"ServiceCIDR","metadata":{"name":"kubernetes"},
             "spec":{"cidrs":["10.233.0.0/18","fd00:233::/112","10.0.0.0/33",null,"0.0.0.0/0"]},"status":{"conditions":[{"type":"Ready","status":"False"}]}}
            """, Kinds.ServiceCIDRs.Json)!;
        Assert.Equal(["10.233.0.0/18", "fd00:233::/112"], range.ToPrefixes(errors).Select(prefix => prefix.ToString()));
        Assert.Equal(["spec.cidrs[2]", "spec.cidrs[3]", "spec.cidrs[4]"], errors.Select(error => error.Path));
        Assert.Equal("spec.cidrs[2]: 10.0.0.0/33: must be a range of addresses, e.g. 10.96.0.0/12", errors[0].ToString());
        Assert.Empty(new ServiceCIDR().ToPrefixes(errors));
    }

    [Fact]
    [Contract("proxy §1.1-6")]
    public void AbsentConditionsMeanReadyServingAndNotTerminating()
    {
        var facts = JsonSerializer.Deserialize("""
            {"metadata":{"name":"s-1","namespace":"n","labels":{"kubernetes.io/service-name":"s"}},"addressType":"IPv4",
             "endpoints":[{"addresses":["10.0.0.1","10.0.0.2"],"nodeName":"node1"},{"addresses":["10.0.0.3"],"conditions":{"ready":false,"serving":true,"terminating":true}}],
             "ports":[{"port":8080},{"name":"unnumbered"}]}
            """, Kinds.EndpointSlices.Json)!.ToFacts()!;
        Assert.Equal(new ObjectKey("n", "s"), facts.Service);
        Assert.Equal([new EndpointPort("", Protocol.Tcp, 8080)], facts.Ports);
        Assert.Equal((IpAddress.Parse("10.0.0.1"), true, true, false), (facts.Endpoints[0].Address, facts.Endpoints[0].Ready, facts.Endpoints[0].Serving, facts.Endpoints[0].Terminating));
        Assert.Equal((false, true, true), (facts.Endpoints[1].Ready, facts.Endpoints[1].Serving, facts.Endpoints[1].Terminating));
    }

    [Theory]
    [InlineData("2026-01-02T03:04:05Z", 0)]
    [InlineData("2026-01-02T03:04:05.123456712Z", 1234567)]
    [InlineData("2026-01-02T12:04:05.5+09:00", 5000000)]
    [InlineData("yesterday", null)]
    [InlineData("", null)]
    public void ReadsWhenTheChangeBehindASliceHappened(string annotation, int? ticks)
    {
        var slice = new EndpointSlice { AddressType = "IPv4", Metadata = new ObjectMeta { Labels = new() { ["kubernetes.io/service-name"] = "s" }, Annotations = new() { ["endpoints.kubernetes.io/last-change-trigger-time"] = annotation } } };
        Assert.Equal(ticks is null ? null : new DateTimeOffset(2026, 1, 2, 3, 4, 5, TimeSpan.Zero).AddTicks(ticks.Value), slice.ToFacts()!.LastChangeTrigger);
    }

    [Fact]
    public void KeepsNamesThatManyObjectsCarryOnce()
    {
        const string Json = """
            {"metadata":{"name":"s-1","namespace":"a-namespace","labels":{"kubernetes.io/service-name":"s"}},"addressType":"IPv4",
             "endpoints":[{"addresses":["10.0.0.1"],"nodeName":"a-node","zone":"a-zone","hints":{"forZones":[{"name":"a-zone"}]}}],"ports":[{"name":"a-port","port":8080}]}
            """;
        var one = JsonSerializer.Deserialize(Json, Kinds.EndpointSlices.Json)!.ToFacts()!;
        var other = JsonSerializer.Deserialize(Json, Kinds.EndpointSlices.Json)!.ToFacts()!;
        Assert.Equal(("a-node", "a-zone", "a-port", "a-namespace"), (one.Endpoints[0].NodeName, one.Endpoints[0].Zone, one.Ports[0].Name, one.Key.Namespace));
        Assert.Same(one.Endpoints[0].NodeName, other.Endpoints[0].NodeName);
        Assert.Same(one.Endpoints[0].Zone, other.Endpoints[0].ZoneHints[0]);
        Assert.Same(one.Ports[0].Name, other.Ports[0].Name);
        Assert.Same(one.Service.Namespace, other.Key.Namespace);
    }

    [Fact]
    public void TellsANodeThatIsLeaving()
    {
        var node = JsonSerializer.Deserialize("""{"metadata":{"name":"a","deletionTimestamp":"2026-01-02T03:04:05Z"},"spec":{"taints":[{"key":"ToBeDeletedByClusterAutoscaler","effect":"NoSchedule"}]}}""", Kinds.Nodes.Json)!.ToFacts();
        Assert.True(node.Deleting);
        Assert.Equal(["ToBeDeletedByClusterAutoscaler"], node.TaintKeys);
        Assert.False(new Node().ToFacts().Deleting);
    }

    [Theory]
    [InlineData("FQDN", "s")]
    [InlineData("IPv4", null)]
    public void ASliceOfNamesOrOfNoServiceIsNotForUs(string addressType, string? service) =>
        Assert.Null(new EndpointSlice { AddressType = addressType, Metadata = new ObjectMeta { Labels = service is null ? null : new() { ["kubernetes.io/service-name"] = service } } }.ToFacts());

    [Fact]
    public void AnUntypedObjectKeepsEverything()
    {
        const string Json = """{"apiVersion":"v1","kind":"Pod","metadata":{"name":"a","managedFields":[{"manager":"x"}]},"spec":{"odd":[1,{"b":null}]}}""";
        var pod = JsonSerializer.Deserialize(Json, Kinds.Pods.Json)!;
        Assert.Equal("a", pod.Metadata.Name);
        Assert.Equal(Json, JsonSerializer.Serialize(pod, Kinds.Pods.Json));
    }

    [Fact]
    public void TimesAreWrittenAsTheServerParsesThem()
    {
        var lease = new Lease { Spec = new LeaseSpec { RenewTime = new DateTimeOffset(2026, 1, 2, 3, 4, 5, TimeSpan.FromHours(9)) }, Metadata = new ObjectMeta { CreationTimestamp = DateTimeOffset.UnixEpoch } };
        Assert.Equal("""{"metadata":{"creationTimestamp":"1970-01-01T00:00:00Z"},"spec":{"renewTime":"2026-01-01T18:04:05.000000Z"}}""", JsonSerializer.Serialize(lease, Kinds.Leases.Json));
    }
}

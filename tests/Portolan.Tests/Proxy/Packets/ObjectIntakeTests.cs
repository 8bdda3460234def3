using System.Text.Json;
using Portolan.Core.Addresses;
using Portolan.Core.Cluster;
using Portolan.Kubernetes.Resources;
using Portolan.Kubernetes.Watching;
using Portolan.Proxy;

namespace Portolan.Tests.Proxy.Packets;

/// <summary>From objects as the API server sends them to packets.</summary>
public sealed class ObjectIntakeTests : IClassFixture<TwoNodeLab>
{
    private readonly TwoNodeLab _lab;

    public ObjectIntakeTests(TwoNodeLab lab)
    {
        NetworkNamespace.SkipUnlessRoot();
        _lab = lab;
    }

    public static TheoryData<IpFamily> Families => [IpFamily.IPv4, IpFamily.IPv6];

    private static string Service(IpFamily family, string spec = "", string status = "", string labels = "") => $$"""
        {"apiVersion":"v1","kind":"Service","metadata":{"name":"web","namespace":"default","labels":{ {{labels}} } },
         "spec":{"type":"LoadBalancer","clusterIP":"{{TwoNodeLab.ClusterIP(family)}}","clusterIPs":["{{TwoNodeLab.ClusterIP(family)}}"],
                 "ports":[{"name":"a","protocol":"TCP","port":80,"nodePort":31313},{"name":"b","protocol":"UDP","port":80},{"name":"c","protocol":"SCTP","port":80}] {{spec}} },
         "status":{"loadBalancer":{"ingress":[ {{status}} ]} } }
        """;

    private const string Ports = """[{"name":"a","port":8080},{"name":"b","protocol":"UDP","port":8080},{"name":"c","protocol":"SCTP","port":8080}]""";

    private static string Slice(IpFamily family, string endpoints, string ports = Ports, string labels = "\"kubernetes.io/service-name\":\"web\"", string name = "web-1") => $$"""
        {"apiVersion":"discovery.k8s.io/v1","kind":"EndpointSlice","metadata":{"name":"{{name}}","namespace":"default","labels":{ {{labels}} } },
         "addressType":"{{family}}","endpoints":[ {{endpoints}} ],"ports":{{ports}} }
        """;

    private string Endpoint(string host, IpFamily family, string more = "") => $$"""{"addresses":["{{_lab.Responders.Single(responder => responder.Name == host).Address(family)}}"] {{more}} }""";

    private static void Take(ProgrammedTable programmed, string json)
    {
        var what = json.Contains("EndpointSlice", StringComparison.Ordinal)
            ? ProxyCommand.Event(Change(JsonSerializer.Deserialize(json, Kinds.EndpointSlices.Json)!))
            : ProxyCommand.Event(Change(JsonSerializer.Deserialize(json, Kinds.Services.Json)!));
        programmed.Apply(index =>
        {
            if (what is ProxyEvent.ServiceSet(var service))
                index.Set(service);
            else if (what is ProxyEvent.SliceSet(var slice))
                index.Set(slice);
            else
                index.RemoveSlice(Assert.IsType<ProxyEvent.SliceGone>(what).Key);
        });

        static Change<T> Change<T>(T what)
            where T : KubeObject => new(ChangeKind.Added, new ObjectKey(what.Metadata.Namespace!, what.Metadata.Name!), null, what);
    }

    private string[] Who(IpAddress to, Protocol protocol = Protocol.Tcp, int port = 80, int times = 24) =>
        [.. _lab.Pod.AskMany(protocol, to, port, times).Select(answer => answer.From).Distinct().Order()];

    [Theory]
    [MemberData(nameof(Families))]
    [Contract("proxy §1.1-4")]
    public void ForwardsEachPortByNameAndProtocol(IpFamily family)
    {
        var programmed = new ProgrammedTable(_lab, family);
        Take(programmed, Service(family));
        Take(programmed, Slice(family, Endpoint("local", family), """[{"name":"a","port":8080},{"name":"c","protocol":"SCTP","port":8080},{"port":8080,"protocol":"UDP"}]"""));
        Take(programmed, Slice(family, Endpoint("remote", family), """[{"name":"b","protocol":"UDP","port":8080},{"name":"a"},{"name":"c","protocol":"SCTP","port":0}]""", name: "web-2"));
        Assert.Equal(["local"], Who(TwoNodeLab.ClusterIP(family)));
        Assert.Equal(["remote"], Who(TwoNodeLab.ClusterIP(family), Protocol.Udp));
        Assert.Equal(["local"], Who(TwoNodeLab.ClusterIP(family), Protocol.Sctp));
    }

    [Theory]
    [MemberData(nameof(Families))]
    [Contract("proxy §1.1-6")]
    public void TakesAnEndpointsFirstAddress_AndAbsentConditionsForReady(IpFamily family)
    {
        var programmed = new ProgrammedTable(_lab, family);
        Take(programmed, Service(family));
        var (local, remote) = (_lab.Local.Address(family), _lab.Remote.Address(family));
        Take(programmed, Slice(family, $$"""{"addresses":["{{local}}","{{remote}}"]},{"addresses":[]}"""));
        Assert.Equal(["local"], Who(TwoNodeLab.ClusterIP(family)));
        Take(programmed, Slice(family, $"{Endpoint("local", family, ",\"conditions\":{\"ready\":false}")},{Endpoint("local2", family, ",\"conditions\":{}")},{Endpoint("remote", family, ",\"conditions\":{\"serving\":true}")}"));
        Assert.Equal(["local2", "remote"], Who(TwoNodeLab.ClusterIP(family), times: 40));
        Take(programmed, Slice(family, Endpoint("local", family, ",\"conditions\":{\"ready\":false,\"terminating\":true}")));
        Assert.Equal(["local"], Who(TwoNodeLab.ClusterIP(family)));
    }

    [Theory]
    [MemberData(nameof(Families))]
    [Contract("proxy §1.1-7")]
    public void KnowsItsOwnEndpointsByTheirNodeName(IpFamily family)
    {
        var programmed = new ProgrammedTable(_lab, family);
        Take(programmed, Service(family, ",\"internalTrafficPolicy\":\"Local\""));
        Take(programmed, Slice(family, $"{Endpoint("local", family, ",\"nodeName\":\"node\"")},{Endpoint("local2", family)},{Endpoint("remote", family, ",\"nodeName\":\"node2\"")}"));
        Assert.Equal(["local"], Who(TwoNodeLab.ClusterIP(family)));
    }

    [Theory]
    [MemberData(nameof(Families))]
    [Contract("proxy §1.1-3")]
    [Contract("proxy §1.1-6")]
    public void ReadsNoSliceOfAHeadlessServiceOrOfAnotherFamilyOrOfNoService(IpFamily family)
    {
        var other = family is IpFamily.IPv4 ? IpFamily.IPv6 : IpFamily.IPv4;
        var programmed = new ProgrammedTable(_lab, family);
        Take(programmed, Service(family));
        Take(programmed, Slice(family, Endpoint("local", family)));
        Take(programmed, Slice(other, Endpoint("remote", other), name: "web-2"));
        Take(programmed, Slice(family, Endpoint("remote", family), labels: "\"app\":\"web\"", name: "web-3"));
        Take(programmed, Slice(family, Endpoint("remote", family), labels: "\"kubernetes.io/service-name\":\"web\",\"service.kubernetes.io/headless\":\"\"", name: "web-4"));
        Assert.Equal(["local"], Who(TwoNodeLab.ClusterIP(family)));

        // The label may come later, and go.
        Take(programmed, Slice(family, Endpoint("local", family), labels: "\"kubernetes.io/service-name\":\"web\",\"service.kubernetes.io/headless\":\"\""));
        Assert.Equal(Answer.Refused, _lab.Pod.Ask(Protocol.Udp, TwoNodeLab.ClusterIP(family), 80));
        Take(programmed, Slice(family, Endpoint("local", family)));
        Assert.Equal(["local"], Who(TwoNodeLab.ClusterIP(family)));
    }

    [Theory]
    [MemberData(nameof(Families))]
    [Contract("proxy §1.2-3")]
    [Contract("proxy §1.2-4")]
    public void TakesLoadBalancerAddressesAndNoHostnames(IpFamily family)
    {
        var programmed = new ProgrammedTable(_lab, family);
        var elsewhere = TwoNodeLab.Elsewhere(family);
        Take(programmed, Slice(family, Endpoint("local", family)));
        Take(programmed, Service(family, status: $$"""{"hostname":"lb.example.org"},{"ip":"{{TwoNodeLab.Vip(family)}}","ipMode":"VIP"},{"ip":"{{elsewhere}}","ipMode":"Proxy","hostname":"x"}"""));
        Assert.Equal(["local"], Who(TwoNodeLab.Vip(family)));
        Assert.Equal(["node2"], Who(elsewhere));
        Take(programmed, Service(family, status: $$"""{"ip":"{{elsewhere}}"}"""));
        Assert.Equal(["local"], Who(elsewhere));
        Take(programmed, Service(family, status: $$"""{"ip":"{{elsewhere}}"}""", labels: "\"service.kubernetes.io/service-proxy-name\":\"x\""));
        Assert.Equal(["node2"], Who(elsewhere));
    }

    [Theory]
    [MemberData(nameof(Families))]
    [Contract("proxy §1.4-4")]
    public void ReadsSourceRangesWithBlanks(IpFamily family)
    {
        var programmed = new ProgrammedTable(_lab, family);
        Take(programmed, Slice(family, Endpoint("local", family)));
        Take(programmed, Service(family, $$""","loadBalancerSourceRanges":["  {{_lab.Pod.Address(family)}}/{{_lab.Pod.Address(family).Bits}} ","\t10.99.0.0/16"]""", $$"""{"ip":"{{TwoNodeLab.Vip(family)}}"}"""));
        Assert.Equal(["local"], Who(TwoNodeLab.Vip(family)));
        Assert.Equal(Answer.Nothing, _lab.Client.AskInVain(Protocol.Tcp, TwoNodeLab.Vip(family), 80, _lab.Responders, TwoNodeLab.ResponderPort));
    }

    [Theory]
    [MemberData(nameof(Families))]
    [Contract("proxy §1.2-7")]
    public void RemembersClientsForThreeHours_WhereNoTimeIsGiven(IpFamily family)
    {
        var programmed = new ProgrammedTable(_lab, family);
        Take(programmed, Slice(family, $"{Endpoint("local", family)},{Endpoint("local2", family)},{Endpoint("remote", family)}"));
        Take(programmed, Service(family, ",\"sessionAffinity\":\"ClientIP\""));
        Assert.Single(Who(TwoNodeLab.ClusterIP(family)));
        Assert.Matches("expires 2h59m[0-9]+s", Remembered());
        Take(programmed, Service(family, ",\"sessionAffinity\":\"ClientIP\",\"sessionAffinityConfig\":{\"clientIP\":{\"timeoutSeconds\":119}}"));
        Assert.Single(Who(TwoNodeLab.ClusterIP(family)));
        Assert.Matches("expires 1m5[0-9]s", Remembered());

        string Remembered() => _lab.Node.Namespace.RunInside("nft", $"list map {(family is IpFamily.IPv4 ? "ip" : "ip6")} portolan affinity");
    }
}

using Portolan.Core.Addresses;
using Portolan.Core.Cluster;
using Portolan.Proxy.Nftables;

namespace Portolan.Tests.Proxy.Packets;

/// <summary>Which addresses and ports lead to a Service, and which do not: each of them is asked.</summary>
public sealed class ServiceAddressTests : IClassFixture<TwoNodeLab>
{
    private const string ProxyNameLabel = "service.kubernetes.io/service-proxy-name";
    private readonly TwoNodeLab _lab;

    public ServiceAddressTests(TwoNodeLab lab)
    {
        NetworkNamespace.SkipUnlessRoot();
        _lab = lab;
    }

    public static TheoryData<IpFamily> Families => [IpFamily.IPv4, IpFamily.IPv6];

    private static IpFamily Other(IpFamily family) => family is IpFamily.IPv4 ? IpFamily.IPv6 : IpFamily.IPv4;

    // Every client, every protocol.
    private void Answers(string who, IpAddress to, int port = TwoNodeLab.ServicePortNumber)
    {
        foreach (var client in (LabHost[])[_lab.Pod, _lab.Local, _lab.Node, _lab.Client])
        foreach (var protocol in Enum.GetValues<Protocol>())
            Assert.Equal((client.Name, protocol, who), (client.Name, protocol, client.Ask(protocol, to, port).From));
    }

    [Theory]
    [MemberData(nameof(Families))]
    [Contract("proxy §1.2-3")]
    public void LeavesALoadBalancersOwnAddressToIt_WhereIpModeIsProxy(IpFamily family)
    {
        var elsewhere = TwoNodeLab.Elsewhere(family);
        var service = TwoNodeLab.Service(family) with { Ingress = [new IngressAddress(elsewhere, IsProxyMode: true), new IngressAddress(TwoNodeLab.Vip(family), false)] };
        var programmed = new ProgrammedTable(_lab, family).Set(service).Endpoints("remote");
        Answers("node2", elsewhere);
        Answers("remote", TwoNodeLab.Vip(family));
        programmed.Set(service with { Ingress = [new IngressAddress(elsewhere, false)] });
        Answers("remote", elsewhere);
        programmed.IsAsFromScratch();
    }

    [Theory]
    [MemberData(nameof(Families))]
    [Contract("proxy §1.1-2")]
    public void LeavesAServiceToAnotherProxy_WhileItIsLabelledSo(IpFamily family)
    {
        var service = TwoNodeLab.Service(family) with { ClusterIPs = [TwoNodeLab.Elsewhere(family)] };
        var labelled = service with { Labels = new Dictionary<string, string> { [ProxyNameLabel] = "another" } };
        var programmed = new ProgrammedTable(_lab, family).Endpoints("remote").Set(labelled);
        Answers("node2", TwoNodeLab.Elsewhere(family));
        programmed.Set(service);
        Answers("remote", TwoNodeLab.Elsewhere(family));
        programmed.Set(labelled);
        Answers("node2", TwoNodeLab.Elsewhere(family));
        programmed.IsAsFromScratch();
    }

    [Theory]
    [MemberData(nameof(Families))]
    [Contract("proxy §1.1-1")]
    public void ForwardsNothingForHeadlessServicesAndNames(IpFamily family)
    {
        var service = TwoNodeLab.Service(family) with { ExternalIPs = [TwoNodeLab.Elsewhere(family)] };
        var programmed = new ProgrammedTable(_lab, family).Endpoints("remote").Set(service with { ClusterIPs = [] });
        Answers("node2", TwoNodeLab.Elsewhere(family));
        programmed.Set(service);
        Answers("remote", TwoNodeLab.Elsewhere(family));
        programmed.Set(service with { Type = ServiceType.ExternalName });
        Answers("node2", TwoNodeLab.Elsewhere(family));
        programmed.Apply(index => index.RemoveService(service.Key));
        Answers("node2", TwoNodeLab.Elsewhere(family));
    }

    [Theory]
    [MemberData(nameof(Families))]
    [Contract("proxy §1.2-2")]
    public void HasNoNodePort_WhereNoneIsAllocated(IpFamily family)
    {
        var service = TwoNodeLab.Service(family);
        new ProgrammedTable(_lab, family).Set(service with { Ports = [.. service.Ports.Select(port => port with { NodePort = 0 })] }).Endpoints("remote");
        Answers("remote", TwoNodeLab.Vip(family));
        foreach (var protocol in (Protocol[])[Protocol.Tcp, Protocol.Udp])
            Assert.Equal(Answer.Refused, _lab.Client.Ask(protocol, TwoNodeLab.NodeIP(family), TwoNodeLab.NodePort)); // by node's own sockets: nobody listens
    }

    [Theory]
    [MemberData(nameof(Families))]
    [Contract("proxy §1.6-1")]
    [Contract("proxy §1.6-2")]
    public void AnswersAtEachOfTheNodesAddressesThatWereAskedFor_AndAtNobodyElses(IpFamily family)
    {
        var (one, other, another) = family is IpFamily.IPv4
            ? (IpAddress.Parse("192.0.2.1"), IpAddress.Parse("10.7.0.1"), IpAddress.Parse("10.7.0.2"))
            : (IpAddress.Parse("fd00:2::1"), IpAddress.Parse("fd00:7::1"), IpAddress.Parse("fd00:7::2"));
        var service = TwoNodeLab.Service(family);
        new ProgrammedTable(_lab, family).Set(service).Endpoints("remote");
        Answers("remote", one, TwoNodeLab.NodePort);
        Answers("remote", other, TwoNodeLab.NodePort);
        Assert.Equal(Answer.Refused, _lab.Client.Ask(Protocol.Udp, another, TwoNodeLab.NodePort)); // by the other node's

        var settings = new TableSettings { NodePortAddresses = [IpPrefix.Containing(one, one.Bits)] };
        new ProgrammedTable(_lab, family, settings: settings).Set(service).Endpoints("remote");
        Answers("remote", one, TwoNodeLab.NodePort);
        Assert.Equal(Answer.Refused, _lab.Client.Ask(Protocol.Udp, other, TwoNodeLab.NodePort));
        Assert.Equal(Answer.Refused, _lab.Client.Ask(Protocol.Tcp, other, TwoNodeLab.NodePort));
    }

    [Theory]
    [MemberData(nameof(Families))]
    [Contract("proxy §1.6-3")]
    public void PrefersAServicesAddressToANodePort(IpFamily family)
    {
        // An external IP may be an address of the node, and its port another Service's node port.
        var address = TwoNodeLab.Service(family, "address") with
        {
            ClusterIPs = [IpAddress.Of(family, TwoNodeLab.ClusterIP(family).Value + 1)], ExternalIPs = [TwoNodeLab.NodeIP(family)], Ingress = [],
            Ports = [.. Enum.GetValues<Protocol>().Select(protocol => new ServicePort(protocol.ToString(), protocol, TwoNodeLab.NodePort, 0))],
        };
        var programmed = new ProgrammedTable(_lab, family).Set(TwoNodeLab.Service(family)).Endpoints("local").Set(address).Endpoints([new Backend("remote")], "address");
        Answers("remote", TwoNodeLab.NodeIP(family), TwoNodeLab.NodePort);
        Answers("local", _lab.Node.Address(family), TwoNodeLab.NodePort);
        programmed.Apply(index => index.RemoveService(address.Key));
        Answers("local", TwoNodeLab.NodeIP(family), TwoNodeLab.NodePort);
    }

    [Theory]
    [MemberData(nameof(Families))]
    [Contract("proxy §1.6-4")]
    public void AnswersNodePortsAtALoadBalancerAddressThatIsTheNodes_WhereAskedFor(IpFamily family)
    {
        var vip = TwoNodeLab.Vip(family);
        _lab.Node.Namespace.Link($"addr add {IpPrefix.Containing(vip, vip.Bits)} dev lo");
        try
        {
            new ProgrammedTable(_lab, family).Set(TwoNodeLab.Service(family)).Endpoints("remote");
            Answers("remote", vip);
            Answers("remote", vip, TwoNodeLab.NodePort);
            var primary = new TableSettings { NodePortAddresses = [IpPrefix.Containing(TwoNodeLab.NodeIP(family), vip.Bits)] };
            new ProgrammedTable(_lab, family, settings: primary).Set(TwoNodeLab.Service(family)).Endpoints("remote");
            Answers("remote", vip);
            Assert.Equal(Answer.Refused, _lab.Client.Ask(Protocol.Udp, vip, TwoNodeLab.NodePort));
        }
        finally
        {
            _lab.Node.Namespace.Link($"addr del {IpPrefix.Containing(vip, vip.Bits)} dev lo");
        }
    }

    [Theory]
    [MemberData(nameof(Families))]
    [Contract("proxy §1.1-5")]
    public void KeepsTheFamiliesOfAServiceApart(IpFamily family)
    {
        var service = TwoNodeLab.Service(family) with { ClusterIPs = [TwoNodeLab.ClusterIP(family), TwoNodeLab.ClusterIP(Other(family))] };
        var programmed = new ProgrammedTable(_lab, family).Set(service).Apply(index => index.Set(_lab.Slice(Other(family), [new Backend("remote")])));
        Assert.Equal(Answer.Refused, _lab.Pod.Ask(Protocol.Udp, TwoNodeLab.ClusterIP(family), TwoNodeLab.ServicePortNumber));
        programmed.Endpoints("local");
        Answers("local", TwoNodeLab.ClusterIP(family));
        new ProgrammedTable(_lab, Other(family)).Set(service).Apply(index => index.Set(_lab.Slice(family, [new Backend("local")]))).Endpoints("remote");
        Answers("remote", TwoNodeLab.ClusterIP(Other(family)));
        Answers("local", TwoNodeLab.ClusterIP(family));
        _lab.Program(Other(family), []);
    }

    [Theory]
    [MemberData(nameof(Families))]
    [Contract("proxy §1.1-4")]
    public void MatchesPortsByName_AndAddsUpSlices(IpFamily family)
    {
        var service = TwoNodeLab.Service(family) with
        {
            Ports = [new ServicePort("http", Protocol.Tcp, 80, 0), new ServicePort("admin", Protocol.Tcp, 81, 0), new ServicePort("http-udp", Protocol.Udp, 80, 0)],
        };
        var http = _lab.Slice(family, [new Backend("local")]) with { Ports = [new EndpointPort("http", Protocol.Tcp, TwoNodeLab.ResponderPort), new EndpointPort("other", Protocol.Tcp, 9)] };
        var admin = _lab.Slice(family, [new Backend("remote")]) with
        {
            Key = new ObjectKey("default", "web-2"), Ports = [new EndpointPort("admin", Protocol.Tcp, TwoNodeLab.ResponderPort), new EndpointPort("http", Protocol.Udp, TwoNodeLab.ResponderPort)],
        };
        var programmed = new ProgrammedTable(_lab, family).Set(service).Apply(index => index.Set(http)).Apply(index => index.Set(admin));
        var clusterIP = TwoNodeLab.ClusterIP(family);
        Assert.Equal("local", Assert.Single(_lab.Client.AskMany(Protocol.Tcp, clusterIP, 80, 6).Select(answer => answer.From).Distinct()));
        Assert.Equal("remote", Assert.Single(_lab.Client.AskMany(Protocol.Tcp, clusterIP, 81, 6).Select(answer => answer.From).Distinct()));
        Assert.Equal(Answer.Refused, _lab.Client.Ask(Protocol.Udp, clusterIP, 80));
        programmed.Apply(index => index.Set(admin with { Ports = [new EndpointPort("http", Protocol.Tcp, TwoNodeLab.ResponderPort)] }));
        Assert.Equal(2, _lab.Client.AskMany(Protocol.Tcp, clusterIP, 80, 40).Select(answer => answer.From).Distinct().Count());
    }

    [Theory]
    [MemberData(nameof(Families))]
    [Contract("proxy §1.1-8")]
    public void CountsAnEndpointThatIsInTwoSlicesOnce_AsTheOneThatStays(IpFamily family)
    {
        var leaving = _lab.Slice(family, [new Backend("local", Ready: false, Serving: false, Terminating: true), new Backend("remote")]);
        var programmed = new ProgrammedTable(_lab, family).Set(TwoNodeLab.Service(family)).Apply(index => index.Set(leaving));
        Answers("remote", TwoNodeLab.ClusterIP(family));
        programmed.Apply(index => index.Set(_lab.Slice(family, [new Backend("local")]) with { Key = new ObjectKey("default", "web-2") }));
        Assert.Equal(2, _lab.Client.AskMany(Protocol.Udp, TwoNodeLab.ClusterIP(family), 80, 40).Select(answer => answer.From).Distinct().Count());
    }

    [Theory]
    [MemberData(nameof(Families))]
    [Contract("proxy §1.1-12")]
    public void GivesAnAddressThatTwoServicesNameToTheOlderOne(IpFamily family)
    {
        var older = TwoNodeLab.Service(family, "older") with { ClusterIPs = [IpAddress.Of(family, TwoNodeLab.ClusterIP(family).Value + 1)], CreatedAt = 1 };
        var younger = TwoNodeLab.Service(family) with { CreatedAt = 2 };
        var programmed = new ProgrammedTable(_lab, family).Set(younger).Endpoints("local");
        Answers("local", TwoNodeLab.Vip(family));
        programmed.Set(older).Endpoints([new Backend("remote")], "older");
        Answers("remote", TwoNodeLab.Vip(family));
        programmed.Apply(index => index.RemoveService(older.Key));
        Answers("local", TwoNodeLab.Vip(family));
        programmed.IsAsFromScratch();
    }

    [Theory]
    [MemberData(nameof(Families))]
    [Contract("proxy §1.2-5")]
    public void BalancesEvenlyByConnection_AndKeepsAFlowWhereItIs(IpFamily family)
    {
        var programmed = new ProgrammedTable(_lab, family).Set(TwoNodeLab.Service(family)).Endpoints("local", "local2", "remote");
        foreach (var count in _lab.Client.AskMany(Protocol.Udp, TwoNodeLab.ClusterIP(family), 80, 600).GroupBy(answer => answer.From).Select(group => group.Count()))
            Assert.InRange(count, 130, 270); // 200, and six standard deviations
        using var tcp = _lab.Client.Open(Protocol.Tcp, TwoNodeLab.ClusterIP(family), 80);
        using var udp = _lab.Client.Open(Protocol.Udp, TwoNodeLab.ClusterIP(family), 80);
        var (first, second) = (tcp.Read(3000).From, udp.Read(3000).From);
        for (var i = 0; i < 10; i++)
            Assert.Equal((first, second), (tcp.Again().From, udp.Again().From));

        // Not even when the endpoint is to get no new ones.
        programmed.Endpoints([.. new[] { "local", "local2", "remote" }.Where(name => name != first && name != second)]);
        Assert.Equal((first, second), (tcp.Again().From, udp.Again().From));
    }

    [Theory]
    [MemberData(nameof(Families))]
    [Contract("proxy §1.2-20")]
    public void ChoosesAnew_WhenTheNodeMovesToAnotherZone(IpFamily family)
    {
        var programmed = new ProgrammedTable(_lab, family).Set(TwoNodeLab.Service(family)).Endpoints([new Backend("local", Zone: "there"), new Backend("remote", Zone: TwoNodeLab.Zone)]);
        Answers("remote", TwoNodeLab.ClusterIP(family));
        programmed.Apply(index => index.Context = index.Context with { Zone = "there" });
        Answers("local", TwoNodeLab.ClusterIP(family));
        programmed.IsAsFromScratch();
    }

    [Theory]
    [MemberData(nameof(Families))]
    [Contract("proxy §1.5-11")]
    [Contract("proxy §1.5-12")]
    public void LeavesOtherBitsOfTheMarkAlone_AndFiltersNothing(IpFamily family)
    {
        var kind = family is IpFamily.IPv4 ? "ip" : "ip6";
        new ProgrammedTable(_lab, family).Set(TwoNodeLab.Service(family) with { AffinitySeconds = 60 }).Endpoints("local", "remote");
        var listing = _lab.Node.Namespace.RunInside("nft", $"list table {kind} portolan");
        Assert.DoesNotContain("type filter", listing);
        Assert.Contains("masquerade fully-random", listing);

        // Every bit but two: the masquerade bit, and the next for affinity, are put back to 0.
        _lab.Node.Namespace.RunInside("nft", $"add table {kind} others");
        try
        {
            foreach (var rule in (string[])
                [
                    "add counter {0} others changed", "add chain {0} others before { type filter hook prerouting priority -150; }", "add rule {0} others before meta mark set 0x12343fff",
                    "add chain {0} others after { type filter hook postrouting priority 300; }", "add rule {0} others after ct status dnat ct direction original meta mark != 0x12343fff counter name changed",
                    "add counter {0} others kept", "add rule {0} others after ct status dnat ct direction original meta mark 0x12343fff counter name kept",
                ])
                _lab.Node.Namespace.RunInside("nft", rule.Replace("{0}", kind, StringComparison.Ordinal));
            foreach (var (to, port) in (ReadOnlySpan<(IpAddress, int)>)[(TwoNodeLab.ClusterIP(family), 80), (TwoNodeLab.Vip(family), 80), (TwoNodeLab.NodeIP(family), TwoNodeLab.NodePort)])
            {
                var answers = _lab.Client.AskMany(Protocol.Udp, to, port, 10);
                Assert.All(answers, answer => Assert.Equal(to == TwoNodeLab.ClusterIP(family), answer.Source == _lab.Client.Address(family)));
            }

            var counted = _lab.Node.Namespace.RunInside("nft", $"list counters table {kind} others");
            Assert.Matches(@"changed \{\s+packets 0 ", counted);
            Assert.Matches(@"kept \{\s+packets 30 ", counted);
        }
        finally
        {
            _lab.Node.Namespace.RunInside("nft", $"delete table {kind} others");
        }
    }
}

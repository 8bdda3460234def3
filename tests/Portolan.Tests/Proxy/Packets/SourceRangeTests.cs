using Portolan.Core.Addresses;
using Portolan.Core.Cluster;

namespace Portolan.Tests.Proxy.Packets;

/// <summary>Who may connect to a load balancer address: <c>loadBalancerSourceRanges</c>.</summary>
public sealed class SourceRangeTests : IClassFixture<TwoNodeLab>
{
    private readonly TwoNodeLab _lab;

    public SourceRangeTests(TwoNodeLab lab)
    {
        NetworkNamespace.SkipUnlessRoot();
        _lab = lab;
    }

    public static TheoryData<IpFamily> Families => [IpFamily.IPv4, IpFamily.IPv6];

    private IEnumerable<LabHost> Clients => [_lab.Pod, _lab.Local, _lab.Node, _lab.Client];

    private static IpPrefix Only(IpAddress address) => IpPrefix.Containing(address, address.Bits);

    private static IpFamily Other(IpFamily family) => family is IpFamily.IPv4 ? IpFamily.IPv6 : IpFamily.IPv4;

    private static ServiceFacts Service(IpFamily family, params IpPrefix[] ranges) => TwoNodeLab.Service(family) with { LoadBalancerSourceRanges = ranges };

    private Answer AskVip(LabHost client, IpFamily family, Protocol protocol, bool mayConnect) => mayConnect
        ? client.Ask(protocol, TwoNodeLab.Vip(family), TwoNodeLab.ServicePortNumber)
        : client.AskInVain(protocol, TwoNodeLab.Vip(family), TwoNodeLab.ServicePortNumber, _lab.Responders, TwoNodeLab.ResponderPort);

    private void OnlyTheseMayConnect(IpFamily family, params LabHost[] who)
    {
        foreach (var client in Clients)
        foreach (var protocol in Enum.GetValues<Protocol>())
        {
            var mayConnect = who.Contains(client);
            Assert.Equal((client.Name, protocol, mayConnect ? "remote" : "nothing"), (client.Name, protocol, AskVip(client, family, protocol, mayConnect).From));
        }
    }

    [Theory]
    [MemberData(nameof(Families))]
    [Contract("proxy §1.4-1")]
    [Contract("proxy §1.4-2")]
    public void DropsEveryOtherClient_InsideTheClusterToo(IpFamily family)
    {
        var programmed = new ProgrammedTable(_lab, family).Set(Service(family, Only(_lab.Client.Address(family)))).Endpoints("remote");
        OnlyTheseMayConnect(family, _lab.Client);
        programmed.Set(Service(family, TwoNodeLab.PodCidr(family)));
        OnlyTheseMayConnect(family, _lab.Pod, _lab.Local);
        programmed.Set(Service(family, Only(_lab.Node.Address(family)), Only(_lab.Pod.Address(family))));
        OnlyTheseMayConnect(family, _lab.Node, _lab.Pod);
        programmed.Set(Service(family));
        OnlyTheseMayConnect(family, [.. Clients]);
        programmed.IsAsFromScratch();
    }

    [Theory]
    [MemberData(nameof(Families))]
    [Contract("proxy §1.4-1")]
    public void DropsThem_WhateverThePolicy_AndBeforeTheyAreRefused(IpFamily family)
    {
        var service = Service(family, Only(_lab.Client.Address(family))) with { ExternalTrafficPolicy = TrafficPolicy.Local, AffinitySeconds = 60 };
        var programmed = new ProgrammedTable(_lab, family).Set(service).Endpoints("remote", "local");
        Assert.Equal("local", AskVip(_lab.Client, family, Protocol.Tcp, true).From);
        Assert.Equal("nothing", AskVip(_lab.Node, family, Protocol.Tcp, false).From);
        programmed.Endpoints();
        Assert.Equal("nothing", AskVip(_lab.Pod, family, Protocol.Udp, false).From);
        Assert.Equal("refused", AskVip(_lab.Client, family, Protocol.Udp, true).From);
    }

    [Theory]
    [MemberData(nameof(Families))]
    [Contract("proxy §1.4-3")]
    public void AppliesToLoadBalancerAddressesOnly(IpFamily family)
    {
        new ProgrammedTable(_lab, family).Set(Service(family, Only(IpAddress.Of(family, 1)))).Endpoints("remote");
        OnlyTheseMayConnect(family);
        foreach (var client in Clients)
        foreach (var protocol in Enum.GetValues<Protocol>())
        {
            Assert.Equal("remote", client.Ask(protocol, TwoNodeLab.ClusterIP(family), TwoNodeLab.ServicePortNumber).From);
            Assert.Equal("remote", client.Ask(protocol, TwoNodeLab.ExternalIP(family), TwoNodeLab.ServicePortNumber).From);
            Assert.Equal("remote", client.Ask(protocol, TwoNodeLab.NodeIP(family), TwoNodeLab.NodePort).From);
        }
    }

    [Theory]
    [MemberData(nameof(Families))]
    [Contract("proxy §1.4-5")]
    [Contract("proxy §1.4-6")]
    public void IgnoresRangesOfTheOtherFamily_AndTakesAWholeFamilyForEveryone(IpFamily family)
    {
        var programmed = new ProgrammedTable(_lab, family).Set(Service(family, TwoNodeLab.PodCidr(Other(family)))).Endpoints("remote");
        OnlyTheseMayConnect(family, [.. Clients]);
        programmed.Set(Service(family, Only(_lab.Client.Address(family)), IpPrefix.Containing(IpAddress.Of(Other(family), 0), 0)));
        OnlyTheseMayConnect(family, _lab.Client);
        programmed.Set(Service(family, Only(_lab.Client.Address(family)), IpPrefix.Containing(IpAddress.Of(family, 0), 0)));
        OnlyTheseMayConnect(family, [.. Clients]);
    }

    /// <summary>A node that has the address on an interface connects to it from itself.</summary>
    [Theory]
    [MemberData(nameof(Families))]
    [Contract("proxy §1.4-7")]
    public void LetsTheNodeInByTheAddressItself_WhereTheRangesIncludeTheNode(IpFamily family)
    {
        var context = TwoNodeLab.Context with { NodeAddresses = [TwoNodeLab.NodeIP(family)] };
        var programmed = new ProgrammedTable(_lab, family, context).Set(Service(family, Only(TwoNodeLab.NodeIP(family)))).Endpoints("remote");
        _lab.Node.Namespace.Link($"addr add {Only(TwoNodeLab.Vip(family))} dev lo");
        try
        {
            var fromVip = _lab.Node.From(TwoNodeLab.Vip(family), TwoNodeLab.Vip(family));
            foreach (var protocol in Enum.GetValues<Protocol>())
                Assert.Equal("remote", AskVip(fromVip, family, protocol, true).From);
            OnlyTheseMayConnect(family);
            programmed.Set(Service(family, Only(_lab.Client.Address(family))));
            foreach (var protocol in Enum.GetValues<Protocol>())
                Assert.Equal("nothing", AskInVainFromVip(protocol).From);
            OnlyTheseMayConnect(family, _lab.Client);

            Answer AskInVainFromVip(Protocol protocol) => fromVip.Ask(protocol, TwoNodeLab.Vip(family), TwoNodeLab.ServicePortNumber, 50);
        }
        finally
        {
            _lab.Node.Namespace.Link($"addr del {Only(TwoNodeLab.Vip(family))} dev lo");
        }
    }

    [Theory]
    [MemberData(nameof(Families))]
    [Contract("proxy §1.4-8")]
    public void LetsConnectionsGoOn_WhenTheListShrinks(IpFamily family)
    {
        var programmed = new ProgrammedTable(_lab, family).Set(Service(family, Only(_lab.Client.Address(family)))).Endpoints("remote");
        foreach (var protocol in (Protocol[])[Protocol.Tcp, Protocol.Udp])
        {
            using var connection = _lab.Client.Open(protocol, TwoNodeLab.Vip(family), TwoNodeLab.ServicePortNumber);
            Assert.Equal("remote", connection.Read(3000).From);
            programmed.Set(Service(family, Only(_lab.Node.Address(family))));
            Assert.Equal("remote", connection.Again().From);
            Assert.Equal("nothing", AskVip(_lab.Client, family, protocol, false).From);
            programmed.Set(Service(family, Only(_lab.Client.Address(family))));
        }
    }
}

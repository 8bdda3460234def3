using Portolan.Core.Addresses;
using Portolan.Core.Cluster;
using Portolan.Proxy.Nftables;

namespace Portolan.Tests.Proxy.Packets;

/// <summary>What becomes of packets to a Service's addresses, and the addresses that Services could have, which no Service port is for.</summary>
public sealed class UnusedAddressTests : IClassFixture<TwoNodeLab>
{
    private readonly TwoNodeLab _lab;

    public UnusedAddressTests(TwoNodeLab lab)
    {
        NetworkNamespace.SkipUnlessRoot();
        _lab = lab;
    }

    public static TheoryData<IpFamily> Families => [IpFamily.IPv4, IpFamily.IPv6];

    private IEnumerable<LabHost> Clients => [_lab.Pod, _lab.Local, _lab.Node, _lab.Client];

    private static IEnumerable<(Protocol, IpAddress, int)> EveryProtocol(params (IpAddress To, int Port)[] whom) =>
        from one in whom
        from protocol in Enum.GetValues<Protocol>()
        select (protocol, one.To, one.Port);

    [Theory]
    [MemberData(nameof(Families))]
    [Contract("proxy §1.3-3")]
    [Contract("proxy §1.3-5")]
    public void RefusesOtherPortsOfClusterIPsAndLoadBalancerAddresses(IpFamily family)
    {
        var elsewhere = TwoNodeLab.Elsewhere(family);
        var service = TwoNodeLab.Service(family) with { ClusterIPs = [elsewhere], Ports = [new ServicePort("Tcp", Protocol.Tcp, 81, 0)] };
        var programmed = new ProgrammedTable(_lab, family).Set(service).Endpoints("remote");
        foreach (var client in Clients)
        {
            Assert.All(client.AskAtOnce(EveryProtocol((elsewhere, 80), (TwoNodeLab.Vip(family), 80))), answer => Assert.Equal(Answer.Refused, answer));
            Assert.Equal("remote", client.Ask(Protocol.Tcp, elsewhere, 81).From);
            Assert.Equal("remote", client.Ask(Protocol.Tcp, TwoNodeLab.Vip(family), 81).From);
        }

        // An address that is the Service's no more is nobody's business.
        programmed.Set(service with { ClusterIPs = [TwoNodeLab.ClusterIP(family)] });
        foreach (var client in Clients)
            Assert.All(client.AskAtOnce(EveryProtocol((elsewhere, 80))), answer => Assert.Equal("node2", answer.From));
        programmed.IsAsFromScratch();
    }

    [Theory]
    [MemberData(nameof(Families))]
    [Contract("proxy §1.3-5")]
    public void LeavesOtherPortsOfExternalIPsAlone(IpFamily family)
    {
        var elsewhere = TwoNodeLab.Elsewhere(family);
        new ProgrammedTable(_lab, family).Set(TwoNodeLab.Service(family) with { ExternalIPs = [elsewhere], Ports = [new ServicePort("Tcp", Protocol.Tcp, 81, 0)] }).Endpoints("remote");
        foreach (var client in Clients)
            Assert.All(client.AskAtOnce(EveryProtocol((elsewhere, 80))), answer => Assert.Equal(("node2", client.Address(family)), (answer.From, answer.Source)));
    }

    [Theory]
    [MemberData(nameof(Families))]
    [Contract("proxy §1.3-4")]
    public void DropsWhatIsForAClusterIPThatNobodyHas(IpFamily family)
    {
        var elsewhere = TwoNodeLab.Elsewhere(family);
        var service = TwoNodeLab.Service(family) with { ClusterIPs = [elsewhere] };
        var programmed = new ProgrammedTable(_lab, family).Set(TwoNodeLab.Service(family)).Endpoints("remote");
        Assert.Equal("node2", _lab.Client.Ask(Protocol.Udp, elsewhere, 80).From);
        using var before = _lab.Client.Open(Protocol.Tcp, elsewhere, 80);
        Assert.Equal("node2", before.Read(3000).From);

        programmed = new ProgrammedTable(_lab, family, settings: new TableSettings { ServiceCidrs = [TwoNodeLab.ElsewhereCidr(family)] });
        foreach (var client in Clients)
        foreach (var protocol in Enum.GetValues<Protocol>())
            Assert.Equal(Answer.Nothing, client.AskInVain(protocol, elsewhere, 80, _lab.Responders, TwoNodeLab.ResponderPort));
        programmed.Set(service).Endpoints("remote");
        foreach (var client in Clients)
            Assert.All(client.AskAtOnce(EveryProtocol((elsewhere, 80))), answer => Assert.Equal("remote", answer.From));
    }
}

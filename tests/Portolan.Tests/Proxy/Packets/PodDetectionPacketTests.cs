using Portolan.Core.Addresses;
using Portolan.Core.Cluster;
using Portolan.Proxy.Nftables;

namespace Portolan.Tests.Proxy.Packets;

/// <summary>Who counts as a pod differs between the local detectors: another node's pods do by their addresses, and do not by interfaces.</summary>
public sealed class PodDetectionPacketTests : IClassFixture<TwoNodeLab>
{
    private readonly TwoNodeLab _lab;

    public PodDetectionPacketTests(TwoNodeLab lab)
    {
        NetworkNamespace.SkipUnlessRoot();
        _lab = lab;
    }

    public static TheoryData<IpFamily> Families => [IpFamily.IPv4, IpFamily.IPv6];

    private ProgrammedTable Program(IpFamily family, TableSettings settings) =>
        new ProgrammedTable(_lab, family, TwoNodeLab.Detect(Detection.ClusterCidr, family).Context, settings)
            .Set(TwoNodeLab.Service(family) with { ExternalTrafficPolicy = TrafficPolicy.Local })
            .Endpoints("local");

    // A pod keeps its address on the way to a ClusterIP; anybody else is masqueraded.
    private static void Is(bool pod, LabHost client, IpFamily family)
    {
        foreach (var protocol in Enum.GetValues<Protocol>())
        {
            var answer = client.Ask(protocol, TwoNodeLab.ClusterIP(family), TwoNodeLab.ServicePortNumber);
            Assert.Equal((client.Name, protocol, "local", pod), (client.Name, protocol, answer.From, answer.Source == client.Address(family)));
        }
    }

    // A pod's way to a load balancer address is short; anybody else arrives at this node's endpoints.
    private void TakesTheShortWay(bool pod, LabHost client, IpFamily family)
    {
        foreach (var protocol in Enum.GetValues<Protocol>())
        foreach (var (to, port) in (ReadOnlySpan<(IpAddress, int)>)[(TwoNodeLab.Vip(family), 80), (TwoNodeLab.NodeIP(family), TwoNodeLab.NodePort)])
        {
            var answer = pod ? client.Ask(protocol, to, port) : client.AskInVain(protocol, to, port, _lab.Responders, TwoNodeLab.ResponderPort);
            Assert.Equal((client.Name, protocol, pod ? "remote" : "nothing"), (client.Name, protocol, answer.From));
            if (pod)
                Assert.Equal(client.Address(family), answer.Source);
        }
    }

    [Theory]
    [MemberData(nameof(Families))]
    [Contract("proxy §1.5-7")]
    [Contract("proxy §1.2-14")]
    public void ByAddress(IpFamily family)
    {
        var programmed = Program(family, new TableSettings { ClusterCidrs = [TwoNodeLab.PodCidr(family)] });
        foreach (var (client, isPod) in (ReadOnlySpan<(LabHost, bool)>)[(_lab.Pod, true), (_lab.Bridged, true), (_lab.Remote, true), (_lab.Node, false), (_lab.Client, false)])
            Is(isPod, client, family);
        programmed.Endpoints("remote");
        foreach (var (client, isPod) in (ReadOnlySpan<(LabHost, bool)>)[(_lab.Pod, true), (_lab.Bridged, true), (_lab.Client, false)])
            TakesTheShortWay(isPod, client, family);
    }

    [Theory]
    [MemberData(nameof(Families))]
    [Contract("proxy §1.5-10")]
    public void ByHowTheirInterfacesNamesBegin(IpFamily family)
    {
        var programmed = Program(family, new TableSettings { PodInterface = "veth-", IsInterfacePrefix = true });
        foreach (var (client, isPod) in (ReadOnlySpan<(LabHost, bool)>)[(_lab.Pod, true), (_lab.Bridged, false), (_lab.Remote, false), (_lab.Node, false), (_lab.Client, false)])
            Is(isPod, client, family);
        programmed.Endpoints("remote");
        foreach (var (client, isPod) in (ReadOnlySpan<(LabHost, bool)>)[(_lab.Pod, true), (_lab.Bridged, false), (_lab.Client, false)])
            TakesTheShortWay(isPod, client, family);
    }

    [Theory]
    [MemberData(nameof(Families))]
    [Contract("proxy §1.5-9")]
    public void ByTheirBridge(IpFamily family)
    {
        var programmed = Program(family, new TableSettings { PodInterface = "cni0" });
        foreach (var (client, isPod) in (ReadOnlySpan<(LabHost, bool)>)[(_lab.Pod, false), (_lab.Bridged, true), (_lab.Remote, false), (_lab.Node, false), (_lab.Client, false)])
            Is(isPod, client, family);
        programmed.Endpoints("remote");
        foreach (var (client, isPod) in (ReadOnlySpan<(LabHost, bool)>)[(_lab.Pod, false), (_lab.Bridged, true), (_lab.Client, false)])
            TakesTheShortWay(isPod, client, family);

        // The whole name: one that only begins so is another's.
        Program(family, new TableSettings { PodInterface = "cni" });
        Is(false, _lab.Bridged, family);
    }
}

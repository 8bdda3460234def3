using Portolan.Core.Addresses;
using Portolan.Core.Cluster;
using Portolan.Proxy.Programmed;
using Portolan.Speaker.Bgp;

namespace Portolan.Tests.Speaker;

public sealed class ProgrammedGateTests
{
    private static readonly ObjectKey Web = new("default", "web");
    private static readonly IpAddress Four = IpAddress.Parse("192.168.100.240");
    private static readonly IpAddress Six = IpAddress.Parse("fd00:100::240");

    private static readonly ServiceFacts Service = new() { Key = Web, Uid = "u", Ingress = [new IngressAddress(Four, false), new IngressAddress(Six, false)] };
    private static readonly ProgrammedService Programmed = new() { Key = Web, Uid = "u", Programmed = true, ClusterEndpoints = 1, Addresses = [$"{Four}", $"{Six}"] };

    private readonly ProgrammedGate _gate;
    private ProgrammedService? _programmed;

    public ProgrammedGateTests() => _gate = new ProgrammedGate(_ => _programmed);

    [Fact]
    public void NothingWaits_WhereNoProxyTells()
    {
        Assert.Same(Service, _gate.Admit(Service, []));
        _gate.On([], isTold: true);
        var others = Service with { Labels = new Dictionary<string, string> { ["service.kubernetes.io/service-proxy-name"] = "other" } };
        Assert.Same(others, _gate.Admit(others, []));
        Assert.Empty(_gate.Waiting);
    }

    [Fact]
    public void AnAddressWaitsUntilTheKernelHasIt()
    {
        _gate.On([], isTold: true);
        Assert.Empty(_gate.Admit(Service, []).Ingress);
        Assert.Equal([Web], _gate.Waiting);
        _programmed = Programmed with { ClusterEndpoints = 0 };
        Assert.Equal([Web], _gate.On([Web], isTold: true));
        Assert.Empty(_gate.Admit(Service, []).Ingress);
        _programmed = Programmed with { Addresses = [$"{Six}"] };
        Assert.Equal([Six], _gate.Admit(Service, []).Ingress.Select(ingress => ingress.Address));
        Assert.Equal([Web], _gate.Waiting);
        _programmed = Programmed;
        Assert.Same(Service, _gate.Admit(Service, [Six]));
        Assert.Empty(_gate.Waiting);
        Assert.Empty(_gate.On([Web], isTold: true));
    }

    [Fact]
    public void UnderThePolicyLocal_EndpointsElsewhereAreNone()
    {
        _gate.On([], isTold: true);
        var local = Service with { ExternalTrafficPolicy = TrafficPolicy.Local };
        _programmed = Programmed with { LocalEndpoints = 0, ClusterEndpoints = 3 };
        Assert.Empty(_gate.Admit(local, []).Ingress);
        _programmed = Programmed with { LocalEndpoints = 1 };
        Assert.Same(local, _gate.Admit(local, []));
    }

    [Fact]
    public void WhatIsAnnouncedStaysSo_AndANewAddressBesideItWaits()
    {
        _gate.On([], isTold: true);
        _programmed = null; // a proxy that restarts
        Assert.Same(Service, _gate.Admit(Service, [Four, Six]));
        Assert.Equal([Four], _gate.Admit(Service, [Four]).Ingress.Select(ingress => ingress.Address));
    }

    [Fact]
    public void WhenTheProxyCeasesToTell_WhatWaitedIsLookedAtAgain_AndPasses()
    {
        _gate.On([], isTold: true);
        _gate.Admit(Service, []);
        Assert.Equal([Web], _gate.On([], isTold: false));
        Assert.Same(Service, _gate.Admit(Service, []));
        Assert.Empty(_gate.Waiting);
        Assert.Empty(_gate.On([], isTold: true));
    }

    [Fact]
    public void OfWhatDoesNotWait_NothingIsLookedAt()
    {
        _gate.On([], isTold: true);
        _gate.Admit(Service, []);
        Assert.Empty(_gate.On([new ObjectKey("default", "other")], isTold: true));
        _gate.Forget(Web);
        Assert.Empty(_gate.On([Web], isTold: false));
    }
}

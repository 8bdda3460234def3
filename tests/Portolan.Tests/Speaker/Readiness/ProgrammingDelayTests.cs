using Portolan.Core.Addresses;
using Portolan.Core.Cluster;
using Portolan.Proxy.Programmed;
using Portolan.Speaker.Readiness;

namespace Portolan.Tests.Speaker.Readiness;

public sealed class ProgrammingDelayTests
{
    private static readonly ObjectKey Web = new("default", "web");
    private static readonly ObjectKey Api = new("default", "api");
    private readonly ProgrammingDelay _delay = new();

    private static readonly ServiceFacts Service = new()
    {
        Key = Web, Uid = "u", Generation = 2,
        Ingress = [new IngressAddress(IpAddress.Parse("192.168.100.240"), false), new IngressAddress(IpAddress.Parse("fd00:100::240"), false), new IngressAddress(IpAddress.Parse("203.0.113.1"), true)],
    };

    private static readonly ProgrammedService Programmed = new()
    {
        Key = Web, Uid = "u", Generation = 2, Programmed = true, ClusterEndpoints = 2, Addresses = ["10.8.0.1", "192.168.100.240", "fd00:100::240"],
    };

    [Fact]
    public void IsServed_WhenEveryAddressLeadsToAnEndpoint()
    {
        Assert.True(ProgrammingDelay.IsServed(Service, Programmed));
        Assert.True(ProgrammingDelay.IsServed(Service, Programmed with { Generation = 3 })); // the proxy heard of it first
        Assert.False(ProgrammingDelay.IsServed(Service, null));
        Assert.False(ProgrammingDelay.IsServed(Service, Programmed with { Programmed = false }));
        Assert.False(ProgrammingDelay.IsServed(Service, Programmed with { Uid = "its predecessor" }));
        Assert.False(ProgrammingDelay.IsServed(Service, Programmed with { Generation = 1 }));
        Assert.False(ProgrammingDelay.IsServed(Service, Programmed with { ClusterEndpoints = 0 }));
        Assert.False(ProgrammingDelay.IsServed(Service, Programmed with { Addresses = ["10.8.0.1", "192.168.100.240"] }));
        Assert.False(ProgrammingDelay.IsServed(Service with { ExternalTrafficPolicy = TrafficPolicy.Local }, Programmed));
        Assert.True(ProgrammingDelay.IsServed(Service with { ExternalTrafficPolicy = TrafficPolicy.Local }, Programmed with { LocalEndpoints = 1 }));
    }

    [Fact]
    public void IsLateOnlyAfterTheTimeThatAProxyMayTake()
    {
        _delay.Set(Web, isServed: false, 0);
        _delay.Set(Api, isServed: false, 100);
        _delay.Set(Web, isServed: false, 200); // still
        _delay.Advance(ProgrammingDelay.Allowed - 1);
        Assert.Empty(_delay.Late);
        Assert.Equal(ProgrammingDelay.Allowed, _delay.Deadline);
        _delay.Set(Api, isServed: true, 300);
        _delay.Advance(ProgrammingDelay.Allowed + 100);
        Assert.Equal([Web], _delay.Late);
        Assert.Null(_delay.Deadline);
        _delay.Set(Web, isServed: true, ProgrammingDelay.Allowed + 200);
        Assert.Empty(_delay.Late);
    }

    [Fact]
    public void CountsAnew_WhenItFallsBehindAgain()
    {
        _delay.Set(Web, isServed: false, 0);
        _delay.Set(Web, isServed: true, 100);
        _delay.Set(Web, isServed: false, 200);
        _delay.Advance(ProgrammingDelay.Allowed);
        Assert.Empty(_delay.Late);
        _delay.Advance(ProgrammingDelay.Allowed + 200);
        Assert.Equal([Web], _delay.Late);
    }
}

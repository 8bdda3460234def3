using Portolan.Core.Addresses;
using Portolan.Core.Cluster;
using Portolan.Core.Forwarding;
using Portolan.Linux.Conntrack;
using Portolan.Proxy.Cleanup;

namespace Portolan.Tests.Proxy.Cleanup;

public sealed class StaleFlowsTests
{
    private static readonly RealServer _front = Server("10.8.0.10:53"), _first = Server("10.9.0.2:5353"), _second = Server("10.9.0.3:5353");

    private static RealServer Server(string text) => new(IpAddress.Parse(text[..text.LastIndexOf(':')]), ushort.Parse(text[(text.LastIndexOf(':') + 1)..], null));

    private static ServiceFacts Service(Protocol protocol = Protocol.Udp, string? vip = null, ushort nodePort = 0) => new()
    {
        Key = new ObjectKey("kube-system", "dns"),
        Type = vip is null ? ServiceType.ClusterIP : ServiceType.LoadBalancer,
        ClusterIPs = [_front.Address],
        Ports = [new ServicePort("dns", protocol, 53, nodePort)],
        Ingress = vip is null ? [] : [new IngressAddress(IpAddress.Parse(vip), false)],
    };

    private static EndpointSliceFacts Slice(params EndpointFacts[] endpoints) => new()
    {
        Key = new ObjectKey("kube-system", "dns-1"),
        Service = new ObjectKey("kube-system", "dns"),
        Ports = [new EndpointPort("dns", Protocol.Udp, 5353), new EndpointPort("dns", Protocol.Tcp, 5353), new EndpointPort("dns", Protocol.Sctp, 5353)],
        Endpoints = endpoints,
    };

    private static EndpointFacts Ready(RealServer server) => new() { Address = server.Address, NodeName = "node" };

    private static EndpointFacts Terminating(RealServer server, bool serving) => Ready(server) with { Ready = false, Serving = serving, Terminating = true };

    private sealed class History(bool endsTcpFlows = false)
    {
        private readonly ForwardingIndex _index = new(new ForwardingContext { NodeName = "node", EndsTcpFlows = endsTcpFlows });

        internal StaleFlows After(ServiceFacts? service, params EndpointFacts[] endpoints)
        {
            if (service is not null)
                _index.Set(service);
            _index.Set(Slice(endpoints));
            return StaleFlows.Since(_index.TakeChanges());
        }

        internal StaleFlows Now() => StaleFlows.Under(_index.Plans);
    }

    [Fact]
    [Contract("proxy §1.8-1")]
    public void LooksOnlyWhereAFlowCanHaveBecomeStale()
    {
        var history = new History();
        Assert.Empty(history.After(Service()).Searches()); // nobody to send a flow to
        Assert.Single(history.After(null, Ready(_first)).Searches()); // from before there was an endpoint
        Assert.Empty(history.After(null, Ready(_first), Ready(_second)).Searches()); // one more
        Assert.Empty(history.After(null, Terminating(_first, serving: true), Ready(_second)).Searches()); // still serves
        Assert.Single(history.After(null, Terminating(_first, serving: false), Ready(_second)).Searches());
        Assert.Empty(history.After(null, Ready(_second)).Searches()); // was not serving before
        Assert.Single(history.After(Service(vip: "192.0.2.240"), Ready(_second)).Searches()); // flows to that address from before
        Assert.Empty(history.After(Service(), Ready(_second)).Searches());
        Assert.Empty(history.After(null).Searches()); // left alone while there is no endpoint
        Assert.Single(history.After(null, Ready(_first)).Searches());
    }

    [Theory]
    [InlineData(Protocol.Tcp)]
    [InlineData(Protocol.Sctp)]
    [Contract("proxy §1.8-2")]
    public void NeverLooksForOtherProtocols_UnlessTold(Protocol protocol)
    {
        var history = new History();
        history.After(Service(protocol), Ready(_first));
        Assert.Empty(history.After(null, Ready(_second)).Searches());
        Assert.Empty(history.Now().Searches());
    }

    [Fact]
    public void KnowsAStaleFlow()
    {
        var history = new History();
        history.After(Service(nodePort: 31053), Ready(_first));
        var stale = history.After(null, Ready(_second));
        Assert.True(stale.Includes(Protocol.Udp, _front, _first));
        Assert.False(stale.Includes(Protocol.Udp, _front, _second));
        Assert.True(stale.Includes(Protocol.Udp, _front, _front)); // never translated: older than the Service
        Assert.True(stale.Includes(Protocol.Udp, Server("192.0.2.1:31053"), _first));
        Assert.False(stale.Includes(Protocol.Udp, Server("10.8.0.11:53"), _first));
        Assert.False(stale.Includes(Protocol.Tcp, _front, _first));
    }

    [Fact]
    public void EndsTcpFlows_WhenTheEndpointIsGoneAltogether()
    {
        var history = new History(endsTcpFlows: true);
        history.After(Service(Protocol.Tcp, nodePort: 31053), Ready(_first), Ready(_second));
        Assert.Empty(history.After(null, Terminating(_first, serving: false), Ready(_second)).Searches()); // may finish what it does
        var stale = history.After(null, Ready(_second));
        Assert.True(stale.Includes(Protocol.Tcp, _front, _first));
        Assert.False(stale.Includes(Protocol.Tcp, _front, _second));
        Assert.False(stale.Includes(Protocol.Tcp, Server("203.0.113.5:31053"), Server("203.0.113.5:31053"))); // a connection elsewhere, to the same port
        Assert.True(Assert.Single(stale.Searches()).Filter.IsDestinationTranslated);
    }

    [Fact]
    public void AsksTheKernelForNoMoreThanItMust()
    {
        var history = new History();
        Assert.Equivalent(new ConntrackFilter(17, 53, [10, 8, 0, 10]), Filter(history.After(Service(), Ready(_first))));
        Assert.Equivalent(new ConntrackFilter(17, 53), Filter(history.After(Service(vip: "192.0.2.240"), Ready(_second))));
        Assert.Equivalent(new ConntrackFilter(17), Filter(history.After(Service(nodePort: 31053), Ready(_first))));

        static ConntrackFilter Filter(StaleFlows stale) => Assert.Single(stale.Searches()).Filter;
    }
}

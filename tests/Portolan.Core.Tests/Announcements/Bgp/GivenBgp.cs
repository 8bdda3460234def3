using Portolan.Core.Addresses;
using Portolan.Core.Announcements.Bgp;
using Portolan.Core.Cluster;
using Portolan.Core.Configuration;

namespace Portolan.Core.Tests.Announcements.Bgp;

/// <summary>One node of a small cluster with two routers, one advertisement for all, and what to vary.</summary>
internal static class GivenBgp
{
    public static readonly Dictionary<string, BgpCommunity> Aliases = new() { ["no-export"] = new BgpCommunity(false, 65535, 65281, 0) };

    public static BgpContext Context { get; } = new()
    {
        Pools = Given.Pools(("lan", "192.168.100.0/24"), ("six", "fd00::/120"), ("both", "10.9.0.0/24")),
        Advertisements = [Advertisement("all")],
        Peers = [Peer("tor1"), Peer("tor2")],
        Aliases = Aliases,
        Node = Given.Node("node1", ("rack", "a")),
    };

    public static BgpAdvertisement Advertisement(string name, Func<BgpAdvertisementSpec, BgpAdvertisementSpec>? but = null)
    {
        var spec = new BgpAdvertisementSpec { Name = name };
        return (but?.Invoke(spec) ?? spec).Parse(Aliases, [], [])!;
    }

    public static BgpPeer Peer(string name, params LabelSelector[] nodes) =>
        new BgpPeerSpec { Name = name, MyAsn = 64512, PeerAsn = 64513, PeerAddress = "10.0.0.1", NodeSelectors = nodes }.Parse([])!;

    public static BgpPolicy Policy(string name, params string[] peers) => new() { Name = name, Peers = peers };

    public static BgpPlan Plan(ServiceFacts service, BgpContext? context = null, params EndpointFacts[] endpoints) =>
        BgpPlan.For(service, [Given.Slice(endpoints.Length > 0 ? endpoints : [Given.Endpoint("node1")])], context ?? Context);

    public static ServiceFacts Local(params string[] addresses) => Given.Service(addresses) with { ExternalTrafficPolicy = TrafficPolicy.Local };

    public static ServiceFacts Asking(this ServiceFacts service, string communities) =>
        service with { Annotations = new Dictionary<string, string> { ["portolan.dev/bgp-communities"] = communities } };

    public static IpPrefix Prefix(string text) => IpPrefix.TryParse(text, out var prefix) ? prefix : throw new FormatException(text);

    /// <summary>Prefix, peers and attributes of each route.</summary>
    public static IEnumerable<string> Said(this BgpPlan plan) =>
        plan.Routes.Select(route => $"{route.Prefix} to {string.Join(',', route.Peers)}: {route.Attributes}".TrimEnd());
}

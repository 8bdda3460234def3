using Portolan.Core.Addresses;
using Portolan.Core.Announcements.Bgp;
using Portolan.Core.Cluster;
using Portolan.Core.Configuration;
using Portolan.Speaker.Bgp;

namespace Portolan.Tests.Bgp;

/// <summary>Services with the advertisements of MetalLB's documentation, as routers have them: a block for all, and host routes that stay in the AS.</summary>
public sealed class AggregationInteroperationTests
{
    private const string Block = "203.0.113.0/24";
    private const string BlockV6 = "2001:db8::/64";

    private static readonly ConfigurationSet _configuration = ConfigurationSet.Empty.Update(ConfigurationObjects.Empty
        .With(new BgpPeerSpec { Name = "router", MyAsn = BgpWire.OurAsn, PeerAsn = BgpWire.OurAsn, PeerAddress = "10.7.1.101" })
        .With(new BgpAdvertisementSpec { Name = "block", AggregationLength = 24, AggregationLengthV6 = 64, LocalPref = 150, Communities = ["64500:1", "large:64500:2:3"] })
        .With(new BgpAdvertisementSpec { Name = "hosts", LocalPref = 250, Communities = ["65535:65282"] })
        .With(new AddressPoolSpec { Name = "pool", Addresses = [Block, BlockV6] }));

    [Fact]
    public void OneRouteStandsForABlock_UntilTheLastOfItsServicesGoes()
    {
        using var them = new AllDaemons(isInternal: true);
        them.Start();
        using var us = new BgpSide(them.Us);
        var index = new BgpIndex();
        Apply(index.Set(new BgpContext { Node = new NodeFacts { Name = "node1", Ready = true } }.With(_configuration)));
        foreach (var name in (string[])["a", "b"])
            Apply(index.Set(new EndpointSliceFacts { Key = new ObjectKey("default", name), Service = new ObjectKey("default", name), Endpoints = [new EndpointFacts { Address = IpAddress.Parse("10.233.65.2"), NodeName = "node1" }] }));
        Apply(index.Set(Service("a", "", "203.0.113.7", "2001:db8::7")));
        Apply(index.Set(Service("b", "64500:9", "203.0.113.8", "2001:db8::8")));
        us.Speak(them.Neighbors());
        them.AwaitUp(us);
        them.Each((_, speaker) =>
        {
            foreach (var prefix in (string[])[Block, BlockV6])
                speaker.Await(prefix, route => route.LocalPref == 150 && Plain(route.Communities) == "64500:1 64500:9" && Plain(route.Large) == "64500:2:3");
            foreach (var prefix in (string[])["203.0.113.7/32", "203.0.113.8/32", "2001:db8::7/128", "2001:db8::8/128"])
                speaker.Await(prefix, route => route.LocalPref == 250 && (Plain(route.Communities).Contains("65535:65282", StringComparison.Ordinal) || route.Communities.Contains("advertise", StringComparison.OrdinalIgnoreCase)));
        });

        // FRR's kernel has the block all the time; of IPv6 it replaces a route by deleting it.
        using var monitor = new RouteMonitor(them.Place("frr"));
        Apply(index.RemoveService(new ObjectKey("default", "b")));
        them.Each((_, speaker) =>
        {
            speaker.AwaitGone("203.0.113.8/32");
            speaker.AwaitGone("2001:db8::8/128");
            foreach (var prefix in (string[])[Block, BlockV6])
                speaker.Await(prefix, route => route.LocalPref == 150 && Plain(route.Communities) == "64500:1");
            Assert.NotNull(speaker.Find("203.0.113.7/32"));
        });
        Patience.Until(() => monitor.Seen.Contains("Deleted 203.0.113.8", StringComparison.Ordinal), () => monitor.Seen);
        Assert.DoesNotContain($"Deleted {Block}", monitor.Seen, StringComparison.Ordinal);

        Apply(index.RemoveService(new ObjectKey("default", "a")));
        them.Each((_, speaker) =>
        {
            foreach (var prefix in (string[])["203.0.113.7/32", "2001:db8::7/128", Block, BlockV6])
                speaker.AwaitGone(prefix);
        });

        void Apply(BgpChanges changes) => us.Loop.Change("t", [.. changes.Routes.Select(route => (route.Prefix.ToWire(), route.Attributes?.ToWire()))]);
    }

    private static ServiceFacts Service(string name, string communities, params string[] addresses) => new()
    {
        Key = new ObjectKey("default", name),
        Type = ServiceType.LoadBalancer,
        Annotations = communities.Length == 0 ? new Dictionary<string, string>() : new() { ["portolan.dev/bgp-communities"] = communities },
        Ingress = [.. addresses.Select(address => new IngressAddress(IpAddress.Parse(address), false))],
    };

    // They write them with parentheses, commas and spaces.
    private static string Plain(string communities) =>
        communities.Replace(", ", ":", StringComparison.Ordinal).Replace(',', ':').Replace("(", "", StringComparison.Ordinal).Replace(")", "", StringComparison.Ordinal);
}
